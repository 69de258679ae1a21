"""A bus that asks everybody who they are, as in production."""

import asyncio
import datetime
import gc
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from uuid import uuid4

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.x509.oid import NameOID

from libs.common.events.bus import BusUnavailable, Record
from libs.common.events.kafka import Kafka
from libs.common.events.topics import Topics, apply
from tests.databases import Run
from tests.kafka import Broker, NoKafka, jars, version

TOPIC = "weiyuan.test.tls.v1"

leaves_sockets = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
"""aiokafka forgets the socket of a handshake that fails: collected here, blamed on no other."""


class Authority:
    """Signs for whoever asks, as a cluster's operator does."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir()
        self._key = generate_private_key(SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority")])
        self.certificate = self._write("ca.crt", self._signed(self._name, self._key, ca=True))

    def issue(self, name: str) -> tuple[Path, Path]:
        """Certificate and key of somebody, in files."""
        key = generate_private_key(SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        certificate = self._write(f"{name}.crt", self._signed(subject, key, ca=False))
        return certificate, self._write(f"{name}.key", private)

    def keystore(self, name: str) -> Path:
        certificate, key = self.issue(name)
        return self._write(f"{name}.pem", key.read_bytes() + certificate.read_bytes())

    def _write(self, name: str, content: bytes) -> Path:
        path = self._folder / name
        path.write_bytes(content)
        return path

    def _signed(self, subject: x509.Name, key: EllipticCurvePrivateKey, *, ca: bool) -> bytes:
        now = datetime.datetime.now(datetime.UTC)
        local = [x509.IPAddress(ip_address("127.0.0.1"))]
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(minutes=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName(local), critical=False)
        )
        return builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls") / "cluster")


@pytest.fixture(scope="module")
def broker(run: Run, authority: Authority) -> Iterator[Broker]:
    try:
        jars()
    except NoKafka as reason:
        pytest.skip(f"no real broker to ask for certificates: {reason}")
    tls = {"keystore": authority.keystore("broker"), "truststore": authority.certificate}
    broker = Broker.create(run.home / f"kafka-{uuid4().hex[:12]}", tls=tls)
    broker.start()
    run.note_kafka(f"Apache Kafka {version()}")
    yield broker
    broker.kill()


def url(broker: Broker, authority: Authority, who: tuple[Path, Path] | None) -> str:
    shown = f"&cert={who[0]}&key={who[1]}" if who else ""
    return f"kafka+ssl://127.0.0.1:{broker.port}?ca={authority.certificate}{shown}"


async def test_who_shows_a_certificate_publishes_reads_and_makes_topics(
    broker: Broker, authority: Authority
) -> None:
    of_service = url(broker, authority, authority.issue("registry"))
    await apply(of_service, Topics([TOPIC], 1, 1, {}))
    bus = Kafka(of_service)
    await bus.publish([Record(TOPIC, "k", {}, b"{}")])
    subscription = await bus.subscribe("tls", [TOPIC])
    records = await subscription.fetch(10, 5)
    await subscription.ack(records)
    assert len(records) == 1
    assert await bus.lag("tls", [TOPIC]) == {TOPIC: 0}
    await subscription.close()
    await bus.close()


@leaves_sockets
async def test_who_shows_none_or_that_of_another_cluster_gets_nowhere(
    broker: Broker, authority: Authority, tmp_path: Path
) -> None:
    stranger = Authority(tmp_path / "other").issue("registry")
    for who in (None, stranger):
        bus = Kafka(url(broker, authority, who))
        with pytest.raises((BusUnavailable, TimeoutError)):
            async with asyncio.timeout(5):
                await bus.publish([Record(TOPIC, "k", {}, b"{}")])
        await bus.close()
    gc.collect()


@leaves_sockets
async def test_a_broker_of_another_cluster_is_not_spoken_to(
    broker: Broker, authority: Authority, tmp_path: Path
) -> None:
    other = Authority(tmp_path / "other")
    bus = Kafka(url(broker, other, other.issue("registry")))
    with pytest.raises((BusUnavailable, TimeoutError)):
        async with asyncio.timeout(5):
            await bus.publish([Record(TOPIC, "k", {}, b"{}")])
    await bus.close()
    gc.collect()
