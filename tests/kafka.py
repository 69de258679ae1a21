"""Apache Kafka for tests: a real broker where Java and Maven are, a mock cluster elsewhere.

The broker (KRaft, one process) comes as jars, by `deploy/kafka/pom.xml`; it is up in two seconds,
so that each module has its own, with topics and groups of its own. `WEIYUAN_TEST_KAFKA` names
brokers that are there already; `WEIYUAN_TEST_REQUIRE=kafka` takes nothing less than a real one.
"""

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Self
from xml.etree import ElementTree

from libs.common.events.topics import Topics, apply
from tests.mock_kafka import mock_cluster

_ROOT = Path(__file__).parents[1]
_POM = _ROOT / "deploy" / "kafka" / "pom.xml"
_CLUSTER = "weiyuanTestsCluster000"  # 22 characters: a UUID in base64
_READY_WITHIN = 60.0
_PROPERTIES = """
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=CLIENTS://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=CLIENTS://127.0.0.1:{advertised}
inter.broker.listener.name=CLIENTS
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,CLIENTS:{protocol}
log.dirs={home}/log
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
"""
_TLS = """
ssl.client.auth=required
ssl.keystore.type=PEM
ssl.keystore.location={keystore}
ssl.truststore.type=PEM
ssl.truststore.location={truststore}
"""
_JVM = ("-Xms128m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")


class NoKafka(Exception):
    """Why there is no real broker here."""


@cache
def version() -> str:
    found = ElementTree.parse(_POM).find(".//{*}kafka.version")
    assert found is not None
    assert found.text
    return found.text


@cache
def jars() -> Path:
    """Fetched once; `NoKafka` where they cannot be."""
    folder = _ROOT / "build" / "kafka" / version()
    if missing := [name for name in ("java", "mvn") if not shutil.which(name)]:
        raise NoKafka(f"no {' and no '.join(missing)} on this machine")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            _fetch(folder)
    return folder


def _fetch(folder: Path) -> None:
    fresh = folder.with_suffix(".new")
    shutil.rmtree(fresh, ignore_errors=True)
    goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={fresh}"]
    done = subprocess.run(
        ["mvn", "-q", "-B", "-f", str(_POM), *goal],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise NoKafka(f"mvn could not fetch the broker: {done.stdout[-500:]}")
    fresh.rename(folder)


@dataclass(frozen=True)
class Broker:
    """A broker and its log directory, which outlives its process."""

    home: Path
    port: int

    @property
    def url(self) -> str:
        """A reader that is killed loses its partitions soon: tests wait for that."""
        return f"kafka://127.0.0.1:{self.port}?session_ms=2000"

    @classmethod
    def create(
        cls, home: Path, *, advertised: int | None = None, tls: Mapping[str, Path] | None = None
    ) -> Self:
        """Formatted, not started. `advertised` is where clients are sent, if not to itself.

        With `tls`, whose files are `keystore` (key and certificates) and `truststore` in PEM,
        clients have to show a certificate.
        """
        home.mkdir(parents=True, exist_ok=True)
        port, controller = _free_ports(2)
        given = {
            "port": port,
            "controller": controller,
            "advertised": advertised or port,
            "protocol": "SSL" if tls else "PLAINTEXT",
            "home": home,
        }
        properties = home / "server.properties"
        secured = _TLS.format(**tls) if tls else ""
        properties.write_text(_PROPERTIES.format(**given) + secured)
        _java("kafka.tools.StorageTool", "format", "-t", _CLUSTER, "-c", str(properties)).wait()
        return cls(home, port)

    async def make(self, topics: Sequence[str], *, partitions: int) -> None:
        await apply(self.url, Topics(topics, partitions, 1, {}))

    def start(self) -> None:
        """Return when it takes connections."""
        process = _java("kafka.Kafka", str(self.home / "server.properties"))
        (self.home / "pid").write_text(str(process.pid))
        deadline = time.monotonic() + _READY_WITHIN
        while not _listens(self.port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"Kafka did not start; see {self.home}")
            time.sleep(0.1)

    def stop(self) -> None:
        self._signal(signal.SIGTERM, wait=True)

    def kill(self) -> None:
        self._signal(signal.SIGKILL, wait=True)

    def pause(self) -> None:
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: int, *, wait: bool = False) -> None:
        pid = int((self.home / "pid").read_text())
        try:
            os.kill(pid, number)
            while wait and not _gone(pid):
                time.sleep(0.05)
        except ProcessLookupError:
            return


_started: list[subprocess.Popen[bytes]] = []
"""Referred to until the end: a Popen that is collected complains that its process still runs."""


def _java(main: str, *arguments: str) -> subprocess.Popen[bytes]:
    command = ["java", *_JVM, "-cp", f"{jars()}/*", main, *arguments]
    with (Path(arguments[-1]).parent / "kafka.log").open("ab") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    _started.append(process)
    return process


def _free_ports(count: int) -> list[int]:
    """Taken together, so that they differ."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [int(each.getsockname()[1]) for each in sockets]
    for each in sockets:
        each.close()
    return ports


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _gone(pid: int) -> bool:
    """A child that was not waited for is a zombie, which is gone enough."""
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


@dataclass(frozen=True)
class KafkaForTests:
    """What tests of Kafka run on, and what it is called in the summary."""

    url: str
    name: str
    makes_topics: bool = True
    """The mock cluster makes a topic when it is first asked for, and not otherwise."""
    broker: Broker | None = None
    """Where it is ours to kill."""

    async def make(self, names: Sequence[str], *, partitions: int) -> None:
        if self.makes_topics:
            await apply(self.url, Topics(names, partitions, 1, {}))


@contextmanager
def kafka_for_tests(home: Path) -> Iterator[KafkaForTests]:
    """The brokers that were named, a real one of our own, or the mock cluster."""
    if given := os.environ.get("WEIYUAN_TEST_KAFKA"):
        yield KafkaForTests(f"kafka://{given}", f"Kafka at {given}")
        return
    try:
        jars()
    except NoKafka as reason:
        if "kafka" in os.environ.get("WEIYUAN_TEST_REQUIRE", ""):
            raise
        with mock_kafka_for_tests(str(reason)) as mock:
            yield mock
        return
    broker = Broker.create(home)
    broker.start()
    try:
        yield KafkaForTests(broker.url, f"Apache Kafka {version()}", broker=broker)
    finally:
        broker.stop()


@contextmanager
def mock_kafka_for_tests(why: str) -> Iterator[KafkaForTests]:
    with mock_cluster() as brokers:
        name = f"librdkafka's mock cluster ({why})"
        yield KafkaForTests(f"kafka://{brokers}", name, makes_topics=False)
