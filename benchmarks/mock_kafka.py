"""librdkafka's mock cluster in a process of its own: a Kafka without disk or replicas.

`python -m benchmarks.mock_kafka` prints its brokers and lives until its standard input ends.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from confluent_kafka import Producer


@asynccontextmanager
async def mock_kafka() -> AsyncIterator[str]:
    """The bootstrap servers of a running mock cluster."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        __name__,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield (await process.stdout.readline()).decode().strip()
    finally:
        process.stdin.close()
        await process.wait()


def main() -> None:
    cluster = Producer({"bootstrap.servers": "unused", "test.mock.num.brokers": 3})
    brokers = cluster.list_topics(timeout=10).brokers.values()
    print(",".join(f"{broker.host}:{broker.port}" for broker in brokers), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
