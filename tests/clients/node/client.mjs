// Puts, gets and enhanced fan-out with the AWS SDK for JavaScript, which speaks HTTP/2 without negotiating it and says GOAWAY
// once it has sent the headers of a subscription.

import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";

import {
  CreateStreamCommand,
  DescribeStreamConsumerCommand,
  GetRecordsCommand,
  GetShardIteratorCommand,
  KinesisClient,
  ListShardsCommand,
  PutRecordCommand,
  PutRecordsCommand,
  RegisterStreamConsumerCommand,
  ResourceNotFoundException,
  SplitShardCommand,
  SubscribeToShardCommand,
  waitUntilStreamExists,
} from "@aws-sdk/client-kinesis";

const client = new KinesisClient({ endpoint: process.env.ENDPOINT, region: "us-east-1", maxAttempts: 1 });
assert.equal(client.config.requestHandler.metadata.handlerProtocol, "h2");
const StreamName = "orders";
const ShardId = "shardId-000000000000";
const encoded = (text) => new TextEncoder().encode(text);
const decoded = (records) => records.map((record) => new TextDecoder().decode(record.Data));
const deadline = setTimeout(() => {
  console.error("JavaScript: not done after 30 s");
  process.exit(1);
}, 30_000);

await assert.rejects(client.send(new ListShardsCommand({ StreamName })), (error) => {
  assert(error instanceof ResourceNotFoundException);
  assert.equal(error.message, "Stream orders under account 000000000000 not found.");
  return true;
});
await client.send(new CreateStreamCommand({ StreamName, ShardCount: 1 }));
const waited = await waitUntilStreamExists({ client, maxWaitTime: 10, minDelay: 1, maxDelay: 1 }, { StreamName });
const StreamARN = waited.reason.StreamDescription.StreamARN;

const first = await client.send(new PutRecordCommand({ StreamName, PartitionKey: "k", Data: encoded("0") }));
assert.equal(first.ShardId, ShardId);
const Records = ["1", "2"].map((text) => ({ PartitionKey: "k", Data: encoded(text) }));
const batch = await client.send(new PutRecordsCommand({ StreamName, Records }));
assert.equal(batch.FailedRecordCount, 0);
const iterator = await client.send(
  new GetShardIteratorCommand({ StreamName, ShardId, ShardIteratorType: "TRIM_HORIZON" }),
);
const page = await client.send(new GetRecordsCommand({ ShardIterator: iterator.ShardIterator }));
assert.deepEqual(decoded(page.Records), ["0", "1", "2"]);
assert.equal(page.Records[0].SequenceNumber, first.SequenceNumber);
assert(Math.abs(page.Records[0].ApproximateArrivalTimestamp - Date.now()) < 60_000);

const { Consumer } = await client.send(new RegisterStreamConsumerCommand({ StreamARN, ConsumerName: "c" }));
const { ConsumerARN } = Consumer;
const described = () => client.send(new DescribeStreamConsumerCommand({ ConsumerARN }));
while ((await described()).ConsumerDescription.ConsumerStatus !== "ACTIVE") {
  await pause(100);
}
const StartingPosition = { Type: "AFTER_SEQUENCE_NUMBER", SequenceNumber: first.SequenceNumber };
const subscription = await client.send(new SubscribeToShardCommand({ ConsumerARN, ShardId, StartingPosition }));
// The shard is written while it is read, and at last it is split, which ends the subscription.
const pushed = [];
let last;
for await (const { SubscribeToShardEvent: event } of subscription.EventStream) {
  const texts = decoded(event.Records);
  pushed.push(...texts);
  if (texts.includes("2")) {
    await client.send(new PutRecordCommand({ StreamName, PartitionKey: "k", Data: encoded("3") }));
  }
  if (texts.includes("3")) {
    const NewStartingHashKey = (2n ** 127n).toString();
    await client.send(new SplitShardCommand({ StreamName, ShardToSplit: ShardId, NewStartingHashKey }));
  }
  last = event;
}
assert.deepEqual(pushed, ["1", "2", "3"]);
assert.equal(last.ContinuationSequenceNumber, undefined);
assert.deepEqual(
  last.ChildShards.map((child) => child.ShardId),
  ["shardId-000000000001", "shardId-000000000002"],
);
clearTimeout(deadline);
client.destroy();
console.log("JavaScript: records were put, read and pushed over HTTP/2");
