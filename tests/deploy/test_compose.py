"""docker-compose.yml against its schema and our rules; each rule is seen failing on a copy."""

import json
import re
import shutil
import stat
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from copy import deepcopy
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from libs.common.settings import Settings
from libs.common.telemetry.metrics import REGISTRY
from tests.architecture.services import ROOT, WITH_SERVICE

FILE = ROOT / "docker-compose.yml"
FOLDER = ROOT / "deploy" / "compose"
DASHBOARD = FOLDER / "grafana" / "dashboards" / "weiyuan.json"
EMBEDDED_ONLY = {"embedded", "home", "port", "clock"}
WRITABLE_ROOT = {"kafka", "keycloak"}  # their start scripts write beside their programs

Compose = dict[str, Any]
Rule = Callable[[Compose], Iterator[str]]


def _compose() -> Compose:
    read: Compose = yaml.safe_load(FILE.read_text("utf-8"))
    return read


def _ours(compose: Compose) -> dict[str, Any]:
    found = compose["services"].items()
    return {name: each for name, each in found if each["image"].startswith("weiyuan:")}


def hardened(compose: Compose) -> Iterator[str]:
    for name, each in compose["services"].items():
        if each.get("cap_drop") != ["ALL"] or each.get("cap_add") or each.get("privileged"):
            yield f"{name} has capabilities"
        if "no-new-privileges:true" not in each.get("security_opt", []):
            yield f"{name} may gain privileges"
        if not each.get("read_only") and name not in WRITABLE_ROOT:
            yield f"{name} may write to its root"
    for name, each in _ours(compose).items():
        if each.get("user") != "10001:10001":
            yield f"{name} runs as {each.get('user')}"
        if not any(mount.startswith("/tmp:") for mount in each.get("tmpfs", [])):
            yield f"{name} has no /tmp"


def every_part(compose: Compose) -> Iterator[str]:
    asked = {
        f"{service}{suffix}": ["serve", service, part, *host]
        for service in WITH_SERVICE
        for suffix, part, host in (
            ("", "api", ["--host", "0.0.0.0"]),
            ("-worker", "worker", ["--host", "0.0.0.0"]),
            ("-migrate", "migrate", []),
        )
    }
    ours = _ours(compose)
    for name, command in asked.items():
        if name not in ours or ours[name]["command"] != command:
            yield f"{name} should run {command}"
    served = {name for name, each in ours.items() if each["command"][0] == "serve"}
    yield from (f"{name} is of no service" for name in sorted(served - set(asked)))


def own_database_and_passwords(compose: Compose) -> Iterator[str]:
    roles = {
        "": ("app", "self", "public", "worker"),
        "-worker": ("worker",),
        "-migrate": ("owner",),
    }
    for service in WITH_SERVICE:
        for suffix, kinds in roles.items():
            each = compose["services"].get(f"{service}{suffix}", {})
            if set(each.get("secrets", [])) != {f"{service}_{kind}" for kind in kinds}:
                yield f"{service}{suffix} is given {each.get('secrets')}"
            urls = [key for key in each.get("environment", {}) if key.endswith("_DATABASE_URL")]
            if urls != [f"WEIYUAN_{service.upper()}_DATABASE_URL"]:
                yield f"{service}{suffix} is told {urls}"


def known_settings(compose: Compose) -> Iterator[str]:
    known = {f"WEIYUAN_{name.upper()}" for name in set(Settings.model_fields) - EMBEDDED_ONLY}
    for name, each in _ours(compose).items():
        unknown = set(each.get("environment", {})) - known
        yield from (f"{name}: no setting {key}" for key in sorted(unknown))
    named = set(re.findall(r"\$\{(WEIYUAN_\w+)", json.dumps(compose)))
    yield from (f"no setting {key}" for key in sorted(named - known))


def local_ports(compose: Compose) -> Iterator[str]:
    for name, each in compose["services"].items():
        for port in each.get("ports", []):
            if not str(port).startswith("127.0.0.1:"):
                yield f"{name} answers the world on {port}"
        if each.get("network_mode") == "host":
            yield f"{name} is in the machine's network"


def no_secret_values(compose: Compose) -> Iterator[str]:
    for name, each in compose["services"].items():
        for key, value in each.get("environment", {}).items():
            secret = re.search("PASSWORD|SECRET|TOKEN|CREDENTIAL", key)
            if secret and not str(value).startswith("/run/secrets"):
                yield f"{name} has a value in {key}"
    if found := re.search(r"://[^/@\s\"]+:[^/@\s\"]+@", json.dumps(compose)):
        yield f"a password in {found[0]}"
    for name, secret in compose["secrets"].items():
        if secret != {"file": f"deploy/compose/secrets/{name}"}:
            yield f"secret {name} is not a file of its name"


def exact_images(compose: Compose) -> Iterator[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    for name, each in compose["services"].items():
        if not re.fullmatch(r"[a-z0-9./-]+:v?\d+(\.\d+)+(-[a-z]+)?", each["image"]):
            yield f"{name} runs {each['image']}, which may change"
    for name, each in _ours(compose).items():
        if each["image"] != f"weiyuan:{project['version']}":
            yield f"{name} runs {each['image']}, the project is at {project['version']}"


def order_of_start(compose: Compose) -> Iterator[str]:
    services, done = compose["services"], {"condition": "service_completed_successfully"}
    for service in WITH_SERVICE:
        for name, needed in (
            (service, {"keys": done, f"{service}-migrate": done}),
            (f"{service}-worker", {"keys": done, f"{service}-migrate": done, "topics": done}),
            (f"{service}-migrate", {"provision": done}),
        ):
            if services.get(name, {}).get("depends_on") != needed:
                yield f"{name} waits for other things than {sorted(needed)}"
        if "kafka" in _waited_for(services, service):
            yield f"{service} does not start without Kafka"


def _waited_for(services: dict[str, Any], name: str) -> set[str]:
    direct = set(services.get(name, {}).get("depends_on", {}))
    return direct.union(*(_waited_for(services, each) for each in direct))


def healthy_and_stoppable(compose: Compose) -> Iterator[str]:
    ours = _ours(compose)
    for name, each in ours.items():
        if each.get("stop_grace_period") != "45s":
            yield f"{name} is killed after {each.get('stop_grace_period')}"
        if "api" in each["command"] or "worker" in each["command"]:
            test = each.get("healthcheck", {}).get("test", ["NONE"])
            if test[:2] != ["CMD", "python3"] or "/readyz" not in test[-1]:
                yield f"{name} is not asked for /readyz"
            if each.get("restart") != "unless-stopped":
                yield f"{name} is not started again"
        elif each.get("restart") != "on-failure:5":
            yield f"{name} is no job"


Break = Callable[[Compose], object]
BROKEN: list[tuple[Rule, str, Break]] = [
    (hardened, "writable", lambda c: c["services"]["registry"].pop("read_only")),
    (hardened, "capable", lambda c: c["services"]["kafka"].update(cap_add=["SYS_ADMIN"])),
    (hardened, "privileges", lambda c: c["services"]["postgres"].pop("security_opt")),
    (hardened, "root", lambda c: c["services"]["solar-worker"].update(user="0:0")),
    (hardened, "no tmp", lambda c: c["services"]["keys"].pop("tmpfs")),
    (every_part, "no worker", lambda c: c["services"].pop("solar-worker")),
    (every_part, "wrong part", lambda c: c["services"]["solar"]["command"].insert(2, "worker")),
    (
        every_part,
        "stranger",
        lambda c: c["services"].update(x={"image": "weiyuan:1", "command": ["serve", "x", "api"]}),
    ),
    (
        own_database_and_passwords,
        "owner",
        lambda c: c["services"]["registry-worker"]["secrets"].append("registry_owner"),
    ),
    (
        own_database_and_passwords,
        "neighbour",
        lambda c: c["services"]["solar"]["environment"].update(WEIYUAN_REGISTRY_DATABASE_URL="x"),
    ),
    (
        known_settings,
        "misspelt",
        lambda c: c["services"]["solar"]["environment"].update(WEIYUAN_ISSUERS="x"),
    ),
    (
        known_settings,
        "embedded",
        lambda c: c["services"]["solar"]["environment"].update(WEIYUAN_EMBEDDED="true"),
    ),
    (
        known_settings,
        "interpolated",
        lambda c: c["services"]["kafka"]["environment"].update(X="${WEIYUAN_BUSS:-}"),
    ),
    (local_ports, "open", lambda c: c["services"]["registry"].update(ports=["8001:8000"])),
    (local_ports, "host", lambda c: c["services"]["registry"].update(network_mode="host")),
    (
        no_secret_values,
        "environment",
        lambda c: c["services"]["postgres"]["environment"].update(POSTGRES_PASSWORD="x"),
    ),
    (
        no_secret_values,
        "address",
        lambda c: c["services"]["provision"]["command"].append("postgresql://a:b@postgres/x"),
    ),
    (
        no_secret_values,
        "secret",
        lambda c: c["secrets"].update(postgres={"environment": "PASSWORD"}),
    ),
    (exact_images, "moving", lambda c: c["services"]["postgres"].update(image="postgres:18")),
    (exact_images, "latest", lambda c: c["services"]["kafka"].update(image="apache/kafka:latest")),
    (exact_images, "other", lambda c: c["services"]["solar"].update(image="weiyuan:0.0.9")),
    (
        order_of_start,
        "kafka first",
        lambda c: c["services"]["solar-migrate"]["depends_on"].update(kafka={}),
    ),
    (order_of_start, "no schema", lambda c: c["services"]["solar"]["depends_on"].pop("keys")),
    (
        order_of_start,
        "no topics",
        lambda c: c["services"]["solar-worker"]["depends_on"].pop("topics"),
    ),
    (healthy_and_stoppable, "killed", lambda c: c["services"]["solar"].pop("stop_grace_period")),
    (healthy_and_stoppable, "unasked", lambda c: c["services"]["solar"].pop("healthcheck")),
    (healthy_and_stoppable, "for ever", lambda c: c["services"]["keys"].update(restart="always")),
]
RULES = list(dict.fromkeys(rule for rule, _, _ in BROKEN))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_it_keeps_the_rule(rule: Rule) -> None:
    assert list(rule(_compose())) == []


@pytest.mark.parametrize(
    ("rule", "breaks"),
    [pytest.param(rule, breaks, id=f"{rule.__name__}: {what}") for rule, what, breaks in BROKEN],
)
def test_the_rule_notices_a_broken_copy(rule: Rule, breaks: Break) -> None:
    broken = deepcopy(_compose())  # what anchors share is one object, in the copy too
    services = broken["services"]
    services.update({name: deepcopy(each) for name, each in services.items()})
    breaks(broken)
    assert list(rule(broken)) != []


def _by_schema(file: Path) -> "subprocess.CompletedProcess[str]":
    if not find_spec("check_jsonschema"):
        pytest.skip("check-jsonschema, which has the Compose schema, is not installed")
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    return subprocess.run([*command, str(file)], capture_output=True, text=True, check=False)


def test_it_is_a_compose_file() -> None:
    done = _by_schema(FILE)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_schema_notices_a_misspelt_condition(tmp_path: Path) -> None:
    broken = tmp_path / "docker-compose.yml"
    broken.write_text(FILE.read_text("utf-8").replace("service_healthy", "service_healty"), "utf-8")
    assert _by_schema(broken).returncode == 1


def test_docker_compose_reads_it() -> None:
    if not (command := shutil.which("docker-compose")):
        pytest.skip("docker-compose is not installed")
    profiles = ["--profile", "auth", "--profile", "observability"]
    done = subprocess.run(
        [command, "-f", str(FILE), *profiles, "config", "--services"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert set(done.stdout.split()) == set(_compose()["services"])


def test_the_script_makes_every_secret_once(tmp_path: Path) -> None:
    script = shutil.copy(FOLDER / "secrets.sh", tmp_path)
    made = []
    for _ in range(2):
        subprocess.run([script], check=True, capture_output=True)
        made.append({each.name: each.read_text() for each in (tmp_path / "secrets").iterdir()})
    assert made[0] == made[1]
    assert set(made[0]) == set(_compose()["secrets"])
    assert len(set(made[0].values())) == len(made[0])
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700


@pytest.mark.parametrize("name", ["kafka", "keycloak"])
def test_it_runs_the_version_that_is_tested(name: str) -> None:
    pom = ElementTree.parse(ROOT / "deploy" / name / "pom.xml")
    tested = pom.findtext(f".//{{*}}{name}.version")
    assert _compose()["services"][name]["image"].endswith(f":{tested}")


def test_prometheus_asks_every_process() -> None:
    settings = yaml.safe_load((FOLDER / "prometheus.yml").read_text("utf-8"))
    (job,) = settings["scrape_configs"]
    asked = [target for group in job["static_configs"] for target in group["targets"]]
    running = [f"{service}{part}:8000" for service in WITH_SERVICE for part in ("", "-worker")]
    assert sorted(asked) == sorted(running)


def _unknown_metrics(dashboard: str) -> set[str]:
    known = {sample for each in REGISTRY.collect() for sample in _samples(each.name, each.type)}
    return set(re.findall(r"weiyuan_\w+", dashboard)) - known


def _samples(name: str, kind: str) -> list[str]:
    endings = {"histogram": ("_bucket", "_count", "_sum"), "counter": ("_total",)}
    return [name + ending for ending in endings.get(kind, ("",))]


def test_the_dashboard_shows_metrics_that_exist() -> None:
    text = DASHBOARD.read_text("utf-8")
    assert _unknown_metrics(text) == set()
    assert _unknown_metrics(text.replace("outbox_oldest", "outbox_older")) != set()
    source = yaml.safe_load(
        (FOLDER / "grafana/provisioning/datasources/prometheus.yaml").read_text("utf-8")
    )
    panels = json.loads(text)["panels"]
    assert {each["datasource"]["uid"] for each in panels} == {source["datasources"][0]["uid"]}
