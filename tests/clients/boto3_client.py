"""Every operation of the API, called by boto3. Retries are off, so that no error is hidden."""

import datetime
import pathlib
import ssl
import tempfile
import time
import urllib.request

import boto3
import botocore.exceptions
from botocore.config import Config

import emulator

STREAM_ARN = f"arn:aws:kinesis:{emulator.REGION}:000000000000:stream/"
QUEUE = {"QueueARN": f"arn:aws:kinesis:{emulator.REGION}:000000000000:queue/q"}
CHANNEL = {"ChannelARN": f"arn:aws:kinesis:{emulator.REGION}:000000000000:channel/c"}
RECEIPTS = [{"ReceiptHandle": "x"}]
VISIBILITY = [{"ReceiptHandle": "x", "VisibilityTimeoutSeconds": 1}]
# What the emulator does not have; the calls are well-formed, so that nothing else can be wrong with them.
NOT_EMULATED = {
    "acknowledge_dead_letter_queue_records": QUEUE | {"Entries": RECEIPTS},
    "acknowledge_queue_records": QUEUE | {"Entries": RECEIPTS},
    "create_channel": {
        "ChannelName": "c",
        "ServiceExecutionRoleARN": "arn:aws:iam::000000000000:role/r",
        "StreamConfigurationList": [
            {"StreamARN": STREAM_ARN + "s", "RecordConfiguration": {"RecordFormatType": "JSON"}}
        ],
    },
    "create_queue": {"QueueName": "q", "StreamConfigurationList": [{"StreamARN": STREAM_ARN + "s"}]},
    "delete_channel": CHANNEL,
    "delete_queue": QUEUE,
    "describe_channel": CHANNEL,
    "describe_queue": QUEUE,
    "list_channels": {},
    "list_queues": {},
    "receive_dead_letter_queue_records": QUEUE,
    "receive_queue_records": QUEUE,
    "restore_dead_letter_queue_records": QUEUE | {"Entries": RECEIPTS},
    "update_channel": CHANNEL,
    "update_dead_letter_queue_records_visibility": QUEUE | {"Entries": VISIBILITY},
    "update_queue": QUEUE | {"QueueAttributes": {"VisibilityTimeoutSeconds": 1}},
    "update_queue_records_visibility": QUEUE | {"Entries": VISIBILITY},
}


def client(url, secret=emulator.SECRET, **more):
    return boto3.client(
        "kinesis",
        endpoint_url=url,
        region_name=emulator.REGION,
        aws_access_key_id=emulator.KEY,
        aws_secret_access_key=secret,
        config=Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=20),
        **more,
    )


def equal(got, expected):
    assert got == expected, f"got {got!r}, not {expected!r}"


def refused(name, words, call, **members):
    """The call must fail with that error, and its message must contain the words."""
    try:
        answer = call(**members)
    except botocore.exceptions.ClientError as error:
        told = error.response["Error"]
        assert told["Code"] == name and words in told["Message"], f"{told}, not {name}: {words}"
        equal(error.response["ResponseMetadata"]["HTTPStatusCode"], 400)
    else:
        raise AssertionError(f"{answer}, not {name}")


def wait(what, seconds=600):
    """Waits until it is true; the emulator is configured to change its state within a second, and the machine may be busy."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.1)


def summary(kinesis, stream):
    return kinesis.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]


def active(kinesis, stream):
    wait(lambda: summary(kinesis, stream)["StreamStatus"] == "ACTIVE")
    return summary(kinesis, stream)


def create(kinesis, stream, shards=1, **more):
    kinesis.create_stream(StreamName=stream, ShardCount=shards, **more)
    return active(kinesis, stream)


def iterator(kinesis, stream, shard="shardId-000000000000", kind="TRIM_HORIZON", **more):
    return kinesis.get_shard_iterator(StreamName=stream, ShardId=shard, ShardIteratorType=kind, **more)["ShardIterator"]


def open_shards(kinesis, stream):
    return kinesis.list_shards(StreamName=stream, ShardFilter={"Type": "AT_LATEST"})["Shards"]


def ids(shards):
    return [shard["ShardId"] for shard in shards]


def shard_id(number):
    return f"shardId-{number:012}"


def streams(kinesis):
    kinesis.create_stream(StreamName="orders", ShardCount=3, Tags={"team": "a"})
    creating = kinesis.describe_stream(StreamName="orders")["StreamDescription"]
    equal((creating["StreamStatus"], creating["Shards"]), ("CREATING", []))
    refused("ResourceNotFoundException", "", kinesis.put_record, StreamName="orders", Data=b"x", PartitionKey="k")
    refused("ResourceInUseException", "already exists", kinesis.create_stream, StreamName="orders", ShardCount=1)
    split = {"ShardToSplit": shard_id(0), "NewStartingHashKey": "9"}
    refused("ResourceInUseException", "state CREATING", kinesis.split_shard, StreamName="orders", **split)
    kinesis.get_waiter("stream_exists").wait(StreamName="orders", WaiterConfig={"Delay": 0.2, "MaxAttempts": 3_000})
    described = kinesis.describe_stream(StreamName="orders", Limit=2)["StreamDescription"]
    equal(described["StreamARN"], STREAM_ARN + "orders")
    equal(described["StreamModeDetails"], {"StreamMode": "PROVISIONED"})
    equal((described["RetentionPeriodHours"], described["EncryptionType"]), (24, "NONE"))
    equal((ids(described["Shards"]), described["HasMoreShards"]), ([shard_id(0), shard_id(1)], True))
    age = datetime.datetime.now(datetime.timezone.utc) - described["StreamCreationTimestamp"]
    assert datetime.timedelta() <= age < datetime.timedelta(hours=1), age
    pages = kinesis.get_paginator("describe_stream").paginate(StreamName="orders", PaginationConfig={"PageSize": 2})
    equal([len(page["StreamDescription"]["Shards"]) for page in pages], [2, 1])
    about = kinesis.describe_stream_summary(StreamARN=STREAM_ARN + "orders")["StreamDescriptionSummary"]
    equal((about["StreamName"], about["OpenShardCount"], about["ConsumerCount"]), ("orders", 3, 0))

    create(kinesis, "other")
    listed = kinesis.list_streams(Limit=1)
    equal((listed["StreamNames"], listed["HasMoreStreams"]), (["orders"], True))
    listed = kinesis.list_streams(NextToken=listed["NextToken"])
    equal((listed["StreamNames"], listed["HasMoreStreams"]), (["other"], False))
    equal(listed["StreamSummaries"][0]["StreamStatus"], "ACTIVE")
    limits = kinesis.describe_limits()
    equal((limits["ShardLimit"], limits["OpenShardCount"]), (20_000, 4))
    equal((limits["OnDemandStreamCount"], limits["OnDemandStreamCountLimit"]), (0, 50))

    kinesis.delete_stream(StreamName="other")
    equal(summary(kinesis, "other")["StreamStatus"], "DELETING")
    kinesis.get_waiter("stream_not_exists").wait(StreamName="other", WaiterConfig={"Delay": 0.2, "MaxAttempts": 3_000})
    words = "Stream other under account 000000000000 not found."
    refused("ResourceNotFoundException", words, kinesis.delete_stream, StreamName="other")


def records(kinesis):
    put = kinesis.put_record(StreamName="orders", Data=b"\x00\xff", PartitionKey="a", ExplicitHashKey="0")
    equal(put["ShardId"], shard_id(0))
    later = kinesis.put_record(
        StreamName="orders",
        Data=b"",
        PartitionKey="\u00e4",
        ExplicitHashKey="0",
        SequenceNumberForOrdering=put["SequenceNumber"],
    )
    assert int(later["SequenceNumber"]) > int(put["SequenceNumber"])
    entries = [{"Data": bytes([n]), "PartitionKey": str(n)} for n in range(100)]
    answer = kinesis.put_records(StreamARN=STREAM_ARN + "orders", Records=entries)
    equal((answer["FailedRecordCount"], len(answer["Records"])), (0, 100))
    told = {(record["ShardId"], record["SequenceNumber"]) for record in answer["Records"]}
    told |= {(record["ShardId"], record["SequenceNumber"]) for record in (put, later)}
    equal(len(told), 102)

    read, data = set(), []
    for shard in ids(open_shards(kinesis, "orders")):
        page = kinesis.get_records(ShardIterator=iterator(kinesis, "orders", shard))
        equal((page["MillisBehindLatest"], "ChildShards" in page), (0, False))
        read |= {(shard, record["SequenceNumber"]) for record in page["Records"]}
        data += [(record["PartitionKey"], record["Data"]) for record in page["Records"]]
        equal(kinesis.get_records(ShardIterator=page["NextShardIterator"])["Records"], [])
    equal(read, told)
    sent = [(entry["PartitionKey"], entry["Data"]) for entry in entries]
    equal(sorted(data), sorted(sent + [("a", b"\x00\xff"), ("\u00e4", b"")]))

    number = later["SequenceNumber"]
    for kind, more, first in (
        ("AT_SEQUENCE_NUMBER", {"StartingSequenceNumber": put["SequenceNumber"]}, b"\x00\xff"),
        ("AFTER_SEQUENCE_NUMBER", {"StartingSequenceNumber": put["SequenceNumber"]}, b""),
        ("AT_TIMESTAMP", {"Timestamp": 0}, b"\x00\xff"),
    ):
        at = iterator(kinesis, "orders", kind=kind, **more)
        (record,) = kinesis.get_records(ShardIterator=at, Limit=1)["Records"]
        equal(record["Data"], first)
    time.sleep(1)  # The calls of the second are nearly spent.
    latest = iterator(kinesis, "orders", kind="LATEST")
    equal(kinesis.get_records(ShardIterator=latest)["Records"], [])
    refused(
        "InvalidArgumentException",
        f"It encodes {shard_id(0)}, while it was used in a call to a shard with {shard_id(1)}",
        kinesis.get_shard_iterator,
        StreamName="orders",
        ShardId=shard_id(1),
        ShardIteratorType="AT_SEQUENCE_NUMBER",
        StartingSequenceNumber=number,
    )
    for call, members in (
        (kinesis.put_record, {"StreamName": "orders", "Data": b"x", "PartitionKey": "k"}),
        (kinesis.get_records, {"ShardIterator": latest}),
    ):
        refused("DryRunOperationException", "", call, DryRun=True, **members)


def errors(kinesis):
    not_found = "Stream missing under account 000000000000 not found."
    for call in (kinesis.describe_stream, kinesis.list_shards, kinesis.list_tags_for_stream):
        refused("ResourceNotFoundException", not_found, call, StreamName="missing")
    refused("ResourceNotFoundException", not_found, kinesis.put_record, StreamName="missing", Data=b"x", PartitionKey="k")
    missing = {"StreamName": "orders", "ShardId": shard_id(9), "ShardIteratorType": "LATEST"}
    words = f"Shard {shard_id(9)} in stream orders under account 000000000000 does not exist"
    refused("ResourceNotFoundException", words, kinesis.get_shard_iterator, **missing)
    refused("InvalidArgumentException", "Invalid ShardIterator.", kinesis.get_records, ShardIterator="AAAA")
    two = "2 validation errors detected: Value 'no name' at 'streamName' failed to satisfy constraint: Member must satisfy "
    wrong = {"StreamName": "no name", "PartitionKey": "k" * 257, "Data": b"x"}
    refused("ValidationException", two + "regular expression pattern: [a-zA-Z0-9_.-]+; Value", kinesis.put_record, **wrong)
    large = {"StreamName": "orders", "Data": bytes(1 << 20), "PartitionKey": "k"}
    refused("InvalidArgumentException", "1048577", kinesis.put_record, **large)
    refused("InvalidArgumentException", "PartitionKey", kinesis.put_record, StreamName="orders", Data=b"x")

    create(kinesis, "busy")
    entries = [{"Data": b"x", "PartitionKey": "k"}] * 500
    answers, failed = [], []
    # So many, if it must be, that no machine is too slow to exceed what a shard takes.
    while not failed and len(answers) < 200:
        answers.append(kinesis.put_records(StreamName="busy", Records=entries))
        failed = [record for record in answers[-1]["Records"] if "ErrorCode" in record]
    assert failed and 500 * len(answers) - len(failed) >= 1_000, (len(answers), len(failed))
    equal(sum(answer["FailedRecordCount"] for answer in answers), len(failed))
    rate = f"Rate exceeded for shard {shard_id(0)} in stream busy under account 000000000000."
    exceeded = "ProvisionedThroughputExceededException"
    for record in failed:
        equal(record, {"ErrorCode": exceeded, "ErrorMessage": rate})
    at = iterator(kinesis, "busy")

    def read(times):
        for _ in range(times):
            kinesis.get_records(ShardIterator=at, Limit=1)

    read(5)
    refused(exceeded, rate, read, times=200)
    time.sleep(1)

    def describe_limits(times):
        for _ in range(times):
            kinesis.describe_limits()

    describe_limits(1)
    refused("LimitExceededException", "Rate exceeded", describe_limits, times=200)
    kinesis.delete_stream(StreamName="busy")


def shards(kinesis):
    create(kinesis, "shards", 2)
    first, second = open_shards(kinesis, "shards")
    middle = (int(first["HashKeyRange"]["StartingHashKey"]) + int(first["HashKeyRange"]["EndingHashKey"])) // 2
    split = {"StreamName": "shards", "ShardToSplit": first["ShardId"]}
    refused("InvalidArgumentException", "is not both greater", kinesis.split_shard, NewStartingHashKey="0", **split)
    kinesis.split_shard(NewStartingHashKey=str(middle), **split)
    equal(summary(kinesis, "shards")["StreamStatus"], "UPDATING")
    equal(active(kinesis, "shards")["OpenShardCount"], 3)
    listed = kinesis.list_shards(StreamName="shards", MaxResults=3)
    rest = kinesis.list_shards(NextToken=listed["NextToken"])
    assert "NextToken" not in rest
    closed, _, lower, upper = listed["Shards"] + rest["Shards"]
    equal((lower["ParentShardId"], upper["ParentShardId"]), (first["ShardId"], first["ShardId"]))
    equal(upper["HashKeyRange"], {"StartingHashKey": str(middle), "EndingHashKey": first["HashKeyRange"]["EndingHashKey"]})
    numbers = closed["SequenceNumberRange"]
    assert int(numbers["EndingSequenceNumber"]) >= int(numbers["StartingSequenceNumber"]), numbers
    assert "EndingSequenceNumber" not in lower["SequenceNumberRange"], lower
    after = kinesis.list_shards(StreamName="shards", ExclusiveStartShardId=shard_id(0))["Shards"]
    equal(ids(after), [shard_id(1), shard_id(2), shard_id(3)])
    both = {"StreamName": "shards", "NextToken": listed["NextToken"]}
    words = "NextToken and StreamName cannot be provided together."
    refused("InvalidArgumentException", words, kinesis.list_shards, **both)

    merge = {"StreamName": "shards", "ShardToMerge": upper["ShardId"]}
    words = "are not an adjacent pair of shards eligible for merging"
    refused("InvalidArgumentException", words, kinesis.merge_shards, AdjacentShardToMerge=lower["ShardId"], **merge)
    kinesis.merge_shards(AdjacentShardToMerge=second["ShardId"], **merge)
    active(kinesis, "shards")
    merged = open_shards(kinesis, "shards")[-1]
    equal((merged["ParentShardId"], merged["AdjacentParentShardId"]), (upper["ShardId"], second["ShardId"]))

    update = {"StreamName": "shards", "ScalingType": "UNIFORM_SCALING"}
    refused("InvalidArgumentException", "at most double", kinesis.update_shard_count, TargetShardCount=5, **update)
    answer = kinesis.update_shard_count(TargetShardCount=4, **update)
    equal((answer["CurrentShardCount"], answer["TargetShardCount"]), (2, 4))
    equal(active(kinesis, "shards")["OpenShardCount"], 4)
    ranges = [shard["HashKeyRange"] for shard in open_shards(kinesis, "shards")]
    widths = {round((int(r["EndingHashKey"]) - int(r["StartingHashKey"])) / 2**126, 6) for r in ranges}
    equal(widths, {1.0})
    kinesis.delete_stream(StreamName="shards")


def settings(kinesis):
    """What can be set on a stream and on the account."""
    arn = {"StreamARN": STREAM_ARN + "orders"}
    name = {"StreamName": "orders"}
    words = "Minimum allowed retention period is 24 hours. Requested retention period (23 hours) is too short."
    refused("InvalidArgumentException", words, kinesis.increase_stream_retention_period, RetentionPeriodHours=23, **name)
    kinesis.increase_stream_retention_period(RetentionPeriodHours=48, **name)
    equal(active(kinesis, "orders")["RetentionPeriodHours"], 48)
    kinesis.decrease_stream_retention_period(RetentionPeriodHours=24, **name)
    equal(active(kinesis, "orders")["RetentionPeriodHours"], 24)

    enabled = kinesis.enable_enhanced_monitoring(ShardLevelMetrics=["IncomingBytes", "OutgoingBytes"], **name)
    equal(enabled["CurrentShardLevelMetrics"], [])
    disabled = kinesis.disable_enhanced_monitoring(ShardLevelMetrics=["OutgoingBytes"], **name)
    equal(sorted(disabled["CurrentShardLevelMetrics"]), ["IncomingBytes", "OutgoingBytes"])
    equal(disabled["DesiredShardLevelMetrics"], ["IncomingBytes"])
    equal(active(kinesis, "orders")["EnhancedMonitoring"], [{"ShardLevelMetrics": ["IncomingBytes"]}])

    kinesis.start_stream_encryption(EncryptionType="KMS", KeyId="alias/aws/kinesis", **name)
    about = active(kinesis, "orders")
    equal((about["EncryptionType"], about["KeyId"]), ("KMS", "alias/aws/kinesis"))
    equal(kinesis.put_record(Data=b"secret", PartitionKey="k", **name)["EncryptionType"], "KMS")
    kinesis.stop_stream_encryption(EncryptionType="KMS", KeyId="alias/aws/kinesis", **name)
    equal(active(kinesis, "orders")["EncryptionType"], "NONE")

    kinesis.update_max_record_size(MaxRecordSizeInKiB=2048, **arn)
    equal(active(kinesis, "orders")["MaxRecordSizeInKiB"], 2048)
    kinesis.put_record(Data=bytes(2 << 20)[1:], PartitionKey="k", **name)

    on_demand = {"StreamModeDetails": {"StreamMode": "ON_DEMAND"}}
    auto = {"RecordDistributionStrategy": "AUTO"}
    refused("InvalidArgumentException", "ON_DEMAND", kinesis.update_stream_record_distribution_strategy, **auto, **arn)
    kinesis.update_stream_mode(**on_demand, **arn)
    equal(active(kinesis, "orders")["StreamModeDetails"], on_demand["StreamModeDetails"])
    kinesis.update_stream_record_distribution_strategy(**auto, **arn)
    equal(active(kinesis, "orders")["RecordDistributionStrategy"], "AUTO")
    kinesis.put_record(Data=b"without a key", **name)

    equal(kinesis.describe_account_settings()["MinimumThroughputBillingCommitment"], {"Status": "DISABLED"})
    refused("ValidationException", "commitment", kinesis.update_stream_warm_throughput, WarmThroughputMiBps=6, **name)
    commitment = {"MinimumThroughputBillingCommitment": {"Status": "ENABLED"}}
    answer = kinesis.update_account_settings(**commitment)["MinimumThroughputBillingCommitment"]
    equal(answer["Status"], "ENABLED")
    equal(answer["EarliestAllowedEndAt"] - answer["StartedAt"], datetime.timedelta(hours=24))
    warm = kinesis.update_stream_warm_throughput(WarmThroughputMiBps=6, **name)["WarmThroughput"]
    equal(warm["TargetMiBps"], 6)
    about = active(kinesis, "orders")
    equal(about["WarmThroughput"], {"TargetMiBps": 6, "CurrentMiBps": 6})
    equal(about["OpenShardCount"], 6)


def labels(kinesis):
    """Tags and policies."""
    name = {"StreamName": "orders"}
    arn = {"ResourceARN": STREAM_ARN + "orders"}
    kinesis.add_tags_to_stream(Tags={"stage": "test", "cost": ""}, **name)
    listed = kinesis.list_tags_for_stream(Limit=2, **name)
    expected = [{"Key": "cost", "Value": ""}, {"Key": "stage", "Value": "test"}]
    equal((listed["Tags"], listed["HasMoreTags"]), (expected, True))
    listed = kinesis.list_tags_for_stream(ExclusiveStartTagKey="stage", **name)
    equal((listed["Tags"], listed["HasMoreTags"]), ([{"Key": "team", "Value": "a"}], False))
    many = {f"key-{n}": "" for n in range(48)}
    refused("InvalidArgumentException", "cannot have more than 50 tags", kinesis.tag_resource, Tags=many, **arn)
    kinesis.remove_tags_from_stream(TagKeys=["stage"], **name)
    kinesis.tag_resource(Tags={"team": "b"}, **arn)
    kinesis.untag_resource(TagKeys=["cost"], **arn)
    equal(kinesis.list_tags_for_resource(**arn)["Tags"], [{"Key": "team", "Value": "b"}])

    assert "Policy" not in kinesis.get_resource_policy(**arn)
    policy = '{"Version":"2012-10-17","Statement":[]}'
    refused("InvalidArgumentException", "JSON", kinesis.put_resource_policy, Policy="{", **arn)
    kinesis.put_resource_policy(Policy=policy, **arn)
    equal(kinesis.get_resource_policy(**arn)["Policy"], policy)
    kinesis.delete_resource_policy(**arn)
    refused("ResourceNotFoundException", "", kinesis.delete_resource_policy, **arn)


def consumers(kinesis):
    about = create(kinesis, "fan-out")
    arn = {"StreamARN": about["StreamARN"]}
    registered = kinesis.register_stream_consumer(ConsumerName="a", Tags={"team": "a"}, **arn)["Consumer"]
    equal(registered["ConsumerStatus"], "CREATING")
    consumer = {"ConsumerARN": registered["ConsumerARN"]}
    latest = {"ShardId": shard_id(0), "StartingPosition": {"Type": "LATEST"}}
    refused("ResourceInUseException", "is not in ACTIVE status", kinesis.subscribe_to_shard, **latest, **consumer)
    refused("ResourceInUseException", "already exists", kinesis.register_stream_consumer, ConsumerName="a", **arn)
    kinesis.register_stream_consumer(ConsumerName="b", **arn)

    def describe():
        return kinesis.describe_stream_consumer(**consumer)["ConsumerDescription"]

    wait(lambda: describe()["ConsumerStatus"] == "ACTIVE")
    described = kinesis.describe_stream_consumer(ConsumerName="a", **arn)["ConsumerDescription"]
    equal((described["StreamARN"], described["ConsumerARN"]), (about["StreamARN"], consumer["ConsumerARN"]))
    listed = kinesis.list_stream_consumers(MaxResults=1, **arn)
    rest = kinesis.list_stream_consumers(NextToken=listed["NextToken"], **arn)
    equal([c["ConsumerName"] for c in listed["Consumers"] + rest["Consumers"]], ["a", "b"])
    equal(summary(kinesis, "fan-out")["ConsumerCount"], 2)
    equal(kinesis.list_tags_for_resource(ResourceARN=consumer["ConsumerARN"])["Tags"], [{"Key": "team", "Value": "a"}])

    subscriptions(kinesis, consumer)

    refused("ResourceInUseException", "has registered consumers", kinesis.delete_stream, StreamName="fan-out")
    kinesis.deregister_stream_consumer(ConsumerName="b", **arn)
    wait(lambda: summary(kinesis, "fan-out")["ConsumerCount"] == 1)
    equal([c["ConsumerName"] for c in kinesis.list_stream_consumers(**arn)["Consumers"]], ["a"])
    kinesis.delete_stream(StreamName="fan-out", EnforceConsumerDeletion=True)


def subscriptions(kinesis, consumer):
    """Two subscriptions read a shard from its first record to its children; the second takes over from the first."""
    name = {"StreamName": "fan-out"}
    put = [kinesis.put_record(Data=str(n).encode(), PartitionKey="k", **name)["SequenceNumber"] for n in range(3)]

    def subscribe(shard, start):
        return kinesis.subscribe_to_shard(ShardId=shard_id(shard), StartingPosition=start, **consumer)["EventStream"]

    refused("ResourceNotFoundException", shard_id(7), subscribe, shard=7, start={"Type": "LATEST"})
    active_one = "Another active subscription exists for this consumer: 000000000000:fan-out:shardId-000000000000:a"
    in_use = {"Code": "ResourceInUseException", "Message": active_one}
    while True:
        opened = time.monotonic()
        first = subscribe(0, {"Type": "TRIM_HORIZON"})
        event = next(iter(first))["SubscribeToShardEvent"]
        equal([record["SequenceNumber"] for record in event["Records"]], put)
        equal([record["Data"] for record in event["Records"]], [b"0", b"1", b"2"])
        equal((event["MillisBehindLatest"], "ChildShards" in event), (0, False))
        start = {"Type": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": event["ContinuationSequenceNumber"]}
        try:
            subscribe(0, start)
        except botocore.exceptions.ClientError as error:
            equal({name: error.response["Error"][name] for name in in_use}, in_use)
            break
        # A machine that stood still has let the five seconds pass: once more.
        assert time.monotonic() - opened >= 5, "a subscription was taken over too soon"
        time.sleep(5.1)

    kinesis.put_record(Data=b"3", PartitionKey="k", **name)
    time.sleep(max(0, opened + 5.1 - time.monotonic()))
    pushed = subscribe(0, start)
    rest = []
    try:
        for event in first:
            rest += [record["Data"] for record in event["SubscribeToShardEvent"]["Records"]]
        raise AssertionError("the first subscription ended without an error")
    except botocore.exceptions.EventStreamError as error:
        equal(error.response["Error"], in_use)
    equal(rest, [b"3"])

    kinesis.split_shard(ShardToSplit=shard_id(0), NewStartingHashKey=str(2**127), **name)
    split = time.monotonic()
    second = [event["SubscribeToShardEvent"] for event in pushed]
    took = time.monotonic() - split
    # The split takes half a second, the machine may be busy, and the subscription ends of itself after five minutes.
    assert took < 120, f"the end of the shard was pushed {took:.1f} s after the split began"
    equal([record["Data"] for event in second for record in event["Records"]], [b"3"])
    assert all("ContinuationSequenceNumber" in event for event in second[:-1])
    last = second[-1]
    assert "ContinuationSequenceNumber" not in last, last
    children = [(child["ShardId"], child["ParentShards"], child["HashKeyRange"]) for child in last["ChildShards"]]
    equal(
        children,
        [
            (shard_id(1), [shard_id(0)], {"StartingHashKey": "0", "EndingHashKey": str(2**127 - 1)}),
            (shard_id(2), [shard_id(0)], {"StartingHashKey": str(2**127), "EndingHashKey": str(2**128 - 1)}),
        ],
    )

    at = iterator(kinesis, "fan-out")
    page = kinesis.get_records(ShardIterator=at)
    if "NextShardIterator" in page:
        page = kinesis.get_records(ShardIterator=page["NextShardIterator"])
    assert "NextShardIterator" not in page, page
    equal(ids(page["ChildShards"]), [shard_id(1), shard_id(2)])


def not_emulated(kinesis):
    for operation, members in NOT_EMULATED.items():
        words = "is not emulated: this emulator serves streams and consumers, no queues or channels."
        refused("UnsupportedOperationException", words, getattr(kinesis, operation), **members)


def all_operations(url):
    kinesis = client(url)
    called = set()
    kinesis.meta.events.register("before-call.kinesis", lambda model, **_: called.add(model.name))
    for part in (streams, records, errors, shards, settings, labels, consumers, not_emulated):
        started = time.monotonic()
        part(kinesis)
        print(f"boto3: {part.__name__} {time.monotonic() - started:.1f} s", flush=True)
    operations = set(kinesis.meta.service_model.operation_names)
    assert called == operations, f"not called: {sorted(operations - called)}"
    print(f"boto3: all {len(operations)} operations of the API were called")


def expired_iterator(directory):
    """A profile in which iterators live for a second."""
    profile = pathlib.Path("profiles/aws-2026-11.toml").read_text()
    short = profile.replace('iterator_life = "300s"', 'iterator_life = "1s"')
    assert short != profile
    path = directory / "profile.toml"
    path.write_text(short)
    with emulator.running("--profile", str(path), "--latency", "none", "--transitions", "0") as url:
        kinesis = client(url)
        create(kinesis, "orders")
        while True:
            at = iterator(kinesis, "orders")
            try:
                kinesis.get_records(ShardIterator=at)
                break
            except kinesis.exceptions.ExpiredIteratorException:
                print("boto3: the machine stood still for longer than an iterator lives: once more", flush=True)
        time.sleep(1.1)
        words = "Iterator expired. The iterator was created at time"
        refused("ExpiredIteratorException", words, kinesis.get_records, ShardIterator=at)


def encrypted_and_signed(directory):
    authority = str(directory / "authority.pem")
    with emulator.running("--tls", "--tls-cert-out", authority, "--require-auth", "--transitions", "0") as url:
        assert url.startswith("https://"), url
        kinesis = client(url, verify=authority)
        create(kinesis, "orders")
        put = kinesis.put_record(StreamName="orders", Data=b"x", PartitionKey="k")
        start = {"Type": "AT_SEQUENCE_NUMBER", "SequenceNumber": put["SequenceNumber"]}
        consumer = kinesis.register_stream_consumer(StreamARN=STREAM_ARN + "orders", ConsumerName="c")["Consumer"]
        subscription = {"ConsumerARN": consumer["ConsumerARN"], "ShardId": shard_id(0), "StartingPosition": start}
        pushed = kinesis.subscribe_to_shard(**subscription)["EventStream"]
        (record,) = next(iter(pushed))["SubscribeToShardEvent"]["Records"]
        equal(record["Data"], b"x")
        wrong = client(url, secret="wrong", verify=authority)
        words = "The request signature we calculated does not match the signature you provided."
        refused("InvalidSignatureException", words, wrong.list_shards, StreamName="orders")
        try:
            client(url).list_shards(StreamName="orders")
            raise AssertionError("a client trusted a certificate of an unknown authority")
        except botocore.exceptions.SSLError:
            pass
        strict = ssl.create_default_context(cafile=authority)
        strict.verify_flags |= ssl.VERIFY_X509_STRICT
        equal(urllib.request.urlopen(f"{url}/health", context=strict, timeout=5).read().strip(), b"ok")


# State changes are slow enough to be seen: a new stream is CREATING for 0.8 s.
with emulator.running("--latency", "none", "--transitions", "0.02") as endpoint:
    all_operations(endpoint)
with tempfile.TemporaryDirectory() as temporary:
    expired_iterator(pathlib.Path(temporary))
    encrypted_and_signed(pathlib.Path(temporary))
print("boto3: expired iterators, TLS and signatures")
