//! What would help against throttling, and what it costs.

use crate::capacity::BoundName;
use crate::client::{Aggregation, Checkpoint, ConsumerKind, RetryPolicy};
use crate::forecast::Placement;
use crate::kinesis::{HashKey, HashKeyRange, Profile, StreamMode};
use crate::prices::Item;
use crate::scenario::{Action, Consumer, Scenario};
use crate::units;
use crate::verdict::{Cause, Cure, Expectation, Limit, Moment};
use crate::workload::Keys;

/// Most buckets that a key is spread over.
const MOST_BUCKETS: u32 = 256;

/// What costs nothing but its trade-off.
fn free(what: impl Into<String>, trade_off: &str, settings: &[&str]) -> Cure {
    Cure {
        what: what.into(),
        monthly: Some(0.0),
        trade_off: trade_off.to_owned(),
        settings: settings.iter().map(|setting| (*setting).to_owned()).collect(),
    }
}

/// What would help against throttling, by what was expected of a scenario.
pub(super) struct Cures<'a> {
    pub scenario: &'a Scenario,
    pub profile: &'a Profile,
    pub plan: Expectation<'a>,
}

impl Cures<'_> {
    /// What would help against what the worst moment of a cause shows, the cheapest first.
    pub(super) fn of(&self, worst: &Moment) -> Vec<Cure> {
        let fullest = worst.utilisation.0.max(worst.utilisation.1);
        let mut cures = match worst.cause {
            Cause::InjectedFault | Cause::SharedReads => Vec::new(),
            Cause::Overload => self.pack(worst.bound).into_iter().chain(self.more_shards()).collect(),
            Cause::HotKey => self
                .salt(&worst.due.key, fullest * worst.due.key_share())
                .into_iter()
                .chain(self.distribute())
                .collect(),
            Cause::HotShard => {
                let split = self.split(fullest).map(|cure| Cure { settings: self.splitting(worst.shard), ..cure });
                let cures = split.into_iter().chain(self.more_shards()).chain(self.distribute());
                cures.chain(self.pack(worst.bound)).collect()
            }
            Cause::Burst => self.smooth().into_iter().chain(self.more_shards()).collect(),
            Cause::RetryStorm => self.back_off(),
            Cause::Reshard => vec![Cure {
                settings: self.resharded(),
                ..free("reshard before the load needs it", "shards are paid for from the moment they are there", &[])
            }],
        };
        if matches!(worst.cause, Cause::Overload | Cause::HotShard | Cause::HotKey) {
            cures.extend(self.storms(worst));
        }
        // Unknown prices come last.
        cures.sort_by(|a, b| a.monthly.unwrap_or(f64::INFINITY).total_cmp(&b.monthly.unwrap_or(f64::INFINITY)));
        cures
    }

    /// What would help a consumer whose calls are throttled.
    pub(super) fn of_reads(&self, consumer: &str, bound: Limit, record_bytes: f64) -> Vec<Cure> {
        let mut cures = Vec::new();
        let pollers = self.scenario.consumers.iter().filter(|asked| asked.kind.polls().is_some()).count();
        if bound == Limit::Calls {
            let interval = pollers as f64 / self.profile.read.calls_per_second as f64;
            let interval = units::duration(std::time::Duration::from_secs_f64(interval));
            let settings: Vec<String> = self
                .scenario
                .consumers
                .iter()
                .enumerate()
                .filter(|(_, asked)| matches!(asked.kind, ConsumerKind::Polling { .. }))
                .map(|(place, _)| format!("consumer.{place}.interval=\"{}\"", interval.replace(' ', "")))
                .collect();
            cures.push(Cure {
                what: match pollers {
                    1 => format!("let it poll every {interval} at most"),
                    _ => format!("let each of the {pollers} consumers poll every {interval} at most"),
                },
                monthly: Some(0.0),
                trade_off: "half of the longer interval is added to the mean lag".to_owned(),
                settings,
            });
        }
        if bound == Limit::Bytes {
            cures.extend(self.smaller_answers(consumer, record_bytes));
        }
        cures.push(Cure {
            what: format!("read {consumer} by enhanced fan-out"),
            monthly: self
                .plan
                .capacity
                .cost
                .reading
                .first()
                .and_then(|reading| Some(reading.fan_out? - reading.polling?)),
            trade_off: "2 MiB/s per shard of its own, and less lag".to_owned(),
            settings: self.fanned_out(consumer),
        });
        cures
    }

    /// Answers of which the calls of a second are no more than the shard gives in one, where the load itself leaves room.
    fn smaller_answers(&self, consumer: &str, record_bytes: f64) -> Option<Cure> {
        let bytes = self.plan.bound(BoundName::SharedReadBytes)?;
        let found = self.scenario.consumers.iter().enumerate().find(|(_, asked)| asked.name == consumer);
        let (place, asked) = found?;
        let (interval, limit) = asked.kind.polls()?;
        let room = 1.0 - bytes.utilisation.0;
        let given = self.profile.read.bytes_per_second as f64 * interval.as_secs_f64();
        let fits = (given * room / record_bytes.max(1.0)).floor();
        let has_limit = matches!(asked.kind, ConsumerKind::Polling { .. } | ConsumerKind::Kcl { .. });
        (has_limit && fits >= 1.0 && fits < f64::from(limit)).then(|| Cure {
            what: format!("let {consumer} read {fits} records a call at most"),
            monthly: Some(0.0),
            trade_off: "a backlog is read evenly, and no sooner".to_owned(),
            settings: vec![format!("consumer.{place}.limit={fits}")],
        })
    }

    /// Several records in one Kinesis record, where records and not bytes are short.
    fn pack(&self, bound: Option<Limit>) -> Option<Cure> {
        let bytes = self.plan.bound(BoundName::WriteBytes)?;
        let record_bytes = self.plan.record_bytes()?;
        let fits = bytes.utilisation.0 <= self.plan.capacity.target_utilisation.0
            && record_bytes * 2.0 <= Aggregation::KPL.max_bytes.0 as f64;
        let helps = bound == Some(Limit::Records) && self.scenario.producer.aggregation.is_none() && fits;
        helps.then(|| {
            free(
                "pack records as the KPL does",
                "consumers have to unpack them, and a record waits for its aggregate",
                &["producer.aggregation=true"],
            )
        })
    }

    /// As many shards as the plan recommends.
    pub fn more_shards(&self) -> Option<Cure> {
        let (has, wants) = (self.scenario.stream.shards, self.plan.capacity.recommended_shards);
        if self.on_demand() {
            let what =
                "warm the stream up for its peak (UpdateStreamWarmThroughput), or let it grow: it scales by itself";
            return Some(free(what, "only accounts with on-demand Advantage can warm a stream", &[]));
        }
        let skewed = self.plan.capacity.skew.as_ref().is_some_and(|skew| skew.fewest.is_none());
        (wants > has && !skewed).then(|| Cure {
            what: format!("{wants} shards in place of {has}"),
            monthly: self.shards(wants - has),
            trade_off: "none".to_owned(),
            settings: vec![format!("stream.shards={wants}")],
        })
    }

    /// Parts of the shard that is too full.
    pub fn split(&self, fullest: f64) -> Option<Cure> {
        let needed = fullest / self.plan.capacity.target_utilisation.0;
        let parts = (needed.ceil() as u32).max(2);
        (!self.on_demand()).then(|| Cure {
            what: format!("split the shard into {parts}"),
            monthly: self.shards(parts - 1),
            trade_off: "helps if its keys fall to all parts; where to cut is a matter of its keys".to_owned(),
            settings: Vec::new(),
        })
    }

    /// The split of a shard in two as an event of the scenario, cut where its halves have the same load; nothing where a half would still be too
    /// full, or where the scenario has events of its own.
    fn splitting(&self, shard: usize) -> Vec<String> {
        let workload = self.scenario.workload();
        let ranges = HashKeyRange::initial(self.scenario.stream.shards);
        let Some(range) = ranges.get(shard).filter(|_| self.scenario.events.is_empty()) else { return Vec::new() };
        let placement = Placement::new(workload.keys(), workload.count());
        let filled = self.plan.capacity.bounds.iter().filter(|bound| bound.name.is_of_writes());
        let load = filled.map(|bound| bound.demand / bound.capacity_per_shard).fold(0.0, f64::max);
        let fuller = |cut: &u32| {
            let middle = range.start.0 + (range.end.0 - range.start.0) / 100 * u128::from(*cut);
            let lower = HashKeyRange { start: range.start, end: HashKey(middle) };
            let upper = HashKeyRange { start: HashKey(middle + 1), end: range.end };
            placement.shares(&[lower, upper]).into_iter().fold(0.0, f64::max) * load
        };
        let cut = (1..100).map(|cut| (cut, fuller(&cut))).min_by(|a, b| a.1.total_cmp(&b.1));
        let cut = cut.filter(|(_, fuller)| *fuller <= 1.0);
        let event =
            |(cut, _)| format!("event=[{{ at = \"0s\", kind = \"split-shard\", shard = {shard}, cut = \"{cut}%\" }}]");
        cut.map(event).into_iter().collect()
    }

    /// The recommended shards from the beginning, in the place of the events that lead to them.
    fn resharded(&self) -> Vec<String> {
        let reshards = |action: &Action| {
            matches!(action, Action::SplitShard { .. } | Action::MergeShards { .. } | Action::UpdateShardCount { .. })
        };
        let only = self.scenario.events.iter().all(|event| reshards(&event.action));
        let helps = only && !self.on_demand() && self.plan.capacity.recommended_shards > self.scenario.stream.shards;
        if helps {
            vec!["event=[]".to_owned(), format!("stream.shards={}", self.plan.capacity.recommended_shards)]
        } else {
            Vec::new()
        }
    }

    /// A consumer that polls, by enhanced fan-out; nothing if it has settings that would be lost.
    fn fanned_out(&self, name: &str) -> Vec<String> {
        let found = self.scenario.consumers.iter().enumerate().find(|(_, consumer)| consumer.name == name);
        let Some((place, consumer)) = found else { return Vec::new() };
        match consumer.kind {
            ConsumerKind::Kcl { .. } | ConsumerKind::Lambda { .. } => vec![format!("consumer.{place}.fan_out=true")],
            ConsumerKind::Polling { .. } => {
                let plain = Consumer {
                    name: name.to_owned(),
                    kind: consumer.kind.clone(),
                    start: None,
                    processing: consumer.processing.clone(),
                    checkpoint: Checkpoint::default(),
                    dedupe_window: None,
                    lag_p99: None,
                    lag_trend: None,
                    delivery: None,
                    order_per_key: None,
                };
                let setting = format!("consumer.{place}={{ name = \"{name}\", type = \"efo\" }}");
                if *consumer == plain && consumer.processing.is_immediate() { vec![setting] } else { Vec::new() }
            }
            ConsumerKind::Efo | ConsumerKind::Firehose { .. } => Vec::new(),
        }
    }

    /// Each key in several buckets: the fewest, doubled step by step, with which no shard is too full.
    pub fn salt(&self, key: &str, of_key: f64) -> Option<Cure> {
        let workload = self.scenario.workload();
        let keys = workload.keys();
        if matches!(keys, Keys::Salted { .. } | Keys::Explicit { .. }) {
            return None;
        }
        let filled = self.plan.capacity.bounds.iter().filter(|bound| bound.name.is_of_writes());
        let load = filled.map(|bound| bound.demand / bound.capacity_per_shard).fold(0.0, f64::max);
        let salted = |buckets: &u32| {
            let keys = Keys::Salted { keys: Box::new(keys.clone()), buckets: *buckets };
            let fullest = Placement::new(&keys, workload.count()).fullest(self.scenario.stream.shards);
            fullest.p99 * load <= self.plan.capacity.target_utilisation.0
        };
        let buckets = std::iter::successors(Some(2), |buckets| Some(buckets * 2))
            .take_while(|buckets| *buckets <= MOST_BUCKETS && keys.count() * u64::from(*buckets) <= 1_000_000)
            .find(salted);
        let trade_off = "order holds per bucket only, and who wants all of a key reads all buckets";
        // The keys of a trace are what they are.
        if let (Some(buckets), false) = (buckets, matches!(keys, Keys::Recorded { .. })) {
            let setting = format!("keys.salt={buckets}");
            return Some(free(format!("spread each key over {buckets} (`key#bucket`)"), trade_off, &[&setting]));
        }
        let buckets = buckets.unwrap_or((of_key / self.plan.capacity.target_utilisation.0).ceil().max(2.0) as u32 * 2);
        Some(free(format!("spread {key} over {buckets} keys (`key#bucket`)"), trade_off, &[]))
    }

    /// The service deals the records out.
    pub fn distribute(&self) -> Option<Cure> {
        (self.on_demand() && !self.scenario.stream.auto_distribution).then(|| {
            free(
                "let the service distribute the records (AUTO)",
                "the order of a key is lost",
                &["stream.distribution=\"auto\""],
            )
        })
    }

    fn smooth(&self) -> Vec<Cure> {
        let spread = free(
            "put what comes at once over the time until the next of it comes",
            "the last records of a burst wait for it",
            &[],
        );
        let retry = (self.scenario.producer.retry == RetryPolicy::None).then(|| {
            free(
                "try throttled records again",
                "they arrive later, and out of order",
                &["producer.retry={ policy = \"exponential\" }"],
            )
        });
        std::iter::once(spread).chain(retry).collect()
    }

    fn back_off(&self) -> Vec<Cure> {
        let mut cures = Vec::new();
        if !matches!(self.scenario.producer.retry, RetryPolicy::Exponential { .. }) {
            cures.push(free(
                "retry with exponential delays and full jitter",
                "a record that is throttled waits longer",
                &["producer.retry={ policy = \"exponential\" }"],
            ));
        }
        if self.scenario.producer.retry_budget.is_none() {
            cures.push(free(
                "allow retries a budget",
                "records beyond it are given up",
                &["producer.retry.budget=\"10%\""],
            ));
        }
        cures
    }

    /// What keeps retries from making it worse.
    fn storms(&self, worst: &Moment) -> Option<Cure> {
        let storms = worst.attempts as f64 >= 3.0 * worst.due.records.max(1) as f64;
        let immediate = matches!(self.scenario.producer.retry, RetryPolicy::Immediate { .. });
        (storms && immediate && self.scenario.producer.retry_budget.is_none()).then(|| {
            free(
                "besides, allow retries a budget",
                "it ends the storm, not the overload: records beyond it are given up",
                &["producer.retry.budget=\"10%\""],
            )
        })
    }

    fn on_demand(&self) -> bool {
        self.scenario.stream.mode == StreamMode::OnDemand
    }

    /// What so many more shards cost a month: what the plan's bill says of its own.
    fn shards(&self, more: u32) -> Option<f64> {
        let bill = self.plan.capacity.cost.bills.first()?;
        let by_shard = [
            Item::ShardHour,
            Item::ExtendedRetentionShardHour,
            Item::FanOutConsumerShardHour,
            Item::DynamodbWrites,
            Item::MetricMonth,
        ];
        let lines = bill.lines.iter().filter(|line| by_shard.contains(&line.item));
        let all = lines.map(|line| line.amount).sum::<Option<f64>>()?;
        Some(all / f64::from(bill.shards.max(1)) * f64::from(more))
    }
}
