"""Checks the aggregated record format against aws-kinesis-agg, in both directions: what one packs, the other unpacks.

AGGREGATION names the program that packs and unpacks as streamgauge does.
"""

import json
import os
import random
import subprocess

from aws_kinesis_agg import aggregator, deaggregator

PROGRAM = os.environ["AGGREGATION"]


def program(command, text):
    done = subprocess.run([PROGRAM, command], input=text, capture_output=True, text=True, check=True)
    return done.stdout


def records(dice):
    """Records with keys that repeat, of sizes from nothing to large, all bytes among them."""
    keys = ["k", "user-%d" % dice.randrange(5), "schlüssel", "x" * 256]
    hash_keys = [None, "0", "42", str(2**128 - 1)]
    return [(dice.choice(keys), dice.choice(hash_keys), dice.randbytes(dice.choice([0, 1, 100, 5000])))
            for _ in range(dice.randrange(1, 40))]


def unpacked_by_theirs(blob):
    import base64

    outer = {"kinesis": {"kinesisSchemaVersion": "1.0", "sequenceNumber": "1", "approximateArrivalTimestamp": 0.0,
                         "partitionKey": "a", "data": base64.b64encode(blob).decode()}}
    return [(r["kinesis"]["partitionKey"], r["kinesis"].get("explicitHashKey"), base64.b64decode(r["kinesis"]["data"]))
            for r in deaggregator.deaggregate_records([outer])]


def main():
    dice = random.Random(7)
    for _ in range(50):
        wanted = records(dice)
        ours = program("encode", "".join(json.dumps([key, hash_key, data.hex()]) + "\n" for key, hash_key, data in wanted))
        assert unpacked_by_theirs(bytes.fromhex(ours)) == wanted

        packer = aggregator.RecordAggregator()
        for key, hash_key, data in wanted:
            # It makes a hash key of the partition key where there is none, and packs only what somebody gave it.
            assert packer.add_user_record(key, data, hash_key) is None, "it fits into one aggregate"
        _, _, theirs = packer.clear_and_get().get_contents()
        lines = program("decode", theirs.hex()).splitlines()
        assert [(key, hash_key, bytes.fromhex(data)) for key, hash_key, data in map(json.loads, lines)] == wanted
    print("aws-kinesis-agg: 50 aggregates in both directions")


main()
