//! Changes of streams in virtual time: resharding, on-demand growth, settings, labels and faults.

use std::time::Duration;

use bytes::Bytes;
use streamgauge::kinesis::{
    ConsumerName, CreateStream, Distribution, Encryption, ErrorKind, FaultKind, FaultRule, HashKey, IteratorToken,
    Kinesis, ListShards, Operation, Position, Profile, PutEntry, Request, Resource, Response, ServiceError, Settings,
    ShardFilter, ShardId, ShardMetric, Status, StreamDescription, StreamMode, SubscriptionPoll, Tags,
};
use streamgauge::seed::Seed;
use streamgauge::time::Time;

const STREAM: &str = "orders";

fn settings() -> Settings {
    Settings { latency: false, control_limits: false, ..Settings::new(Profile::newest(), Seed(1)) }
}

fn service(shards: u32) -> Kinesis {
    with(settings(), CreateStream::provisioned(STREAM, shards))
}

fn with(settings: Settings, create: CreateStream) -> Kinesis {
    let mut kinesis = Kinesis::new(settings);
    kinesis.handle(Time::ZERO, Request::CreateStream(create)).response.unwrap();
    kinesis
}

fn ask(kinesis: &mut Kinesis, now: Time, request: Request) -> Result<Response, ServiceError> {
    kinesis.handle(now, request).response
}

fn refused(kinesis: &mut Kinesis, now: Time, request: Request) -> (ErrorKind, String) {
    let error = ask(kinesis, now, request).unwrap_err();
    (error.kind, error.message)
}

fn summary(kinesis: &mut Kinesis, now: Time) -> StreamDescription {
    match ask(kinesis, now, Request::DescribeStreamSummary { stream: STREAM.into() }).unwrap() {
        Response::DescribeStreamSummary(summary) => summary,
        other => panic!("{other:?}"),
    }
}

fn shards(kinesis: &mut Kinesis, now: Time, filter: ShardFilter) -> Vec<u32> {
    let list = ListShards { stream: STREAM.into(), created: None, filter, after: None, limit: 1_000 };
    match ask(kinesis, now, Request::ListShards(list)).unwrap() {
        Response::ListShards { shards, more: false } => shards.iter().map(|shard| shard.shard.0).collect(),
        other => panic!("{other:?}"),
    }
}

fn put_at(kinesis: &mut Kinesis, now: Time, hash_key: u128, bytes: usize) -> Result<ShardId, ErrorKind> {
    let entry = PutEntry {
        data: Bytes::from(vec![1; bytes]),
        padding: 0,
        partition_key: Bytes::from_static(b"k"),
        explicit_hash_key: Some(HashKey(hash_key)),
    };
    match ask(kinesis, now, Request::PutRecord { stream: STREAM.into(), entry, after: None }) {
        Ok(Response::PutRecord { receipt, .. }) => Ok(receipt.shard),
        Ok(other) => panic!("{other:?}"),
        Err(error) => Err(error.kind),
    }
}

fn iterator(kinesis: &mut Kinesis, now: Time, shard: u32, position: Position) -> IteratorToken {
    let request = Request::GetShardIterator { stream: STREAM.into(), shard: ShardId(shard), position };
    match ask(kinesis, now, request).unwrap() {
        Response::GetShardIterator(iterator) => iterator,
        other => panic!("{other:?}"),
    }
}

fn split(shard: u32, start: u128) -> Request {
    let new_starting_hash_key = HashKey(start);
    Request::SplitShard { stream: STREAM.into(), shard: ShardId(shard), new_starting_hash_key }
}

#[test]
fn four_shards_become_three_with_the_lineage_of_aws() {
    let mut kinesis = service(4);
    let update = Request::UpdateShardCount { stream: STREAM.into(), target: 3 };
    let answer = ask(&mut kinesis, Time::from_secs(1), update).unwrap();
    assert_eq!(answer, Response::UpdateShardCount { stream: STREAM.into(), current: 4, target: 3 });
    assert_eq!(shards(&mut kinesis, Time::from_secs(2), ShardFilter::AtLatest), [6, 9, 10]);
    let all: Vec<u32> = (0..11).collect();
    assert_eq!(shards(&mut kinesis, Time::from_secs(2), ShardFilter::FromTrimHorizon), all);
    assert_eq!(shards(&mut kinesis, Time::from_secs(2), ShardFilter::AtTrimHorizon), [0, 1, 2, 3]);
    assert_eq!(shards(&mut kinesis, Time::from_secs(2), ShardFilter::AfterShardId(ShardId(8))), [9, 10]);
    // After the retention the closed ones are forgotten.
    assert_eq!(shards(&mut kinesis, Time::from_secs(90_000), ShardFilter::FromTrimHorizon), [6, 9, 10]);
}

#[test]
fn a_stream_is_updating_while_it_reshards_and_writes_go_to_the_parent_until_then() {
    let mut kinesis = with(Settings { transition_scale: 1.0, ..settings() }, CreateStream::provisioned(STREAM, 1));
    let begin = Time::from_secs(100);
    ask(&mut kinesis, begin, split(0, 1 << 127)).unwrap();
    assert_eq!(summary(&mut kinesis, begin).status, Status::Updating);
    assert_eq!(put_at(&mut kinesis, Time::from_secs(123), u128::MAX, 1), Ok(ShardId(0)));
    assert_eq!(
        refused(&mut kinesis, begin, split(0, 1 << 126)),
        (
            ErrorKind::ResourceInUse,
            "Stream orders under account 000000000000 not ACTIVE, instead in state UPDATING".to_owned()
        )
    );
    assert_eq!(put_at(&mut kinesis, Time::from_secs(124), u128::MAX, 1), Ok(ShardId(2)));
    assert_eq!(summary(&mut kinesis, Time::from_secs(124)).status, Status::Active);
}

#[test]
fn a_closed_shard_is_read_to_its_end_and_names_its_children() {
    let mut kinesis = service(1);
    put_at(&mut kinesis, Time::ZERO, 5, 1).unwrap();
    let token = iterator(&mut kinesis, Time::ZERO, 0, Position::TrimHorizon);
    ask(&mut kinesis, Time::from_secs(1), split(0, 1 << 127)).unwrap();
    let now = Time::from_secs(2);
    let Response::GetRecords(answer) =
        ask(&mut kinesis, now, Request::GetRecords { iterator: token, limit: 10 }).unwrap()
    else {
        panic!()
    };
    assert_eq!((answer.records.len(), answer.next.is_none()), (1, true));
    let children: Vec<_> = answer.children.iter().map(|child| (child.shard.0, child.parents.clone())).collect();
    assert_eq!(children, [(1, vec![ShardId(0)]), (2, vec![ShardId(0)])]);
    // Its own description has an end, and a child starts a second after it.
    let list = ListShards {
        stream: STREAM.into(),
        created: None,
        filter: ShardFilter::FromTrimHorizon,
        after: None,
        limit: 10,
    };
    let Ok(Response::ListShards { shards, .. }) = ask(&mut kinesis, now, Request::ListShards(list)) else { panic!() };
    let end = shards[0].ending_sequence_number.unwrap();
    assert_eq!(end.index, 0x7fff_ffff_ffff_ffff);
    assert_eq!(shards[1].starting_sequence_number.arrived, end.arrived + 1);
    assert_eq!((shards[1].parent, shards[1].adjacent_parent), (Some(ShardId(0)), None));
}

#[test]
fn a_silent_subscription_tells_the_end_of_its_shard_when_the_split_is_done() {
    let mut kinesis = with(Settings { transition_scale: 1.0, ..settings() }, CreateStream::provisioned(STREAM, 1));
    let begin = Time::from_secs(100);
    let register = Request::RegisterStreamConsumer { stream: STREAM.into(), consumer: "c".into(), tags: Tags::new() };
    ask(&mut kinesis, begin, register).unwrap();
    let now = Time::from_secs(200);
    let subscribe = Request::SubscribeToShard {
        consumer: ConsumerName { stream: STREAM.into(), consumer: "c".into(), created: None },
        shard: ShardId(0),
        position: Position::Latest,
    };
    let Ok(Response::SubscribeToShard(id)) = ask(&mut kinesis, now, subscribe) else { panic!() };
    ask(&mut kinesis, Time::from_secs(201), split(0, 1 << 127)).unwrap();
    // A client asks again when it is told to, and at no other time.
    let mut now = Time::from_secs(201);
    let told = loop {
        match kinesis.poll_subscription(now, id) {
            SubscriptionPoll::Wait(until) => now = until,
            SubscriptionPoll::Event(event) if event.children.is_empty() => {}
            SubscriptionPoll::Event(event) => break event,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!((now, told.children.len(), told.continuation), (Time::from_secs(225), 2, None));
}

#[test]
fn splits_and_merges_have_the_rules_and_words_of_aws() {
    let mut kinesis = service(2);
    let now = Time::ZERO;
    let (kind, message) = refused(&mut kinesis, now, split(0, 1));
    assert_eq!(kind, ErrorKind::InvalidArgument);
    assert_eq!(
        message,
        "NewStartingHashKey 1 used in SplitShard() on shard shardId-000000000000 in stream orders under account \
         000000000000 is not both greater than one plus the shard's StartingHashKey 0 and less than the shard's \
         EndingHashKey 170141183460469231731687303715884105727."
    );
    let merge = |shard, adjacent| Request::MergeShards {
        stream: STREAM.into(),
        shard: ShardId(shard),
        adjacent: ShardId(adjacent),
    };
    let (kind, message) = refused(&mut kinesis, now, merge(1, 0));
    assert_eq!(kind, ErrorKind::InvalidArgument);
    assert_eq!(
        message,
        "Shards shardId-000000000001 and shardId-000000000000 in stream orders under account 000000000000 are not an \
         adjacent pair of shards eligible for merging"
    );
    let (kind, message) = refused(&mut kinesis, now, merge(0, 7));
    assert_eq!(kind, ErrorKind::ResourceNotFound);
    assert_eq!(message, "Could not find shard shardId-000000000007 in stream orders under account 000000000000.");
    ask(&mut kinesis, now, merge(0, 1)).unwrap();
    assert_eq!(shards(&mut kinesis, now, ShardFilter::AtLatest), [2]);
    assert_eq!(refused(&mut kinesis, now, split(0, 1 << 100)).0, ErrorKind::ResourceInUse);
}

#[test]
fn update_shard_count_keeps_its_rules() {
    let mut kinesis = service(5);
    let update = |target| Request::UpdateShardCount { stream: STREAM.into(), target };
    assert_eq!(refused(&mut kinesis, Time::ZERO, update(11)).0, ErrorKind::InvalidArgument);
    assert_eq!(refused(&mut kinesis, Time::ZERO, update(2)).0, ErrorKind::InvalidArgument);
    for n in 0..10 {
        ask(&mut kinesis, Time::from_secs(n), update(if n % 2 == 0 { 6 } else { 5 })).unwrap();
    }
    assert_eq!(refused(&mut kinesis, Time::from_secs(10), update(6)).0, ErrorKind::LimitExceeded);
    ask(&mut kinesis, Time::from_secs(24 * 3600), update(6)).unwrap();
    assert_eq!(summary(&mut kinesis, Time::from_secs(24 * 3600)).open_shards, 6);
}

/// Puts one record of 10 KiB per `interval` milliseconds, spread over the key space or to one key, for `minutes`.
fn load(kinesis: &mut Kinesis, from: Time, minutes: u64, interval: u64, spread: bool) -> Time {
    let mut now = from;
    for n in 0..minutes * 60_000 / interval {
        let key = if spread { (n as u128).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835) } else { 7 };
        let _ = put_at(kinesis, now, key, 10_240);
        now = now + Duration::from_millis(interval);
    }
    now
}

#[test]
fn an_on_demand_stream_starts_with_four_shards_and_grows_to_double_its_peak() {
    let mut kinesis = with(settings(), CreateStream::on_demand(STREAM));
    assert_eq!(summary(&mut kinesis, Time::ZERO).open_shards, 4);
    // 3.3 MiB/s: double of it needs seven shards.
    let now = load(&mut kinesis, Time::ZERO, 2, 3, true);
    assert_eq!(summary(&mut kinesis, now).open_shards, 4, "not at once");
    let now = load(&mut kinesis, now, 12, 30, true);
    assert_eq!(summary(&mut kinesis, now).open_shards, 7);
    assert!(
        matches!(
            refused(&mut kinesis, now, Request::UpdateShardCount { stream: STREAM.into(), target: 8 }),
            (ErrorKind::Validation, _)
        ),
        "the service decides"
    );
}

#[test]
fn a_hot_key_is_never_cured() {
    let mut kinesis = with(settings(), CreateStream::on_demand(STREAM));
    let mut now = Time::ZERO;
    for _ in 0..4 {
        now = load(&mut kinesis, now, 15, 5, false);
    }
    // One key, 2 MiB/s offered: the shard that has it never takes more than its own 1 MiB/s, however often it is split.
    let accepted =
        (0..2_000u64).filter(|n| put_at(&mut kinesis, now + Duration::from_millis(n * 5), 7, 10_240).is_ok()).count();
    assert!((1_000..1_060).contains(&accepted), "{accepted} in 10 s");
}

#[test]
fn warm_throughput_needs_the_commitment_and_gives_the_shards_at_once() {
    let mut kinesis = Kinesis::new(settings());
    let warm = CreateStream { warm_throughput: Some(100), ..CreateStream::on_demand(STREAM) };
    let create = || Request::CreateStream(warm.clone());
    assert_eq!(refused(&mut kinesis, Time::ZERO, create()).0, ErrorKind::Validation);
    let commit = |on| Request::UpdateAccountSettings { minimum_throughput_billing_commitment: on };
    ask(&mut kinesis, Time::ZERO, commit(true)).unwrap();
    ask(&mut kinesis, Time::ZERO, create()).unwrap();
    let described = summary(&mut kinesis, Time::ZERO);
    assert_eq!((described.open_shards, described.warm_throughput.unwrap().current), (100, 100));
    assert_eq!(refused(&mut kinesis, Time::ZERO, commit(false)).0, ErrorKind::InvalidArgument);
    let cool = Request::UpdateStreamWarmThroughput { stream: STREAM.into(), warm_throughput: 0 };
    ask(&mut kinesis, Time::from_secs(1), cool).unwrap();
    assert_eq!(summary(&mut kinesis, Time::from_secs(1)).open_shards, 4);
    let Response::UpdateAccountSettings(state) = ask(&mut kinesis, Time::from_secs(2), commit(false)).unwrap() else {
        panic!()
    };
    assert_eq!(state.status.name(), "ENABLED_UNTIL_EARLIEST_ALLOWED_END");
    let day = Time::from_secs(24 * 3600);
    let Response::DescribeAccountSettings(state) = ask(&mut kinesis, day, Request::DescribeAccountSettings).unwrap()
    else {
        panic!()
    };
    assert_eq!(state.status.name(), "DISABLED");
}

#[test]
fn a_change_of_mode_that_is_refused_changes_nothing() {
    let mut profile = Profile::newest();
    profile.stream.shards_per_account = 50;
    let settings = Settings { profile: profile.into(), ..settings() };
    let mut kinesis = with(settings, CreateStream::provisioned(STREAM, 2));
    ask(&mut kinesis, Time::ZERO, Request::UpdateAccountSettings { minimum_throughput_billing_commitment: true })
        .unwrap();
    let switch = |mib| Request::UpdateStreamMode {
        stream: STREAM.into(),
        mode: StreamMode::OnDemand,
        warm_throughput: Some(mib),
    };
    // As often as the mode may be switched in a day: refusals do not count.
    for _ in 0..2 {
        assert_eq!(refused(&mut kinesis, Time::ZERO, switch(51)).0, ErrorKind::LimitExceeded);
        let described = summary(&mut kinesis, Time::ZERO);
        assert_eq!((described.mode, described.open_shards), (StreamMode::Provisioned, 2));
    }
    ask(&mut kinesis, Time::ZERO, switch(50)).unwrap();
    let described = summary(&mut kinesis, Time::ZERO);
    assert_eq!((described.mode, described.open_shards), (StreamMode::OnDemand, 50));
    assert_eq!(described.warm_throughput.unwrap().current, 50);
}

#[test]
fn auto_distribution_spreads_one_key_evenly_and_needs_an_on_demand_stream() {
    let auto = CreateStream { distribution: Distribution::Auto, ..CreateStream::on_demand(STREAM) };
    let mut kinesis = with(settings(), auto);
    let mut counts = [0; 4];
    for _ in 0..400 {
        counts[put_at(&mut kinesis, Time::ZERO, 7, 10).unwrap().0 as usize] += 1;
    }
    assert_eq!(counts, [100; 4]);
    let mut provisioned = service(1);
    let update =
        Request::UpdateStreamRecordDistributionStrategy { stream: STREAM.into(), distribution: Distribution::Auto };
    assert_eq!(refused(&mut provisioned, Time::ZERO, update).0, ErrorKind::InvalidArgument);
}

#[test]
fn a_record_may_be_as_large_as_its_stream_says() {
    let mut kinesis = service(1);
    assert_eq!(put_at(&mut kinesis, Time::ZERO, 0, 2 << 20), Err(ErrorKind::InvalidArgument));
    let update = Request::UpdateMaxRecordSize { stream: STREAM.into(), max_record_kib: 10_240 };
    ask(&mut kinesis, Time::ZERO, update).unwrap();
    assert_eq!(put_at(&mut kinesis, Time::ZERO, 0, (10 << 20) - 1), Ok(ShardId(0)));
    // It has used up the burst; the shard takes the next byte when the bucket has it.
    assert_eq!(put_at(&mut kinesis, Time::ZERO, 0, 1), Err(ErrorKind::ProvisionedThroughputExceeded));
}

#[test]
fn retention_mode_encryption_and_monitoring_are_kept() {
    let mut kinesis = service(1);
    let now = Time::ZERO;
    let (stream, metrics) = (|| STREAM.to_owned(), vec![ShardMetric::IncomingBytes]);
    let (_, message) =
        refused(&mut kinesis, now, Request::IncreaseStreamRetentionPeriod { stream: stream(), hours: 23 });
    assert_eq!(
        message,
        "Minimum allowed retention period is 24 hours. Requested retention period (23 hours) is too short."
    );
    let (_, message) =
        refused(&mut kinesis, now, Request::DecreaseStreamRetentionPeriod { stream: stream(), hours: 25 });
    assert_eq!(
        message,
        "Requested retention period (25 hours) for stream orders can not be longer than existing retention period (24 \
         hours). Use IncreaseRetentionPeriod API."
    );
    ask(&mut kinesis, now, Request::IncreaseStreamRetentionPeriod { stream: stream(), hours: 48 }).unwrap();
    ask(&mut kinesis, now, Request::EnableEnhancedMonitoring { stream: stream(), metrics }).unwrap();
    ask(&mut kinesis, now, Request::StartStreamEncryption { stream: stream(), key: "alias/a".into() }).unwrap();
    let mode = |mode| Request::UpdateStreamMode { stream: STREAM.into(), mode, warm_throughput: None };
    ask(&mut kinesis, now, mode(StreamMode::OnDemand)).unwrap();
    let described = summary(&mut kinesis, now);
    assert_eq!(described.retention_hours, 48);
    assert_eq!(described.monitoring, [ShardMetric::IncomingBytes]);
    assert_eq!(described.encryption, Encryption::Kms("alias/a".into()));
    assert_eq!((described.mode, described.open_shards), (StreamMode::OnDemand, 1));
    ask(&mut kinesis, now, mode(StreamMode::Provisioned)).unwrap();
    assert_eq!(refused(&mut kinesis, now, mode(StreamMode::OnDemand)).0, ErrorKind::LimitExceeded);
    put_at(&mut kinesis, now, 0, 1).unwrap();
    ask(&mut kinesis, now, Request::StopStreamEncryption { stream: stream() }).unwrap();
    put_at(&mut kinesis, Time::from_secs(1), 0, 1).unwrap();
    let iterator = iterator(&mut kinesis, Time::from_secs(1), 0, Position::TrimHorizon);
    let Ok(Response::GetRecords(answer)) =
        ask(&mut kinesis, Time::from_secs(1), Request::GetRecords { iterator, limit: 9 })
    else {
        panic!()
    };
    assert_eq!(answer.records.iter().map(|record| record.encrypted).collect::<Vec<_>>(), [true, false]);
}

#[test]
fn tags_and_policies_are_kept_and_counted() {
    let mut kinesis = service(1);
    let tags = |range: std::ops::Range<u32>| range.map(|n| (format!("k{n:02}"), "v".to_owned())).collect::<Tags>();
    let resource = || Resource::Stream(STREAM.into());
    let now = Time::ZERO;
    ask(&mut kinesis, now, Request::AddTagsToStream { stream: STREAM.into(), tags: tags(0..40) }).unwrap();
    let (_, message) = refused(&mut kinesis, now, Request::TagResource { resource: resource(), tags: tags(35..51) });
    assert!(message.ends_with("a given stream cannot have more than 50 tags associated with it."), "{message}");
    let list = Request::ListTagsForStream { stream: STREAM.into(), limit: 3, after: Some("k36".into()) };
    let Ok(Response::ListTagsForStream { tags: page, more }) = ask(&mut kinesis, now, list) else { panic!() };
    assert_eq!((page.len(), more), (3, false));
    let get = || Request::GetResourcePolicy { resource: resource() };
    assert_eq!(ask(&mut kinesis, now, get()), Ok(Response::GetResourcePolicy(None)));
    let policy = |text: &str| Request::PutResourcePolicy { resource: resource(), policy: text.to_owned() };
    assert_eq!(refused(&mut kinesis, now, policy("no")).0, ErrorKind::InvalidArgument);
    ask(&mut kinesis, now, policy("{}")).unwrap();
    assert_eq!(ask(&mut kinesis, now, get()), Ok(Response::GetResourcePolicy(Some("{}".into()))));
}

#[test]
fn faults_hit_as_often_and_as_long_as_they_should() {
    let mut kinesis = service(2);
    let rule = FaultRule {
        kind: FaultKind::InternalFailure,
        probability: 0.25,
        from: Time::from_secs(10),
        until: Time::from_secs(20),
        operations: vec![Operation::PutRecord],
        stream: None,
        shard: None,
    };
    kinesis.set_faults(vec![rule.clone()]);
    let failures = |kinesis: &mut Kinesis, from: u64| {
        let at = |n: u64| Time::from_millis(from * 1_000 + n * 2);
        (0..4_000u64).filter(|n| put_at(kinesis, at(*n), 0, 1) == Err(ErrorKind::InternalFailure)).count()
    };
    assert_eq!(failures(&mut kinesis, 0), 0);
    let hit = failures(&mut kinesis, 10);
    // Four standard deviations of 4,000 throws at 0.25.
    assert!((890..1_110).contains(&hit), "{hit}");
    assert_eq!(failures(&mut kinesis, 20), 0);

    // A slow shard delays the calls that touch it, and those only.
    kinesis.set_faults(vec![FaultRule {
        kind: FaultKind::Delay(Duration::from_millis(500)),
        probability: 1.0,
        from: Time::ZERO,
        until: Time::NEVER,
        operations: Vec::new(),
        shard: Some(ShardId(1)),
        ..rule
    }]);
    let now = Time::from_secs(100);
    let mut delay = |hash_key: u128| {
        let entry = PutEntry {
            data: Bytes::new(),
            padding: 0,
            partition_key: Bytes::from_static(b"k"),
            explicit_hash_key: Some(HashKey(hash_key)),
        };
        let request = Request::PutRecords { stream: STREAM.into(), entries: vec![entry] };
        kinesis.handle(now, request).ready_at.since(now)
    };
    assert_eq!((delay(0), delay(u128::MAX)), (Duration::ZERO, Duration::from_millis(500)));
}

#[test]
fn faults_of_a_shard_hit_its_records_or_the_call() {
    let mut kinesis = service(2);
    let now = Time::from_secs(1);
    let mut put = |kind: FaultKind| {
        kinesis.set_faults(vec![FaultRule {
            kind,
            probability: 1.0,
            from: Time::ZERO,
            until: Time::NEVER,
            operations: Vec::new(),
            stream: None,
            shard: Some(ShardId(1)),
        }]);
        let entries = [0, u128::MAX].map(|hash_key| PutEntry {
            data: Bytes::new(),
            padding: 0,
            partition_key: Bytes::from_static(b"k"),
            explicit_hash_key: Some(HashKey(hash_key)),
        });
        match ask(&mut kinesis, now, Request::PutRecords { stream: STREAM.into(), entries: entries.into() }) {
            Ok(Response::PutRecords { receipts, .. }) => {
                Ok(receipts.into_iter().map(|receipt| receipt.err().map(|error| error.kind)).collect::<Vec<_>>())
            }
            Ok(other) => panic!("{other:?}"),
            Err(error) => Err(error.kind),
        }
    };
    for kind in [ErrorKind::InternalFailure, ErrorKind::ProvisionedThroughputExceeded] {
        let fault = if kind == ErrorKind::InternalFailure {
            FaultKind::InternalFailure
        } else {
            FaultKind::ProvisionedThroughputExceeded
        };
        assert_eq!(put(fault), Ok(vec![None, Some(kind)]), "AWS gives records no other error");
    }
    assert_eq!(put(FaultKind::ServiceUnavailable), Err(ErrorKind::ServiceUnavailable));
    assert_eq!(put(FaultKind::Throttling), Err(ErrorKind::Throttling));
    assert_eq!(put(FaultKind::ConnectionDropped), Err(ErrorKind::ConnectionDropped));
}

#[test]
fn a_call_with_many_records_for_a_faulty_shard_is_hit_as_often_as_one_with_one() {
    let mut kinesis = service(2);
    kinesis.set_faults(vec![
        FaultRule {
            kind: FaultKind::ServiceUnavailable,
            probability: 0.1,
            from: Time::ZERO,
            until: Time::NEVER,
            operations: Vec::new(),
            stream: None,
            shard: Some(ShardId(1)),
        },
        FaultRule {
            kind: FaultKind::Delay(Duration::from_millis(500)),
            probability: 1.0,
            from: Time::ZERO,
            until: Time::NEVER,
            operations: Vec::new(),
            stream: None,
            shard: Some(ShardId(1)),
        },
    ]);
    let entry = PutEntry {
        data: Bytes::new(),
        padding: 0,
        partition_key: Bytes::from_static(b"k"),
        explicit_hash_key: Some(HashKey(u128::MAX)),
    };
    let mut hit = 0;
    for n in 0..1_000 {
        let now = Time::from_secs(n);
        let request = Request::PutRecords { stream: STREAM.into(), entries: vec![entry.clone(); 100] };
        let reply = kinesis.handle(now, request);
        hit += u32::from(reply.response.is_err());
        assert_eq!(reply.ready_at.since(now), Duration::from_millis(500), "whether it fails or not");
    }
    // Four standard deviations of 1,000 throws at 0.1.
    assert!((62..=138).contains(&hit), "{hit}");
}

#[test]
fn what_a_stream_took_while_provisioned_does_not_make_it_grow() {
    let mut kinesis = service(4);
    let mut now = Time::ZERO;
    for n in 0..72_000u64 {
        now = Time::from_millis(n * 100);
        put_at(&mut kinesis, now, u128::from(n) << 112, 100).unwrap();
    }
    let switch = Request::UpdateStreamMode { stream: STREAM.into(), mode: StreamMode::OnDemand, warm_throughput: None };
    ask(&mut kinesis, now, switch).unwrap();
    assert_eq!(summary(&mut kinesis, now + Duration::from_secs(3_600)).open_shards, 4);
}

#[test]
fn half_of_the_puts_whose_connection_breaks_are_stored() {
    for shard in [None, Some(ShardId(0))] {
        let mut kinesis = service(1);
        kinesis.set_faults(vec![FaultRule {
            kind: FaultKind::ConnectionDropped,
            probability: 1.0,
            from: Time::ZERO,
            until: Time::NEVER,
            operations: vec![Operation::PutRecord],
            stream: None,
            shard,
        }]);
        for n in 0..400 {
            assert_eq!(put_at(&mut kinesis, Time::from_millis(n * 2), 0, 1), Err(ErrorKind::ConnectionDropped));
        }
        let now = Time::from_secs(1);
        let iterator = iterator(&mut kinesis, now, 0, Position::TrimHorizon);
        let Ok(Response::GetRecords(answer)) = ask(&mut kinesis, now, Request::GetRecords { iterator, limit: 1_000 })
        else {
            panic!()
        };
        // Four standard deviations of 400 tosses.
        assert!((160..=240).contains(&answer.records.len()), "{} at {shard:?}", answer.records.len());
    }
}

#[test]
fn shards_on_the_way_count_and_so_does_a_stream_that_becomes_on_demand() {
    let mut profile = Profile::newest();
    profile.stream.shards_per_account = 4;
    profile.stream.on_demand_streams = 0;
    let settings = Settings { profile: profile.into(), ..settings() };
    let mut kinesis = with(settings, CreateStream::provisioned(STREAM, 4));
    // Four equal ranges become three by way of splits, and two by merges alone.
    let update = |target| Request::UpdateShardCount { stream: STREAM.into(), target };
    assert_eq!(refused(&mut kinesis, Time::ZERO, update(3)).0, ErrorKind::LimitExceeded);
    ask(&mut kinesis, Time::ZERO, update(2)).unwrap();
    let switch = Request::UpdateStreamMode { stream: STREAM.into(), mode: StreamMode::OnDemand, warm_throughput: None };
    assert_eq!(refused(&mut kinesis, Time::ZERO, switch).0, ErrorKind::LimitExceeded);
}
