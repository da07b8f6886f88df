//! The analytical model: demand against each limit of the service (fact sheet, sections 1, 5.3 and 6).

use std::time::Duration;

use super::cost_forecast::{Billed, CostForecast, Delivery, forecast_cost};
use super::flow::{ShardFlow, shard_flows};
use super::packing::Packing;
use super::processing::{Work, processing_bound};
use super::skew::skew;
use super::{Bound, LagForecast, Plan, ShardForecast};
use crate::client::ConsumerKind;
use crate::kinesis::{HashKeyRange, Profile, Spread};
use crate::prices::Prices;
use crate::scenario::{Consumer, Scenario};
use crate::time::{Time, nanos};
use crate::units::{self, Rate, Share};
use crate::workload::{Schedule, Workload};

/// A shard is planned to be this full at most, so that the unevenness of keys and moments has room.
const TARGET_UTILISATION: f64 = 0.8;

/// Arrivals that are looked at for the mean sizes of data and keys.
const SIZE_SAMPLE: u64 = 100_000;

/// What a scenario asks of its stream.
#[derive(Debug, Clone, Copy)]
struct Demand {
    /// Rate of the busiest second.
    busiest: f64,
    /// Mean bytes that a record takes: of data and key, or of its part of an aggregate.
    record_bytes: f64,
    /// Mean bytes of data, and of keys.
    mean_bytes: (f64, f64),
    /// Records in each Kinesis record.
    packed: f64,
    /// PUT payload units of a record, and its bytes as on-demand streams bill them.
    billed: Billed,
    /// Mean records per second over the whole load.
    mean_rate: f64,
    /// Highest share of any key.
    top_key: f64,
    shards: u32,
}

/// How fast one consumer that polls can read a shard.
struct Poller<'a> {
    name: &'a str,
    limit: u32,
    /// Time from call to call on a shard; longer than asked where all pollers together ask for more calls than there are.
    interval: Duration,
}

/// Predicts what a scenario will do to its stream, from the limits of `profile`, and what it costs, at `prices`.
pub fn predict(scenario: &Scenario, profile: &Profile, prices: &Prices) -> Plan {
    let workload = scenario.workload();
    let demand = Demand::of(scenario, &workload);
    let bounds = bounds(scenario, profile, &demand);
    let required_shards = bounds.iter().filter_map(|bound| bound.shards).max().unwrap_or(1).max(1);
    let at_target = |bound: &Bound| match bound.shards {
        Some(_) => (bound.demand / bound.capacity_per_shard / TARGET_UTILISATION).ceil() as u32,
        None => 1,
    };
    let even = bounds.iter().map(at_target).max().unwrap_or(1).max(required_shards);
    let skew = if scenario.stream.auto_distribution {
        None
    } else {
        let load = demand.shards_filled(profile);
        let asked = [demand.shards, required_shards, even, even.saturating_mul(2), even.saturating_mul(4)];
        skew(workload.keys(), workload.count(), load, TARGET_UTILISATION, &asked)
    };
    let recommended_shards = skew.as_ref().and_then(|skew| skew.fewest).map_or(even, |fewest| fewest.max(even));
    let binding = binding(&bounds);

    let ranges = HashKeyRange::initial(demand.shards);
    let flows = shard_flows(scenario, &workload, profile, demand.mean_bytes, &ranges);
    let offered = flows.iter().map(|flow| flow.records).sum::<f64>();
    let accepted = flows.iter().map(|flow| flow.accepted).sum::<f64>();
    let overload_share = if offered > 0.0 { (1.0 - accepted / offered).max(0.0) } else { 0.0 };
    let batch_wait = batch_wait(scenario, &demand, offered);
    let reading = Reading {
        scenario,
        profile,
        flows: &flows,
        batch_wait,
        record_bytes: demand.record_bytes,
        packed: demand.packed,
    };
    Plan {
        required_shards,
        recommended_shards,
        scenario_shards: demand.shards,
        target_utilisation: Share(TARGET_UTILISATION),
        binding,
        bounds,
        shards: flows.iter().map(|flow| forecast(flow, profile)).collect(),
        skew,
        offered_rate: Rate(offered),
        accepted_rate: Rate(accepted),
        overload_share: Share(if overload_share < 1e-9 { 0.0 } else { overload_share }),
        records_per_kinesis_record: demand.packed,
        lags: scenario.consumers.iter().map(|consumer| reading.lag(consumer)).collect(),
        cost: reading.cost(&demand, recommended_shards, prices),
        assumptions: assumptions(scenario, profile),
    }
}

/// What each shard of a stream will be offered, by the hash keys of its shards.
pub fn expected_load(scenario: &Scenario, profile: &Profile, ranges: &[HashKeyRange]) -> Vec<ShardForecast> {
    let workload = scenario.workload();
    let mean_bytes = Demand::of(scenario, &workload).mean_bytes;
    let flows = shard_flows(scenario, &workload, profile, mean_bytes, ranges);
    flows.iter().map(|flow| forecast(flow, profile)).collect()
}

impl Demand {
    fn of(scenario: &Scenario, workload: &Workload) -> Self {
        let sampled = workload.count().min(SIZE_SAMPLE);
        let (mut data_bytes, mut key_bytes, mut billed) = (0, 0, Billed::default());
        for arrival in (0..sampled).map(|k| workload.arrival(k)) {
            let (data, key) = (u64::from(arrival.size), arrival.key.len() as u64);
            (data_bytes, key_bytes) = (data_bytes + data, key_bytes + key);
            billed += Billed::of(data + key);
        }
        let of_sample = |bytes: u64| bytes as f64 / sampled.max(1) as f64;
        let data = workload.sizes().mean().filter(|_| sampled > 0).unwrap_or_else(|| of_sample(data_bytes));
        let busiest = busiest_second(workload.schedule(), Time::ZERO + scenario.load.duration);
        let of_shard = busiest / f64::from(scenario.stream.shards);
        let packing = Packing::new(&scenario.producer, of_shard, data, of_sample(key_bytes));
        Self {
            busiest,
            record_bytes: packing.record_bytes,
            mean_bytes: (data, of_sample(key_bytes)),
            packed: packing.records,
            billed: billed.of_each(sampled, &packing),
            mean_rate: workload.count() as f64 / scenario.load.duration.as_secs_f64().max(1e-9),
            // With AUTO distribution no key belongs to a shard.
            top_key: if scenario.stream.auto_distribution { 0.0 } else { workload.keys().top_share(workload.count()) },
            shards: scenario.stream.shards,
        }
    }
}

impl Demand {
    /// Shards that the busiest second would fill to the brim, if it spread evenly.
    fn shards_filled(&self, profile: &Profile) -> f64 {
        let by_records = self.busiest / self.packed / profile.write.records_per_second as f64;
        by_records.max(self.busiest * self.record_bytes / profile.write.bytes_per_second as f64)
    }
}

fn busiest_second(schedule: &Schedule, end: Time) -> f64 {
    match schedule.rate() {
        Schedule::Constant { rate } => rate.0,
        Schedule::Shaped { shape } => {
            let seconds = 0..end.as_secs_f64().ceil() as u64;
            seconds.map(|second| shape.due((second + 1) as f64) - shape.due(second as f64)).fold(0.0, f64::max)
        }
        Schedule::Poisson { rate, .. } => busiest_second(rate, end),
        Schedule::Recorded { times } => {
            let due = times.iter().take_while(|time| **time < end);
            let (mut most, mut current) = (0u64, (0u64, 0u64));
            for second in due.map(|time| time.second()) {
                current = if second == current.0 { (second, current.1 + 1) } else { (second, 1) };
                most = most.max(current.1);
            }
            most as f64
        }
    }
}

fn bounds(scenario: &Scenario, profile: &Profile, demand: &Demand) -> Vec<Bound> {
    let (write, read) = (&profile.write, &profile.read);
    let pollers = pollers(scenario, profile);
    let fan_out = scenario.consumers.iter().filter(|consumer| consumer.kind.is_fan_out()).count();
    let bytes = demand.busiest * demand.record_bytes;
    let shards = f64::from(demand.shards);
    let busiest =
        if matches!(scenario.load.schedule.rate(), Schedule::Constant { .. }) { "" } else { " in the busiest second" };
    let mut bounds = vec![
        bound(
            "write records",
            "records/s",
            demand.busiest / demand.packed,
            write.records_per_second as f64,
            shards,
            match demand.packed > 1.0 {
                true => format!(
                    "Kinesis records put{busiest}, with {:.1} records in each, against {} records/s per shard",
                    demand.packed,
                    units::count(write.records_per_second)
                ),
                false => format!(
                    "records put{busiest}, against {} records/s per shard",
                    units::count(write.records_per_second)
                ),
            },
        ),
        bound(
            "write bytes",
            "bytes/s",
            bytes,
            write.bytes_per_second as f64,
            shards,
            format!(
                "data and partition keys put{busiest}, {} a record on average, against {}/s per shard",
                units::Bytes(demand.record_bytes.round() as u64),
                units::Bytes(write.bytes_per_second)
            ),
        ),
    ];
    if !pollers.is_empty() {
        bounds.push(bound(
            "shared read bytes",
            "bytes/s",
            bytes * pollers.len() as f64,
            read.bytes_per_second as f64,
            shards,
            format!(
                "the same bytes read by {} polling consumer(s), which share {}/s per shard",
                pollers.len(),
                units::Bytes(read.bytes_per_second)
            ),
        ));
        bounds.extend(poll_bound(&pollers, demand, profile));
        let calls = calls_asked(scenario);
        bounds.push(Bound {
            shards: None,
            ..bound("shared read calls", "calls/s", calls * shards, read.calls_per_second as f64, shards, format!(
                "GetRecords calls of all polling consumers, which share {} calls/s per shard; every shard is polled, so more \
                 shards do not help", read.calls_per_second
            ))
        });
    }
    if fan_out > 0 {
        bounds.push(bound("fan-out bytes", "bytes/s", bytes, profile.fan_out.bytes_per_second as f64, shards, format!(
            "the bytes pushed to each of {fan_out} enhanced fan-out consumer(s), each of which has {}/s per shard of its own",
            units::Bytes(profile.fan_out.bytes_per_second)
        )));
    }
    bounds.extend(processing_bound(scenario, demand.busiest, shards));
    bounds.push(top_key_bound(demand, profile));
    bounds
}

/// One key lives in one shard, whatever the number of shards.
fn top_key_bound(demand: &Demand, profile: &Profile) -> Bound {
    let bytes = demand.busiest * demand.top_key * demand.record_bytes;
    let records = demand.busiest * demand.top_key / demand.packed;
    let (by_records, by_bytes) =
        (records / profile.write.records_per_second as f64, bytes / profile.write.bytes_per_second as f64);
    let (unit, demand_of_key, capacity) = if by_records >= by_bytes {
        ("records/s", records, profile.write.records_per_second as f64)
    } else {
        ("bytes/s", bytes, profile.write.bytes_per_second as f64)
    };
    Bound {
        name: "hottest key".to_owned(),
        unit: unit.to_owned(),
        demand: demand_of_key,
        capacity_per_shard: capacity,
        utilisation: Share(by_records.max(by_bytes)),
        shards: None,
        note: format!(
            "the most frequent partition key takes {} of the records, and all of them go to one shard; more shards do not help",
            Share(demand.top_key)
        ),
    }
}

pub(super) fn bound(name: &str, unit: &str, demand: f64, capacity: f64, shards: f64, note: String) -> Bound {
    Bound {
        name: name.to_owned(),
        unit: unit.to_owned(),
        demand,
        capacity_per_shard: capacity,
        utilisation: Share(demand / (capacity * shards)),
        // A demand that is a whole number of shards but for rounding needs just as many.
        shards: Some((demand / capacity - 1e-9).ceil().max(1.0) as u32),
        note,
    }
}

/// The bound that asks for the most shards; one that more shards do not help, as soon as it is more than used up.
fn binding(bounds: &[Bound]) -> String {
    let used_up = |bound: &&Bound| bound.shards.is_none() && bound.utilisation.0 > 1.0 + 1e-9;
    let fullest = |a: &&Bound, b: &&Bound| a.utilisation.0.total_cmp(&b.utilisation.0);
    let hopeless = bounds.iter().filter(used_up).max_by(fullest);
    let bound = hopeless.or_else(|| bounds.iter().filter(|bound| bound.shards.is_some()).max_by(fullest));
    bound.map_or_else(String::new, |bound| bound.name.clone())
}

/// GetRecords calls per second and shard that all consumers together ask for.
fn calls_asked(scenario: &Scenario) -> f64 {
    let calls = |kind: &ConsumerKind| kind.polls().map_or(0.0, |(interval, _)| 1.0 / interval.as_secs_f64());
    scenario.consumers.iter().map(|consumer| calls(&consumer.kind)).sum()
}

fn pollers<'a>(scenario: &'a Scenario, profile: &Profile) -> Vec<Poller<'a>> {
    // Pollers that ask for more calls than there are get their part of them.
    let stretch = (calls_asked(scenario) / profile.read.calls_per_second as f64).max(1.0);
    let poller = |consumer: &'a Consumer| {
        let (interval, limit) = consumer.kind.polls()?;
        Some(Poller { name: &consumer.name, limit, interval: interval.mul_f64(stretch) })
    };
    scenario.consumers.iter().filter_map(poller).collect()
}

impl Poller<'_> {
    /// Records of `record_bytes` that it can read per second from a shard: a call gives so many records or bytes at most.
    fn capacity(&self, record_bytes: f64, profile: &Profile) -> f64 {
        let by_bytes = profile.request.get_bytes as f64 / record_bytes.max(1.0);
        f64::from(self.limit).min(by_bytes) / self.interval.as_secs_f64()
    }
}

/// What the calls of the slowest poller can fetch.
fn poll_bound(pollers: &[Poller<'_>], demand: &Demand, profile: &Profile) -> Option<Bound> {
    let capacity = |poller: &Poller<'_>| poller.capacity(demand.record_bytes * demand.packed, profile);
    let slowest = pollers.iter().min_by(|a, b| capacity(a).total_cmp(&capacity(b)))?;
    let note = format!(
        "records that {} reads: a call gives {} records or {} at most, and it makes one every {} per shard",
        slowest.name,
        units::count(slowest.limit.into()),
        units::Bytes(profile.request.get_bytes),
        units::duration(slowest.interval)
    );
    let asked = demand.busiest / demand.packed;
    Some(bound("polled records", "records/s", asked, capacity(slowest), f64::from(demand.shards), note))
}

fn forecast(flow: &ShardFlow, profile: &Profile) -> ShardForecast {
    let by_records = flow.records / flow.packed / profile.write.records_per_second as f64;
    let by_bytes = flow.bytes / profile.write.bytes_per_second as f64;
    ShardForecast { records: Rate(flow.records), bytes: flow.bytes, utilisation: by_records.max(by_bytes) }
}

/// What the lag of a consumer depends on.
struct Reading<'a> {
    scenario: &'a Scenario,
    profile: &'a Profile,
    flows: &'a [ShardFlow],
    batch_wait: Duration,
    record_bytes: f64,
    packed: f64,
}

impl Reading<'_> {
    fn lag(&self, consumer: &Consumer) -> LagForecast {
        let propagation = self.mean_over_records(&self.profile.latency.propagation);
        let visible = self.batch_wait + propagation;
        let parts = format!(
            "the mean wait for the batch ({}), propagation ({})",
            units::duration(self.batch_wait),
            units::duration(propagation)
        );
        let records: f64 = self.flows.iter().map(|flow| flow.accepted).sum::<f64>() / self.flows.len().max(1) as f64;
        let work = Work::new(consumer, records, self.record_bytes);
        let pollers = pollers(self.scenario, self.profile);
        let (mean, note) = match pollers.iter().find(|poller| poller.name == consumer.name) {
            None => {
                let most = self.profile.fan_out.bytes_per_second as f64;
                (self.keeps_up(|_, bytes| bytes <= most).then_some(visible), parts)
            }
            Some(poller) => {
                let wait = poller.interval / 2;
                let get = self.mean_over_records(&self.profile.latency.get);
                let shared = self.profile.read.bytes_per_second as f64 / pollers.len() as f64;
                let keeps_up = self.keeps_up(|records, bytes| {
                    bytes <= shared && records <= poller.capacity(bytes / records.max(1e-9), self.profile) * self.packed
                });
                let note = format!(
                    "{parts}, half a polling interval ({}) and the GetRecords call ({})",
                    units::duration(wait),
                    units::duration(get)
                );
                (keeps_up.then_some(visible + wait + get), note)
            }
        };
        let busiest = self.flows.iter().map(|flow| flow.records * flow.sustained(self.profile)).fold(0.0, f64::max);
        let (mean, note) = work.add_to(mean, note, busiest);
        LagForecast { consumer: consumer.name.clone(), mean: mean.map(nanos), note }
    }

    /// What the scenario costs in a month like it.
    fn cost(&self, demand: &Demand, recommended_shards: u32, prices: &Prices) -> CostForecast {
        let delivery = Delivery {
            records: demand.mean_rate,
            record_bytes: demand.record_bytes,
            billed: demand.billed,
            packed: demand.packed,
            batch_wait: self.batch_wait,
            propagation: self.mean_over_records(&self.profile.latency.propagation),
            get: self.mean_over_records(&self.profile.latency.get),
        };
        forecast_cost(self.scenario, self.profile, &delivery, recommended_shards, prices)
    }

    /// The mean of a latency that depends on how busy a record's shard is, over all records.
    fn mean_over_records(&self, spread: &Spread) -> Duration {
        let latency = &self.profile.latency;
        let weighed = self.flows.iter().map(|flow| {
            let mean = latency.mean(spread, forecast(flow, self.profile).utilisation).as_secs_f64();
            (flow.records, mean * flow.records)
        });
        let (records, sum) = weighed.fold((0.0, 0.0), |(n, sum), (records, part)| (n + records, sum + part));
        if records > 0.0 { Duration::from_secs_f64(sum / records) } else { latency.mean(spread, 0.0) }
    }

    /// Whether every shard can be read as fast as it is written in the long run, in records and bytes per second.
    fn keeps_up(&self, reads: impl Fn(f64, f64) -> bool) -> bool {
        self.flows.iter().all(|flow| {
            let taken = flow.sustained(self.profile);
            reads(flow.records * taken, flow.bytes * taken)
        })
    }
}

/// Mean wait of a record for its batch, which goes out when it is full or when its first record has lingered.
fn batch_wait(scenario: &Scenario, demand: &Demand, rate: f64) -> Duration {
    let producer = &scenario.producer;
    let linger = producer.linger.as_secs_f64();
    let rate = rate.max(1e-9);
    let by_bytes = producer.batch_bytes.0 as f64 / demand.record_bytes.max(1.0);
    let full = by_bytes.min(producer.batch_records as f64).max(1.0);
    let fills_after = (full - 1.0) / rate;
    if fills_after <= linger {
        return Duration::from_secs_f64(fills_after / 2.0);
    }
    // The first record waits for all of the linger, each further one for what is left of it.
    // The rate is a sum over shards: what is a whole number but for rounding is one.
    let further = (rate * linger + 1e-6).floor();
    Duration::from_secs_f64(linger - further / (2.0 * rate))
}

fn assumptions(scenario: &Scenario, profile: &Profile) -> Vec<String> {
    let flow = match scenario.load.schedule.rate() {
        Schedule::Constant { .. } => {
            "Load is a fluid: each shard gets its share of the rate evenly, and starts with its burst unspent."
        }
        Schedule::Shaped { .. } => {
            "Load is a fluid that follows the rate: each shard gets its share of it, and starts with its burst unspent. The shards \
             needed are those for the busiest second."
        }
        Schedule::Recorded { .. } | Schedule::Poisson { .. } => {
            "Each recorded arrival is put to its shard alone when it is due, and each shard starts with its burst unspent."
        }
    };
    let mut assumptions = vec![
        format!("Limits and latencies are those of the profile {} of {}.", profile.name, profile.date),
        flow.to_owned(),
        "Keys are placed by their MD5 on shards of equal width, as a new stream has them.".to_owned(),
        "Retries add no load: a throttled record is counted as not accepted while load is offered.".to_owned(),
    ];
    if matches!(scenario.load.schedule, Schedule::Poisson { .. }) {
        let chance = "Arrivals come by chance; the prediction is for their mean, and a shard near its limit throttles now and then.";
        assumptions.push(chance.to_owned());
    }
    if scenario.producer.aggregation.is_some() {
        assumptions.push(
            "An aggregate holds what comes to its shard while it lingers, up to its limits; the keys in it are all different.".to_owned(),
        );
    }
    if let Some(producers) = scenario.load.closed_loop {
        assumptions.push(format!(
            "The load is a closed loop: the rate is what Little's law makes of the batches of {producers} producers and the latency \
             of an idle stream."
        ));
    }
    if !scenario.events.is_empty() {
        assumptions.push(
            "Nothing happens during the run: the events of the scenario are not part of the prediction.".to_owned(),
        );
    }
    if scenario.stream.mode == crate::kinesis::StreamMode::OnDemand {
        assumptions.push(format!(
            "The on-demand stream keeps its {} shards: the prediction does not know how it scales.",
            scenario.stream.shards
        ));
    }
    assumptions
}
