"""The producer and the consumer of async-kinesis: a round trip through a stream that is split on the way."""

import asyncio
import collections
import contextlib
import os

from aiobotocore.session import AioSession
from kinesis import Consumer, MemoryCheckPointer, Producer

RECORDS = 3_000
STREAM = {"stream_name": "orders", "endpoint_url": os.environ["ENDPOINT"], "region_name": "us-east-1"}


async def produce(numbers, **more):
    async with Producer(**STREAM, **more) as producer:
        for number in numbers:
            await producer.put({"number": number}, partition_key=f"key-{number}")
    assert producer.throughput_exceeded_count == 0, "the library keeps to the quotas"


async def split():
    async with AioSession().create_client("kinesis", endpoint_url=STREAM["endpoint_url"], region_name="us-east-1") as client:
        await client.split_shard(
            StreamName="orders", ShardToSplit="shardId-000000000000", NewStartingHashKey=str(2**126)
        )
        for _ in range(3_000):
            summary = (await client.describe_stream_summary(StreamName="orders"))["StreamDescriptionSummary"]
            if summary["StreamStatus"] == "ACTIVE":
                break
            await asyncio.sleep(0.1)
        assert summary["OpenShardCount"] == 3, summary


async def consume(checkpointer):
    """All records, however long they take, and what comes in a while after them."""
    seen = collections.Counter()
    async with Consumer(**STREAM, checkpointer=checkpointer, sleep_time_no_records=0.5, idle_timeout=600) as consumer:
        with contextlib.suppress(asyncio.TimeoutError, StopAsyncIteration):
            while True:
                record = await asyncio.wait_for(anext(consumer), 4 if len(seen) == RECORDS else 300)
                seen[record["number"]] += 1
        status = consumer.get_shard_status()
    return seen, status


async def main():
    await produce(range(RECORDS // 2), create_stream=True, create_stream_shards=2)
    await split()
    await produce(range(RECORDS // 2, RECORDS))
    checkpointer = MemoryCheckPointer(name="check")
    seen, status = await consume(checkpointer)
    missing = RECORDS - len(seen)
    twice = [number for number, times in seen.items() if times > 1]
    assert not missing and not twice, f"{missing} missing, {len(twice)} read more than once"
    assert set(seen) == set(range(RECORDS))
    assert (status["total_shards"], status["closed_shards"]) == (4, 1), status
    print(f"async-kinesis: {RECORDS} records went through 4 shards, one of them split, each read once")


asyncio.run(asyncio.wait_for(main(), 600))
