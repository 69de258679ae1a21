"""What is not set, or wrong, is said in one line with the variable, before anything begins."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.cli.conftest import Env
from tests.cli.served import weiyuan

EMBEDDED = {"WEIYUAN_EMBEDDED": "true", "WEIYUAN_HOME": "/nowhere"}


@pytest.mark.parametrize(
    ("service", "part", "variable", "value"),
    [
        ("registry", "api", "WEIYUAN_REGISTRY_DATABASE_URL", None),
        (
            "registry",
            "api",
            "WEIYUAN_REGISTRY_DATABASE_URL",
            "postgresql://registry_app@db/registry",
        ),
        ("registry", "api", "WEIYUAN_KEYS", None),
        ("registry", "api", "WEIYUAN_ISSUER", None),
        ("registry", "api", "WEIYUAN_JWKS_URL", None),
        ("registry", "api", "WEIYUAN_TRUSTED_PROXIES", "*"),
        ("solar", "api", "WEIYUAN_REGISTRY_URL", None),
        ("solar", "worker", "WEIYUAN_SOLAR_DATABASE_URL", None),
        ("solar", "worker", "WEIYUAN_BUS_URL", None),
        ("solar", "worker", "WEIYUAN_BUS_URL", "amqp://host"),
        ("solar", "worker", "WEIYUAN_CLOCK", "2019-06-01T00:00:00Z"),
        ("solar", "migrate", "WEIYUAN_SOLAR_DATABASE_URL", None),
        ("bus", "migrate", "WEIYUAN_BUS_URL", "kafka://127.0.0.1:1"),
    ],
)
def test_one_line_names_the_variable(
    env: Env, service: str, part: str, variable: str, value: str | None
) -> None:
    given = {name: each for name, each in env.items() if name != variable}
    line = refused(service, part, given | ({variable: value} if value else {}))
    assert variable in line


def test_the_environment_makes_no_deployment_an_embedded_system(env: Env) -> None:
    given = {name: each for name, each in env.items() if name != "WEIYUAN_ISSUER"}
    assert "WEIYUAN_ISSUER" in refused("registry", "api", given | EMBEDDED)


def test_a_password_that_is_not_there_is_named(env: Env, tmp_path: Path) -> None:
    for role in ("app", "self", "public"):
        (tmp_path / f"registry_{role}").write_text("secret enough")
    line = refused("registry", "api", env | {"WEIYUAN_DATABASE_PASSWORDS": str(tmp_path)})
    assert f"{tmp_path}/registry_worker" in line


def test_keys_that_are_not_there_are_named_with_what_makes_them(env: Env, tmp_path: Path) -> None:
    assert "weiyuan keys create" in refused("solar", "api", env | {"WEIYUAN_KEYS": str(tmp_path)})


def test_the_line_is_chinese_for_those_who_read_it(env: Env) -> None:
    given = {"WEIYUAN_LANG": "zh"}
    assert refused("registry", "worker", given).startswith(
        "设置有误：WEIYUAN_REGISTRY_DATABASE_URL"
    )


@pytest.mark.parametrize("part", ["api", "worker"])
def test_the_bus_is_no_process_of_ours(env: Env, part: str) -> None:
    assert "migrate" in refused("bus", part, env)


def refused(service: str, part: str, env: Mapping[str, str]) -> str:
    done = weiyuan("serve", service, part, "--port", "0", env=env)
    assert (done.returncode, done.stdout) == (2, "")
    [line] = done.stderr.splitlines()
    return line
