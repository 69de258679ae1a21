"""librdkafka's mock cluster in a process of its own: a Kafka without disk or replicas.

`python -m tests.mock_kafka` prints its brokers and lives until its standard input ends.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from confluent_kafka import Producer


@contextmanager
def mock_cluster() -> Iterator[str]:
    """The brokers of a running mock cluster, as `host:port,host:port`."""
    process = subprocess.Popen(
        [sys.executable, "-m", __name__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.stdin.close()


def main() -> None:
    cluster = Producer({"bootstrap.servers": "unused", "test.mock.num.brokers": 3})
    brokers = cluster.list_topics(timeout=10).brokers.values()
    sys.stdout.write(",".join(f"{each.host}:{each.port}" for each in brokers) + "\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main()
