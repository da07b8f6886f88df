//! What a run shows of each bound of its plan, beside those that have a row of their own; or why it shows nothing.

use super::agreement::Tolerance;
use super::expectation::Expectation;
use super::figure::Figure;
use super::measured::{Measured, mean_shards};
use super::metric::Metric;
use super::row::{BUSY, Comparison, UTILISATION, chance_of_bytes, share_row};
use crate::capacity::{Bound, BoundName};
use crate::measure::ConsumerRecord;
use crate::result::RunResult;
use crate::scenario::Consumer;
use crate::units::{Share, Unit};

/// Bounds that the comparison sets beside the measurement itself.
const ELSEWHERE: [BoundName; 5] = [
    BoundName::WriteRecords,
    BoundName::WriteBytes,
    BoundName::SharedReadBytes,
    BoundName::SharedReadCalls,
    BoundName::FanOutBytes,
];

/// Of the age of what is read: reads come by polls, and an outage ends between two of them.
const AGE: Tolerance = Tolerance { relative: 0.2, absolute: 1e-4 };

/// A consumer of the scenario, and what it did.
type Reader<'a> = (&'a Consumer, &'a ConsumerRecord);

/// What is observed of a bound.
struct Observed {
    utilisation: Option<f64>,
    /// How near it has to be; `None` if the two are not the same figure.
    tolerance: Option<Tolerance>,
    note: String,
}

impl Observed {
    fn nothing(note: &str) -> Self {
        Self { utilisation: None, tolerance: None, note: note.to_owned() }
    }
}

/// A row for each bound that has none elsewhere.
pub(super) fn bound_rows(plan: Expectation<'_>, result: &RunResult, measured: &Measured) -> Vec<Comparison> {
    let run = Run { plan, result, measured };
    plan.capacity.bounds.iter().filter(|bound| !ELSEWHERE.contains(&bound.name)).map(|bound| run.row(bound)).collect()
}

struct Run<'a> {
    plan: Expectation<'a>,
    result: &'a RunResult,
    measured: &'a Measured,
}

impl Run<'_> {
    fn row(&self, bound: &Bound) -> Comparison {
        let by_rate = matches!(
            bound.name,
            BoundName::PolledRecords
                | BoundName::ProcessedRecords
                | BoundName::LambdaConcurrency
                | BoundName::OnDemandWrites
        );
        let predicted = bound.utilisation.0 * if by_rate { self.of_mean() } else { 1.0 };
        let observed = match bound.name {
            BoundName::PolledRecords => self.polled(bound),
            BoundName::ProcessedRecords => self.busy(|_| true),
            BoundName::LambdaConcurrency => self.busy(|consumer| bound.consumer.as_ref() == Some(&consumer.name)),
            BoundName::OnDemandWrites => self.written(bound),
            BoundName::PutCall => self.calls(bound),
            BoundName::FanOutConsumers => {
                let count = self.result.scenario.consumers.iter().filter(|consumer| consumer.kind.is_fan_out()).count();
                Observed {
                    utilisation: Some(count as f64 / bound.capacity),
                    tolerance: Some(UTILISATION),
                    note: "consumers registered for the run".to_owned(),
                }
            }
            BoundName::AccountShards => self.shards(bound),
            BoundName::Retention => self.age(bound),
            BoundName::HottestKey => Observed::nothing(
                "not observed: what is accepted is counted by shard, and not by key; the shard of the key is in the heat map, and a hot key that throttles \
                 is named by its cause",
            ),
            _ => Observed::nothing("not observed: a result has no figure for it"),
        };
        let metric = Metric::Utilisation { bound: bound.name };
        let found = observed.utilisation.map(Share);
        let row = share_row(metric, Share(predicted), found, observed.tolerance, Some(observed.note));
        if found.is_some() { row } else { Comparison { measured: Figure::NotObserved, ..row } }
    }

    /// The mean rate that is accepted over that of the busiest second, for which bounds are.
    fn of_mean(&self) -> f64 {
        let busiest = self.plan.busiest_rate().unwrap_or(0.0);
        if busiest > 0.0 { self.plan.forecast.accepted_rate.0 / busiest } else { 1.0 }
    }

    fn readers(&self) -> impl Iterator<Item = Reader<'_>> {
        self.result.scenario.consumers.iter().zip(&self.result.measurement.consumers)
    }

    /// Records that a consumer read per second of the judged part of the load.
    fn read(&self, consumer: &ConsumerRecord) -> Option<f64> {
        let (first, end) = self.measured.seconds;
        let inside = consumer.reads.iter().zip(0..).filter(|(_, second)| (first..end).contains(second));
        let read = self.measured.rate(inside.map(|(read, _)| read).sum());
        read.filter(|_| !consumer.reads.is_empty()).map(|rate| rate.0)
    }

    /// Of the poller that read the least.
    fn polled(&self, bound: &Bound) -> Observed {
        let shards = mean_shards(self.result, self.measured.seconds);
        let pollers = self.readers().filter(|(asked, _)| asked.kind.polls().is_some());
        let least = pollers.filter_map(|(_, consumer)| self.read(consumer)).reduce(f64::min);
        let capacity = bound.capacity_per_shard * self.plan.forecast.records_per_kinesis_record * shards;
        Observed {
            utilisation: least.filter(|_| capacity > 0.0).map(|rate| rate / capacity),
            tolerance: Some(UTILISATION),
            note: "records read by the poller that read the fewest, against what its calls can fetch".to_owned(),
        }
    }

    /// Time that the busiest of some consumers worked, over the time that its lanes have: how many batches were under way at once, by Little's law.
    fn busy(&self, wanted: impl Fn(&Consumer) -> bool) -> Observed {
        let shards = mean_shards(self.result, self.measured.seconds);
        let busiest = self.readers().filter(|(asked, _)| wanted(asked)).filter_map(|(asked, consumer)| {
            let all: u64 = consumer.reads.iter().sum();
            let each = consumer.work.busy.as_secs_f64() / all as f64;
            let lanes = f64::from(asked.kind.lanes()) * shards;
            Some(self.read(consumer)? * each / lanes).filter(|busy| busy.is_finite() && *busy > 0.0)
        });
        Observed {
            utilisation: busiest.reduce(f64::max),
            tolerance: Some(BUSY),
            note: "time spent with batches, over the time of all lanes; more than predicted where batches are not full and each takes time of its own"
                .to_owned(),
        }
    }

    fn written(&self, bound: &Bound) -> Observed {
        let bytes = self.measured.rate(self.measured.accepted_bytes);
        let chance = chance_of_bytes(self.plan, self.measured.accepted);
        Observed {
            utilisation: bytes.map(|bytes| bytes.0 / bound.capacity),
            tolerance: Some(Tolerance { relative: UTILISATION.relative + chance, ..UTILISATION }),
            note: "bytes accepted".to_owned(),
        }
    }

    fn calls(&self, bound: &Bound) -> Observed {
        let counters = &self.result.measurement.counters;
        let records = counters.attempts as f64 / counters.calls as f64;
        let bytes = records * self.measured.accepted_bytes as f64 / self.measured.service.0.max(1) as f64;
        let mean = if bound.unit == Unit::BytesPerCall { bytes } else { records };
        Observed {
            utilisation: (counters.calls > 0 && mean.is_finite()).then(|| mean / bound.capacity),
            tolerance: None,
            note: "mean of all calls, against a full one: a batch goes out when its first record has lingered"
                .to_owned(),
        }
    }

    fn shards(&self, bound: &Bound) -> Observed {
        let most = self.result.measurement.open_shards.iter().map(|(_, count)| *count).max();
        Observed {
            utilisation: most.map(|most| f64::from(most) / bound.capacity),
            tolerance: None,
            note: "most shards that the stream of the run had; other streams of the account are not known".to_owned(),
        }
    }

    /// The oldest record that was read, against the retention.
    fn age(&self, bound: &Bound) -> Observed {
        let ages = self.readers().flat_map(|(_, consumer)| &consumer.behind).map(|(_, millis)| *millis);
        Observed {
            utilisation: ages.max().map(|millis| millis as f64 / 1_000.0 / bound.capacity),
            tolerance: Some(AGE),
            note: "the largest MillisBehindLatest of any answer, which is after the outage".to_owned(),
        }
    }
}
