"""Each quota of a shard over the wire and in real time: 0.9 times of it is admitted in full, and of 1.5 times of it what the
quota allows, to 5 %. Each measurement has a shard of its own, and all run at once."""

import concurrent.futures
import time

import boto3
import botocore.exceptions
from botocore.config import Config

import emulator

MIB = 1 << 20
STREAM = "quotas"
# After what a shard lets through at once is spent, this much of it comes back before the load begins.
SLACK = 0.75
# Then the load runs this long; at 1.5 times the quota, the slack is gone after twice its time.
SETTLE, SECONDS = 3, 20
TOLERANCE = 0.05
# A machine that stands still for longer is not one to judge quotas on: the slack is the shortest of what a shard saves up.
STANDSTILL = 0.5


def connect(url):
    config = Config(retries={"total_max_attempts": 1}, max_pool_connections=32)
    return boto3.client(
        "kinesis",
        endpoint_url=url,
        region_name=emulator.REGION,
        aws_access_key_id=emulator.KEY,
        aws_secret_access_key=emulator.SECRET,
        config=config,
    )


def create(kinesis, shards):
    """A stream; gives its shards."""
    kinesis.create_stream(StreamName=STREAM, ShardCount=shards)
    kinesis.get_waiter("stream_exists").wait(StreamName=STREAM, WaiterConfig={"Delay": 0.5, "MaxAttempts": 1_200})
    return kinesis.list_shards(StreamName=STREAM)["Shards"]


def writer(kinesis, shard, records, size):
    """A call that puts records of `size` bytes, and gives how many were admitted."""
    entry = {"Data": bytes(size - 1), "PartitionKey": "k", "ExplicitHashKey": shard["HashKeyRange"]["StartingHashKey"]}

    def put():
        return records - kinesis.put_records(StreamName=STREAM, Records=[entry] * records)["FailedRecordCount"]

    return put


def reader(kinesis, shard):
    """A call that reads the first record, if there is one, and gives whether it was admitted."""
    at = {"StreamName": STREAM, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
    iterator = kinesis.get_shard_iterator(**at)["ShardIterator"]

    def get():
        try:
            kinesis.get_records(ShardIterator=iterator, Limit=1)
            return 1
        except botocore.exceptions.ClientError as error:
            if error.response["Error"]["Code"] != "ProvisionedThroughputExceededException":
                raise
            return 0

    return get


def offer(call, each, rate):
    """Calls evenly, `each` at a time; gives when each call was made and how much it let through, and the rate that this machine held:
    0 if it stood still for so long that what a shard saves up meanwhile would count."""
    interval = each / rate
    start = time.monotonic()
    samples = []
    for number in range(round((SETTLE + SECONDS) / interval)):
        time.sleep(max(0, start + number * interval - time.monotonic()))
        samples.append((time.monotonic(), call()))
    offered = each * (len(samples) - 1) / (samples[-1][0] - samples[0][0])
    return samples, 0 if longest_pause(samples) > interval + STANDSTILL else offered


def longest_pause(samples):
    return max(later[0] - earlier[0] for earlier, later in zip(samples, samples[1:]))


def steady(samples):
    """The rate after the slack is gone: what followed the first of the calls that were let through, by its time."""
    begin = samples[0][0] + SETTLE
    admitted = [(at, amount) for at, amount in samples if at >= begin and amount > 0]
    return sum(amount for _, amount in admitted[1:]) / (admitted[-1][0] - admitted[0][0])


def judge(name, factor, samples, quota, offered):
    """Of a machine that is too busy to offer what it was to, the quota is judged by what it offered, or not at all."""
    if offered == 0 or factor > 1 and offered < 1.05 * quota:
        why = f"offered {offered:.1f}/s only" if offered else f"stood still for more than {STANDSTILL} s"
        print(f"quotas: {name} at {factor} NOT CHECKED: this machine {why}", flush=True)
        return
    rate, expected = steady(samples), min(offered, quota)
    print(f"quotas: {name} at {factor}: {rate / quota:.3f} of the quota", flush=True)
    assert abs(rate / expected - 1) < TOLERANCE, f"{name} at {factor}: {rate:.2f}/s, not {expected:.2f}/s"


def measure(name, factor, quota, each, call):
    limit = time.monotonic() + 600
    while call() == each:
        assert time.monotonic() < limit, f"{name} at {factor}: nothing was ever refused"
    time.sleep(SLACK)
    samples, offered = offer(call, each, factor * quota)
    refused = sum(each - amount for _, amount in samples)
    assert factor > 1 or refused == 0 or offered == 0, f"{name} at {factor}: {refused} were refused"
    judge(name, factor, samples, quota, offered)


def read_bytes(kinesis, factor, shard):
    """Every call reads the same 768 KiB, so that 1.5 times the bytes are four calls a second, fewer than are allowed."""
    size = 768 << 10
    writer(kinesis, shard, 1, size)()
    time.sleep(0.5)
    measure("GetRecords bytes", factor, 2 * MIB / size, 1, reader(kinesis, shard))


def fan_out(kinesis, factor, shard):
    name, records, size = f"consumer-{factor}", 4, 64 << 10
    quota = 2 * MIB / size
    arn = kinesis.describe_stream_summary(StreamName=STREAM)["StreamDescriptionSummary"]["StreamARN"]
    consumer = kinesis.register_stream_consumer(StreamARN=arn, ConsumerName=name)["Consumer"]["ConsumerARN"]
    while kinesis.describe_stream_consumer(ConsumerARN=consumer)["ConsumerDescription"]["ConsumerStatus"] != "ACTIVE":
        time.sleep(0.2)
    put = writer(kinesis, shard, records, size)
    # One second's worth and a bit more: all that an idle consumer gets at once.
    backlog = 9
    for _ in range(backlog):
        put()
    rate = factor * quota
    planned = records * (backlog + round((SETTLE + SECONDS) / (records / rate)))
    start = {"Type": "TRIM_HORIZON"}
    subscription = kinesis.subscribe_to_shard(ConsumerARN=consumer, ShardId=shard["ShardId"], StartingPosition=start)
    # Below the quota all comes, however long this machine takes.
    end = time.monotonic() + (600 if factor < 1 else SETTLE + SECONDS + 2)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        puts = pool.submit(offer, put, records, rate)
        pushed, samples = 0, []
        for event in subscription["EventStream"]:
            number = len(event["SubscribeToShardEvent"]["Records"])
            pushed += number
            samples.append((time.monotonic(), number))
            if pushed == planned or samples[-1][0] > end:
                break
        put, offered = puts.result()
        put_at = put[-1][0]
    if factor < 1:
        assert pushed == planned, f"fan-out at {factor}: {pushed} of {planned} records were pushed in time"
        lag = samples[-1][0] - put_at
        assert lag < 1 or offered == 0, f"fan-out at {factor}: the last record was pushed {lag:.1f} s after it was put"
    if longest_pause(samples) > records / rate + STANDSTILL:
        offered = 0
    judge("fan-out bytes", factor, samples, quota, offered)


def main():
    with (
        emulator.running() as writes,
        emulator.running("--write-limits", "none") as reads,
        concurrent.futures.ThreadPoolExecutor(max_workers=10) as pool,
    ):
        kinesis = connect(writes)
        shards = create(kinesis, 4)
        jobs = []
        for factor in (0.9, 1.5):
            put = writer(kinesis, shards.pop(), 100, 100)
            jobs.append(pool.submit(measure, "write records", factor, 1_000, 100, put))
            put = writer(kinesis, shards.pop(), 2, 64 << 10)
            jobs.append(pool.submit(measure, "write bytes", factor, 16, 2, put))
        kinesis = connect(reads)
        shards = create(kinesis, 6)
        for factor in (0.9, 1.5):
            jobs.append(pool.submit(measure, "GetRecords calls", factor, 5, 1, reader(kinesis, shards.pop())))
            jobs.append(pool.submit(read_bytes, kinesis, factor, shards.pop()))
            jobs.append(pool.submit(fan_out, kinesis, factor, shards.pop()))
        for job in concurrent.futures.as_completed(jobs):
            job.result()


main()
