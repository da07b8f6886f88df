//! Which way to set up a scenario to take, and why.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::capacity::{Candidate, Configuration, ReadingChoice, Tariff};
use crate::client::ConsumerKind;
use crate::forecast::Flows;
use crate::units;

/// What a change has to save to be worth it.
const WORTHWHILE: f64 = 0.05;

/// What to take.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Recommendation {
    /// How stream, producer and consumers are set up.
    pub configuration: Configuration,
    /// Most records of a call.
    pub batch_records: usize,
    /// Records that a call then has at the mean rate.
    pub records_per_call: f64,
    /// Each consumer, and how it reads.
    pub readers: Vec<ReaderAdvice>,
    /// US dollars a month that it saves against the scenario's own; `None` if a price is not known.
    pub saves: Option<f64>,
    /// Why, in full sentences.
    pub why: Vec<String>,
}

/// How a consumer is to read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReaderAdvice {
    /// Its name.
    pub name: String,
    /// By enhanced fan-out.
    pub fan_out: bool,
    /// In a few words.
    pub how: String,
}

/// The cheapest configuration that meets the objectives; of those about as cheap, the one that changes least.
pub(super) fn recommend(flows: &Flows<'_>, found: &[Candidate]) -> Option<Recommendation> {
    let own = found.iter().map(|candidate| &candidate.configuration).find(|configuration| configuration.own);
    let able = || {
        let is_able = |candidate: &&Candidate| {
            candidate.configuration.meets_objectives && candidate.configuration.monthly.is_some()
        };
        found.iter().filter(is_able)
    };
    let cheapest = able().next()?.configuration.monthly?;
    let changes = |configuration: &Configuration| {
        let tariff = own.is_some_and(|own| own.tariff != configuration.tariff);
        let producer = own.is_some_and(|own| own.aggregation != configuration.aggregation);
        let linger = own.is_some_and(|own| own.linger != configuration.linger);
        let reading = configuration.reading != ReadingChoice::AsAsked;
        2 * (u32::from(tariff) + u32::from(producer) + u32::from(reading)) + u32::from(linger)
    };
    let near =
        |configuration: &Configuration| configuration.monthly.is_some_and(|cost| cost <= cheapest * (1.0 + WORTHWHILE));
    let Candidate { configuration: chosen, kinds } = able()
        .filter(|candidate| near(&candidate.configuration))
        .min_by_key(|candidate| changes(&candidate.configuration))?;
    let scenario = flows.scenario;
    let most = if scenario.producer.single { 1 } else { flows.profile.request.records };
    let rate = flows.demand.mean_rate;
    let lingering = 1.0 + (rate * chosen.linger.as_secs_f64()).floor();
    let by_bytes = scenario.producer.batch_bytes.0 as f64 / flows.demand.record_bytes.max(1.0);
    let saves = own.and_then(|own| Some(own.monthly? - chosen.monthly?));
    Some(Recommendation {
        batch_records: most,
        records_per_call: lingering.min(most as f64).min(by_bytes).max(1.0),
        readers: scenario.consumers.iter().zip(kinds).map(|(consumer, kind)| advice(&consumer.name, kind)).collect(),
        why: why(chosen, own, saves),
        saves,
        configuration: chosen.clone(),
    })
}

fn why(chosen: &Configuration, own: Option<&Configuration>, saves: Option<f64>) -> Vec<String> {
    let mut why = vec![match saves {
        Some(saves) if saves > 0.005 => format!(
            "It is the cheapest that meets the objectives, by {} a month against the scenario's own.",
            units::dollars(saves)
        ),
        _ => format!("Nothing that meets the objectives is cheaper by more than {}.", units::Share(WORTHWHILE)),
    }];
    if let Some(own) = own.filter(|own| !own.meets_objectives) {
        let lag = own.lag.map_or_else(
            || "its lag grows".to_owned(),
            |lag| format!("its slowest consumer lags {} on average", units::duration(Duration::from_nanos(lag))),
        );
        why.push(format!("The scenario's own does not meet them: {lag}."));
    }
    if chosen.aggregation && own.is_some_and(|own| !own.aggregation) {
        why.push("Consumers have to unpack aggregates, and a record waits up to the linger for its own; across a reshard the order of a key is lost.".to_owned());
    }
    match chosen.tariff {
        Tariff::Provisioned => {}
        Tariff::OnDemandStandard => why.push("On-demand takes up to twice its highest minute of 30 days; what grows faster throttles.".to_owned()),
        Tariff::OnDemandAdvantage => why.push("Advantage is a commitment of the account in the region: at least 25 MiB/s in and out are billed over all its on-demand streams.".to_owned()),
    }
    why
}

fn advice(name: &str, kind: &ConsumerKind) -> ReaderAdvice {
    let how = match kind.polls() {
        None => "enhanced fan-out".to_owned(),
        Some((interval, limit)) => {
            format!("polling every {}, up to {} records a call", units::duration(interval), units::count(limit.into()))
        }
    };
    let how = if matches!(kind, ConsumerKind::Polling { .. } | ConsumerKind::Efo) {
        how
    } else {
        format!("{}, {how}", kind.word())
    };
    ReaderAdvice { name: name.to_owned(), fan_out: kind.is_fan_out(), how }
}
