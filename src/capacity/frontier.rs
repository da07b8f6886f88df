//! Cost against lag: ways to set up stream, producer and consumers for the same load, and which of them to take.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cost::{Tariff, bill};
use super::monthly::usage;
use super::sizing::{Sizing, sized};
use crate::client::{Aggregation, ConsumerKind};
use crate::forecast::{Demand, Flows, Reading, ShardFlow, Step, batchings, mean_wait, put_forecast};
use crate::kinesis::StreamMode;
use crate::prices::{HOURS_PER_MONTH, Prices};
use crate::scenario::Scenario;
use crate::time::nanos;

/// Lingers that aggregation is looked at with, beside the scenario's own: 100 ms is the KPL's default (fact sheet, section 9.2).
const LINGERS: [Duration; 4] =
    [Duration::from_millis(100), Duration::from_millis(250), Duration::from_millis(500), Duration::from_secs(1)];
/// Lags that differ by less are the same.
const SAME_LAG: u64 = 1_000_000;

/// A way to set up stream, producer and consumers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Configuration {
    /// What is paid for by.
    pub tariff: Tariff,
    /// Shards with room as the plan wants it; an on-demand stream makes them itself.
    pub shards: u32,
    /// Records are packed as the KPL does.
    pub aggregation: bool,
    /// How long a record waits for its batch.
    pub linger: Duration,
    /// How the consumers read.
    pub reading: ReadingChoice,
    /// US dollars a month; `None` if a price is not known.
    pub monthly: Option<f64>,
    /// Mean lag of the slowest consumer, nanoseconds, or the time until records can be read if nobody does; `None` where it grows.
    pub lag: Option<u64>,
    /// Whether it meets the objectives that the model has a figure for; of a lag it has the mean.
    pub meets_objectives: bool,
    /// Whether no other one is both cheaper and sooner: the Pareto front.
    pub efficient: bool,
    /// It is the scenario's own, with the shards recommended for it.
    pub own: bool,
}

/// How the consumers read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ReadingChoice {
    /// As in the scenario.
    AsAsked,
    /// All by polling.
    Polling,
    /// All by enhanced fan-out that can.
    FanOut,
    /// By enhanced fan-out those that miss their objective by polling.
    FanOutWhereNeeded,
}

impl ReadingChoice {
    /// Its name for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AsAsked => "as in the scenario",
            Self::Polling => "polling",
            Self::FanOut => "fan-out",
            Self::FanOutWhereNeeded => "fan-out where needed",
        }
    }
}

/// A configuration, with each consumer as it then reads.
pub(crate) struct Candidate {
    pub configuration: Configuration,
    pub kinds: Vec<ConsumerKind>,
}

/// Ways to set up the scenario, the cheapest first; none if no price of the region is known.
pub(crate) fn frontier(flows: &Flows<'_>, steps: &[Step], sizing: &Sizing, prices: &Prices) -> Vec<Candidate> {
    if !prices.regions.contains_key(&flows.scenario.cost.region) {
        return Vec::new();
    }
    let mut study = Study { flows, steps, prices, variant: flows.scenario.clone() };
    let mut found: Vec<Candidate> = Vec::new();
    for producing in study.producings() {
        let mut asked: Vec<Vec<ConsumerKind>> = Vec::new();
        for choice in
            [ReadingChoice::AsAsked, ReadingChoice::Polling, ReadingChoice::FanOut, ReadingChoice::FanOutWhereNeeded]
        {
            let kinds = study.kinds(choice, &producing);
            if asked.contains(&kinds) {
                continue;
            }
            asked.push(kinds.clone());
            let configurations = study.configurations(&producing, choice, &kinds, sizing).into_iter();
            found.extend(configurations.map(|configuration| Candidate { configuration, kinds: kinds.clone() }));
        }
    }
    let monthly = |candidate: &Candidate| candidate.configuration.monthly.unwrap_or(f64::INFINITY);
    found.sort_by(|a, b| monthly(a).total_cmp(&monthly(b)));
    let mut soonest = u64::MAX;
    for Candidate { configuration, .. } in &mut found {
        let Some((lag, _)) = configuration.lag.zip(configuration.monthly) else { continue };
        configuration.efficient = lag.saturating_add(SAME_LAG) < soonest;
        soonest = soonest.min(lag);
    }
    found
}

/// How records are put.
struct Producing {
    aggregation: Option<Aggregation>,
    linger: Duration,
    own: bool,
}

struct Study<'a> {
    flows: &'a Flows<'a>,
    steps: &'a [Step],
    prices: &'a Prices,
    /// The scenario, changed in place: keys and traces are large.
    variant: Scenario,
}

impl Study<'_> {
    /// As the scenario puts records, and with aggregation, or without where it has it.
    fn producings(&self) -> Vec<Producing> {
        let own = &self.flows.scenario.producer;
        let mut all = vec![Producing { aggregation: own.aggregation, linger: own.linger, own: true }];
        // One record per call leaves nothing to pack, and AUTO deals aggregates out whole.
        if own.single || self.flows.scenario.stream.auto_distribution {
            return all;
        }
        let packed = own.aggregation.unwrap_or(Aggregation::KPL);
        if own.aggregation.is_some() {
            all.push(Producing { aggregation: None, linger: own.linger, own: false });
        }
        let lingers = std::iter::once(own.linger).chain(LINGERS);
        let mut seen: Vec<Duration> = own.aggregation.map(|_| own.linger).into_iter().collect();
        for linger in lingers {
            if !seen.contains(&linger) && !linger.is_zero() {
                seen.push(linger);
                all.push(Producing { aggregation: Some(packed), linger, own: false });
            }
        }
        all
    }

    /// The consumers, reading so.
    fn kinds(&mut self, choice: ReadingChoice, producing: &Producing) -> Vec<ConsumerKind> {
        let asked = &self.flows.scenario.consumers;
        let calls = self.flows.profile.read.calls_per_second as f64;
        // Those who poll share the calls of a shard.
        let interval = Duration::from_secs(asked.len() as u64).div_f64(calls);
        let all = |fan_out| asked.iter().map(|consumer| consumer.kind.reading(fan_out, interval)).collect();
        match choice {
            ReadingChoice::AsAsked => asked.iter().map(|consumer| consumer.kind.clone()).collect(),
            ReadingChoice::Polling => all(false),
            ReadingChoice::FanOut => all(true),
            ReadingChoice::FanOutWhereNeeded => {
                let polling: Vec<ConsumerKind> = all(false);
                let Some((_, lags)) = self.shape(producing, &polling, None) else { return polling };
                let misses = |place: usize| !self.within_lag(place, lags.get(place).copied().flatten());
                let kind = |(place, kind): (usize, &ConsumerKind)| kind.reading(misses(place), interval);
                polling.iter().enumerate().map(kind).collect()
            }
        }
    }

    /// Whether a consumer's mean lag is within its objective.
    fn within_lag(&self, consumer: usize, lag: Option<u64>) -> bool {
        let scenario = self.flows.scenario;
        let own = scenario.consumers.get(consumer).and_then(|consumer| consumer.lag_p99);
        match (own.or(scenario.objectives.lag_p99), lag) {
            (Some(limit), Some(lag)) => u128::from(lag) <= limit.as_nanos(),
            (_, lag) => lag.is_some(),
        }
    }

    /// The load put and read so: its demand on the shards that it takes, and the mean lag of each consumer, or the time until records can be
    /// read. `None` if no number of shards carries it. `known` is the number of shards, if it is.
    fn shape(
        &mut self,
        producing: &Producing,
        kinds: &[ConsumerKind],
        known: Option<u32>,
    ) -> Option<(Demand, Vec<Option<u64>>)> {
        let (variant, profile) = (&mut self.variant, self.flows.profile);
        variant.producer.aggregation = producing.aggregation;
        variant.producer.linger = producing.linger;
        for (consumer, kind) in variant.consumers.iter_mut().zip(kinds) {
            consumer.kind = kind.clone();
        }
        let mut shards = known.unwrap_or(self.flows.demand.shards);
        // The fewer shards, the more comes to each, and the more is packed.
        for _ in 0..if known.is_some() { 0 } else { 3 } {
            let demand = self.flows.demand.put_by(&variant.producer, shards);
            let next = sized(self.flows, variant, &demand)?;
            if std::mem::replace(&mut shards, next) == next {
                break;
            }
        }
        variant.stream.shards = shards;
        let demand = self.flows.demand.put_by(&variant.producer, shards);
        let flow = ShardFlow::even(&demand, shards);
        let flows = [flow];
        let reading = Reading {
            scenario: variant,
            profile,
            flows: &flows,
            batch_wait: mean_wait(&batchings(variant, &demand, self.steps, demand.mean_rate)),
            record_bytes: demand.record_bytes,
            packed: demand.packed,
        };
        let lags = match variant.consumers.as_slice() {
            [] => {
                let delivery = reading.delivery(&demand);
                vec![Some(nanos(delivery.batch_wait + delivery.propagation))]
            }
            consumers => consumers.iter().map(|consumer| reading.lag(consumer).mean).collect(),
        };
        Some((demand, lags))
    }

    fn configurations(
        &mut self,
        producing: &Producing,
        choice: ReadingChoice,
        kinds: &[ConsumerKind],
        sizing: &Sizing,
    ) -> Vec<Configuration> {
        let own = producing.own && choice == ReadingChoice::AsAsked;
        let Some((demand, lags)) = self.shape(producing, kinds, own.then_some(sizing.recommended)) else {
            return Vec::new();
        };
        let (scenario, profile) = (self.flows.scenario, self.flows.profile);
        let Some(known) = self.prices.regions.get(&scenario.cost.region) else { return Vec::new() };
        let lag = lags.iter().copied().collect::<Option<Vec<u64>>>().and_then(|lags| lags.into_iter().max());
        let lags_met =
            scenario.consumers.is_empty() || lags.iter().enumerate().all(|(place, lag)| self.within_lag(place, *lag));
        let attainable = !own || sizing.attainable;
        let meets = attainable && lags_met && self.puts_in_time(&demand);
        let flow = [];
        let reading = Reading {
            scenario: &self.variant,
            profile,
            flows: &flow,
            batch_wait: Duration::ZERO,
            record_bytes: demand.record_bytes,
            packed: demand.packed,
        };
        let used = usage(&self.variant, &reading.delivery(&demand));
        let own_tariff = match scenario.stream.mode {
            StreamMode::Provisioned => Tariff::Provisioned,
            StreamMode::OnDemand => Tariff::OnDemandStandard,
        };
        // AUTO is there on demand only.
        let tariffs = Tariff::ALL
            .into_iter()
            .filter(|tariff| !scenario.stream.auto_distribution || *tariff != Tariff::Provisioned);
        let configuration = |tariff: Tariff| {
            let monthly = bill(tariff, &used, known, HOURS_PER_MONTH).total;
            let affordable =
                scenario.objectives.cost_per_month.is_none_or(|most| monthly.is_some_and(|cost| cost <= most));
            Configuration {
                tariff,
                shards: demand.shards,
                aggregation: producing.aggregation.is_some(),
                linger: producing.linger,
                reading: choice,
                monthly,
                lag,
                meets_objectives: meets && affordable,
                efficient: false,
                own: own && tariff == own_tariff,
            }
        };
        tariffs.map(configuration).collect()
    }

    /// Whether puts are acknowledged within their objectives, by the variant's batches.
    fn puts_in_time(&self, demand: &Demand) -> bool {
        let objectives = &self.flows.scenario.objectives;
        if objectives.put_p50.or(objectives.put_p99).is_none() {
            return true;
        }
        let flow = ShardFlow::even(demand, demand.shards);
        let filled = demand.shards_filled(self.flows.profile) / f64::from(demand.shards);
        let batchings = batchings(&self.variant, demand, self.steps, demand.mean_rate);
        let put = put_forecast(&batchings, &[flow], demand.packed, |_| filled, self.flows.profile);
        let within =
            |limit: Option<Duration>, nanos: u64| limit.is_none_or(|limit| u128::from(nanos) <= limit.as_nanos());
        within(objectives.put_p50, put.p50) && within(objectives.put_p99, put.p99)
    }
}
