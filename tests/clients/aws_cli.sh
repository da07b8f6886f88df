#!/usr/bin/env bash
# The life of a stream with the AWS CLI: $1 is the program, ENDPOINT the emulator.
set -euo pipefail

program=$1
export AWS_MAX_ATTEMPTS=1

kinesis() { "$program" --endpoint-url "$ENDPOINT" --output text kinesis "$@"; }

# Fails unless the first argument, what a command said, is the second.
equal() {
  if [ "$1" != "$2" ]; then
    printf 'got "%s", not "%s"\n' "$1" "$2" >&2
    exit 1
  fi
}

kinesis create-stream --stream-name orders --shard-count 2
kinesis wait stream-exists --stream-name orders
equal "$(kinesis describe-stream-summary --stream-name orders --query StreamDescriptionSummary.StreamStatus)" ACTIVE
shards=$(kinesis list-shards --stream-name orders --query 'Shards[].ShardId')
equal "$shards" "shardId-000000000000	shardId-000000000001"

put=$(kinesis put-record --stream-name orders --partition-key k --explicit-hash-key 0 --data first --query ShardId)
equal "$put" shardId-000000000000
second='{"Data":"second","PartitionKey":"k","ExplicitHashKey":"0"}'
third='{"Data":"third","PartitionKey":"k","ExplicitHashKey":"340282366920938463463374607431768211455"}'
put=$(kinesis put-records --stream-name orders --records "[$second,$third]" --query '[FailedRecordCount,Records[].ShardId]')
equal "$put" "0
shardId-000000000000	shardId-000000000001"

read_shard() {
  local iterator
  iterator=$(kinesis get-shard-iterator --stream-name orders --shard-id "$1" --shard-iterator-type TRIM_HORIZON)
  kinesis get-records --shard-iterator "$iterator" --query 'Records[].Data'
}
equal "$(read_shard shardId-000000000000)" "$(printf first | base64)	$(printf second | base64)"
equal "$(read_shard shardId-000000000001)" "$(printf third | base64)"

equal "$(kinesis describe-limits --query '[ShardLimit,OpenShardCount]')" "20000	2"
kinesis add-tags-to-stream --stream-name orders --tags team=a,stage=test
kinesis remove-tags-from-stream --stream-name orders --tag-keys stage
equal "$(kinesis list-tags-for-stream --stream-name orders --query 'Tags[].[Key,Value]')" "team	a"
kinesis delete-stream --stream-name orders
kinesis wait stream-not-exists --stream-name orders
equal "$(kinesis list-streams --query 'length(StreamNames)')" 0
if message=$(kinesis describe-stream --stream-name orders 2>&1); then exit 1; fi
equal "$(grep -c 'ResourceNotFoundException.*Stream orders under account 000000000000 not found.' <<<"$message")" 1

# The commands that the planner prints make the stream that it recommends.
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
cat >"$directory/planned.toml" <<'TOML'
stream = { shards = 1, max_record_size = "2 MiB" }
load = { rate = "2500/s", duration = "10s" }
records.size = "100 B"
cost = { retention = "48h", shard_level_metrics = 7 }
consumer = [{ name = "alerts", type = "efo" }, { name = "lake", type = "firehose" }]
TOML
aws() { "$program" --endpoint-url "$ENDPOINT" "$@" >>"$directory/said"; }
aws_text() { "$program" --endpoint-url "$ENDPOINT" "$@"; }
"$STREAMGAUGE" plan "$directory/planned.toml" --aws-cli | sed 's/\$(aws /$(aws_text /' >"$directory/commands"
# shellcheck source=/dev/null
. "$directory/commands"
summary='StreamDescriptionSummary.[OpenShardCount,RetentionPeriodHours,MaxRecordSizeInKiB,ConsumerCount]'
equal "$(kinesis describe-stream-summary --stream-name planned --query "$summary")" "4	48	2048	1"
equal "$(kinesis list-stream-consumers --stream-arn "$arn" --query 'Consumers[].ConsumerName')" alerts
kinesis delete-stream --stream-name planned --enforce-consumer-deletion
echo "AWS CLI: a stream was created, written, read, tagged and deleted"
