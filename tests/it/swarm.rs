//! Random scenarios in virtual time, and the laws that hold for each of them.
//!
//! Every seed is a scenario: `STREAMGAUGE_SWARM=10000` tries so many, `STREAMGAUGE_SWARM=@17` the one of seed 17, and prints it.

#![allow(clippy::print_stdout, reason = "the scenarios that break a law are for people")]

use std::fmt::Write as _;
use std::path::Path;

use rand::RngExt as _;
use rayon::prelude::*;
use streamgauge::kinesis::Profile;
use streamgauge::measure::{Ending, Measurement, Outcome};
use streamgauge::scenario::{self, Scenario};
use streamgauge::seed::{Rng, Seed};
use streamgauge::simulator;
use streamgauge::time::Time;
use streamgauge::workload::Keys;

/// How many scenarios a usual run of the tests tries.
const SEEDS: u64 = 40;

#[test]
fn the_laws_hold_for_random_scenarios() {
    let asked = std::env::var("STREAMGAUGE_SWARM").unwrap_or_default();
    let seeds = match asked.strip_prefix('@') {
        Some(seed) => {
            let seed = seed.parse().unwrap();
            println!("{}", Swarm::new(seed).scenario());
            seed..seed + 1
        }
        None => 0..asked.parse().unwrap_or(SEEDS),
    };
    let problem = |seed: u64| judge(&Swarm::new(seed).scenario()).err().map(|problem| (seed, problem));
    let found: Vec<(u64, String)> = seeds.clone().into_par_iter().filter_map(problem).collect();
    for (seed, problem) in &found {
        println!("seed {seed}: {problem}\n  replay: just swarm @{seed}");
    }
    let numbers: Vec<u64> = found.iter().map(|(seed, _)| *seed).collect();
    assert!(found.is_empty(), "{} of {} scenarios break a law: {numbers:?}", found.len(), seeds.end - seeds.start);
}

/// Simulates a scenario and checks the laws.
fn judge(toml: &str) -> Result<(), String> {
    let profile = Profile::newest();
    let scenario = scenario::parse(Path::new("swarm.toml"), toml, &[], &profile)
        .map_err(|diagnostics| format!("it is refused:\n{}", diagnostics.render(false)))?;
    let simulation = simulate(&scenario, &profile)?;
    let measured = &simulation.measurement;
    if simulation.ending != Ending::Complete {
        return Err(format!("it ends with {:?}", simulation.ending));
    }
    every_record_is_in_one_state(&scenario, measured)?;
    no_quota_is_exceeded(&scenario, measured, &profile)?;
    every_consumer_agrees_with_the_ledger(&scenario, measured, &profile)?;
    order_holds_where_it_is_promised(&scenario, measured)?;
    if scenario.seed.0 % 4 > 0 {
        return Ok(());
    }
    let again = simulate(&scenario, &profile)?;
    let bytes = |measured: &Measurement| serde_json::to_string(measured).unwrap();
    if bytes(measured) != bytes(&again.measurement) {
        return Err("the same scenario gives other figures the second time".to_owned());
    }
    Ok(())
}

fn simulate(scenario: &Scenario, profile: &Profile) -> Result<Outcome, String> {
    let mut last = Time::ZERO;
    let mut backwards = None;
    let simulation = simulator::run(scenario, profile, &mut |now| {
        if now < last {
            backwards = Some((last, now));
        }
        last = now;
        true
    })?;
    match backwards {
        Some((from, to)) => Err(format!("time runs backwards, from {from:?} to {to:?}")),
        None => Ok(simulation),
    }
}

fn every_record_is_in_one_state(scenario: &Scenario, measured: &Measurement) -> Result<(), String> {
    let counters = &measured.counters;
    let workload = scenario.workload();
    let sums = [
        ("accepted by second", measured.intervals.iter().map(|second| second.accepted).sum::<u64>(), counters.accepted),
        ("accepted by shard", measured.shards.iter().map(|shard| shard.accepted).sum(), counters.accepted),
        ("bytes by shard", measured.shards.iter().map(|shard| shard.accepted_bytes).sum(), counters.accepted_bytes),
        ("throttled by shard", measured.shards.iter().map(|shard| shard.throttled).sum(), counters.throttled),
        ("throttled by second", measured.intervals.iter().map(|second| second.throttled).sum(), counters.throttled),
        ("offered by second", measured.intervals.iter().map(|second| second.offered).sum(), counters.offered),
        ("attempts by second", measured.intervals.iter().map(|second| second.attempts).sum(), counters.attempts),
        ("errors by kind", measured.errors_by_kind.values().sum(), counters.errors),
    ];
    if !counters.balance() || counters.in_flight > 0 {
        return Err(format!("the counters do not balance, or records are left: {counters:?}"));
    }
    if measured.digest.is_some() && counters.offered != workload.count() {
        return Err(format!("{} were offered, and the schedule has {}", counters.offered, workload.count()));
    }
    if !measured.tenants.is_empty() {
        let offered: u64 = measured.tenants.iter().map(|tenant| tenant.offered).sum();
        if offered != counters.offered {
            return Err(format!("the tenants offered {offered}, all together {}", counters.offered));
        }
    }
    match sums.into_iter().find(|(_, sum, total)| sum != total) {
        Some((name, sum, total)) => Err(format!("{name}: the sum is {sum}, the counter {total}")),
        None => Ok(()),
    }
}

/// Of each shard, what was accepted in any stretch of seconds is what its bucket gives in that time. Answers come up to the
/// timeout of the producer after the moment of admission.
fn no_quota_is_exceeded(scenario: &Scenario, measured: &Measurement, profile: &Profile) -> Result<(), String> {
    let limits = &profile.write;
    let slack = scenario.producer.timeout.as_secs() + 2;
    for shard in 0..measured.shards.len() {
        let cell = |second: usize| measured.intervals[second].shards.get(shard).copied().unwrap_or_default();
        // The fullest stretch that ends at a second, beyond what a full bucket with its refill allows (as for a maximum subarray).
        let (mut records, mut bytes) = (0i64, 0i64);
        for second in 0..measured.intervals.len() {
            let cell = cell(second);
            records = records.max(0) + i64::from(cell.service_records) - limits.records_per_second as i64;
            bytes = bytes.max(0) + i64::from(cell.service_bytes) - limits.bytes_per_second as i64;
            let allowed = |rate: u64, burst: u64| (rate * slack + burst) as i64;
            let too_many = records > allowed(limits.records_per_second, limits.record_burst);
            let too_much = bytes > allowed(limits.bytes_per_second, limits.byte_burst);
            if too_many || too_much {
                return Err(format!(
                    "shard {shard} took {records} records and {bytes} bytes too many by second {second}"
                ));
            }
        }
    }
    Ok(())
}

fn every_consumer_agrees_with_the_ledger(
    scenario: &Scenario,
    measured: &Measurement,
    profile: &Profile,
) -> Result<(), String> {
    // A poller that takes all calls of a shard leaves none to those that back off.
    let asked = scenario.consumers.iter().filter_map(|consumer| consumer.kind.polls());
    let asked: f64 = asked.map(|(interval, _)| 1.0 / interval.as_secs_f64()).sum();
    let starved = asked > profile.read.calls_per_second as f64;
    for (consumer, settings) in measured.consumers.iter().zip(&scenario.consumers) {
        let (delivery, name) = (&consumer.delivery, &consumer.name);
        let known = delivery.delivered + delivery.lost + delivery.unread;
        if delivery.accepted != measured.counters.accepted || known != delivery.accepted {
            return Err(format!("{name}: {delivery:?} does not add up to {:?}", measured.counters));
        }
        if delivery.corrupt + delivery.foreign > 0 {
            return Err(format!("{name} reads records that nobody wrote: {delivery:?}"));
        }
        if delivery.unexpected > measured.counters.unknown + measured.counters.failed + measured.counters.abandoned {
            return Err(format!("{name} reads more than was sent: {delivery:?}"));
        }
        // The auditor has read the log from its beginning, and nothing disturbs it.
        // What was accepted in the last moments of a drain that was too short may be unread.
        let hurried = measured.counters.abandoned > 0;
        if settings.name == AUDITOR
            && (delivery.lost > 0 || delivery.unread > 0 && !hurried && !starved || delivery.redelivered > 0)
        {
            return Err(format!("the log of the service is not what the ledger says: {delivery:?}"));
        }
        if delivery.copies_otherwise > 0 {
            return Err(format!("{name} reads copies of records that were sent once: {delivery:?}"));
        }
    }
    Ok(())
}

fn order_holds_where_it_is_promised(scenario: &Scenario, measured: &Measurement) -> Result<(), String> {
    // The service deals the records out, or explicit hash keys do: no key has a shard.
    let dealt_out = scenario.stream.auto_distribution || matches!(scenario.keys, Keys::Explicit { .. });
    // An aggregate that was made before a split lands in one of the halves as a whole, with keys of the other one in it.
    let torn = scenario.producer.aggregation.is_some() && measured.open_shards.len() > 1;
    for consumer in &measured.consumers {
        let delivery = &consumer.delivery;
        if delivery.delivered_out_of_order > 0 && !dealt_out {
            return Err(format!("{} reads the records of a shard in another order: {delivery:?}", consumer.name));
        }
        if scenario.producer.ordered && delivery.written_out_of_order > 0 && !dealt_out && !torn {
            return Err(format!("the order of a key is not kept: {delivery:?}"));
        }
    }
    Ok(())
}

/// The consumer that every scenario has.
const AUDITOR: &str = "auditor";

/// Makes a scenario from a seed.
struct Swarm {
    rng: Rng,
    toml: String,
    /// Records may be larger than a MiB.
    large: bool,
}

impl Swarm {
    fn new(seed: u64) -> Self {
        Self { rng: Seed(seed).stream("swarm", 0), toml: format!("seed = {seed}\n"), large: false }
    }

    fn chance(&mut self, percent: u32) -> bool {
        self.rng.random_range(0..100) < percent
    }

    fn number(&mut self, from: u64, to: u64) -> u64 {
        self.rng.random_range(from..=to)
    }

    fn choice(&mut self, of: &[&str]) -> String {
        of[self.rng.random_range(0..of.len())].to_owned()
    }

    fn line(&mut self, line: impl AsRef<str>) {
        let _ = writeln!(self.toml, "{}", line.as_ref());
    }

    fn scenario(mut self) -> String {
        let on_demand = self.stream();
        let seconds = self.load();
        self.records_and_keys();
        self.producer();
        let consumers = self.consumers();
        self.events(seconds, on_demand, &consumers);
        self.faults(seconds);
        self.toml
    }

    /// Whether the stream is on demand.
    fn stream(&mut self) -> bool {
        let on_demand = self.chance(25);
        self.line("[stream]\ncommitment = true");
        if self.chance(30) {
            let transitions = self.choice(&["0.02", "0.2", "1"]);
            self.line(format!("transitions = {transitions}"));
        }
        if self.chance(10) {
            self.large = true;
            self.line("max_record_size = \"2 MiB\"");
        }
        if on_demand {
            self.line("mode = \"on-demand\"");
            if self.chance(30) {
                self.line("distribution = \"auto\"");
            }
        } else {
            let shards = self.number(1, 6);
            self.line(format!("shards = {shards}"));
        }
        on_demand
    }

    /// How many seconds load is offered.
    fn load(&mut self) -> u64 {
        let seconds = self.number(2, 12);
        self.line("[load]");
        self.line("drain = \"30m\"");
        if self.chance(20) {
            self.line("warm_up = \"1s\"");
        }
        if self.chance(10) {
            let producers = self.number(1, 4);
            self.line(format!("model = \"closed\"\nproducers = {producers}\nduration = \"{seconds}s\""));
            return seconds;
        }
        if self.chance(25) {
            let (overload, catch_up) = ("drop", self.number(10, 5_000));
            self.line(format!("overload = \"{overload}\"\ncatch_up = {catch_up}"));
        }
        if self.chance(40) {
            self.line("arrivals = \"poisson\"");
        }
        if self.chance(50) {
            let rate = self.rate();
            self.line(format!("rate = \"{rate}/s\"\nduration = \"{seconds}s\""));
            return seconds;
        }
        let phases = self.number(1, 3);
        let each = (seconds / phases).max(1);
        let phases: Vec<String> = (0..phases).map(|_| self.phase(each)).collect();
        let seconds = each * phases.len() as u64;
        self.line(format!("phase = [{}]", phases.join(", ")));
        seconds
    }

    fn rate(&mut self) -> u64 {
        match self.number(0, 3) {
            0 => self.number(1, 20),
            3 => self.number(200, 1_500),
            _ => self.number(20, 300),
        }
    }

    fn phase(&mut self, seconds: u64) -> String {
        let (low, high) = (self.rate(), self.rate());
        let shape = match self.number(0, 4) {
            0 => format!("shape = \"constant\", rate = \"{low}/s\""),
            1 => format!("shape = \"ramp\", from = \"{low}/s\", to = \"{high}/s\""),
            2 => format!("shape = \"steps\", rates = [\"{low}/s\", \"{high}/s\"], shuffled = {}", self.chance(50)),
            3 => format!(
                "shape = \"spike\", base = \"{low}/s\", peak = \"{}/s\", at = \"{}ms\", lasting = \"{}ms\"",
                low + high,
                seconds * 250,
                seconds * 300
            ),
            _ => format!(
                "shape = \"sine\", mean = \"{}/s\", amplitude = \"{low}/s\", period = \"{}ms\"",
                low + high,
                seconds * 500
            ),
        };
        let burst = match self.number(0, 7) {
            0 => {
                // At a rate of one a second there is little that could be uneven.
                format!(", burst = {{ period = \"{}ms\", dispersion = 0.1 }}", self.number(500, 1_000))
            }
            1 | 2 => format!(
                ", burst = {{ period = \"{}ms\", share = \"{}%\" }}",
                self.number(100, 1_000),
                self.number(5, 100)
            ),
            _ => String::new(),
        };
        format!("{{ {shape}, duration = \"{seconds}s\"{burst} }}")
    }

    fn size(&mut self) -> String {
        match self.number(0, 5) {
            0 => format!("\"{} B\"", self.number(19, 200)),
            1 => format!("{{ distribution = \"uniform\", min = \"19 B\", max = \"{} B\" }}", self.number(20, 3_000)),
            2 => format!(
                "{{ distribution = \"lognormal\", median = \"{} B\", p99 = \"8 KiB\" }}",
                self.number(30, 3_000)
            ),
            3 => "{ distribution = \"pareto\", min = \"100 B\", shape = 1.1, max = \"300 KiB\" }".to_owned(),
            4 => "{ distribution = \"normal\", mean = \"500 B\", deviation = \"300 B\" }".to_owned(),
            _ => {
                "{ distribution = \"mix\", of = [{ weight = 9, size = \"300 B\" }, { weight = 1, size = \"40 KiB\" }] }"
                    .to_owned()
            }
        }
    }

    fn keys(&mut self) -> String {
        let count = self.number(2, 300);
        match self.number(0, 6) {
            0 => format!("distribution = \"uniform\", count = {count}"),
            1 => format!("distribution = \"zipf\", count = {count}, exponent = 1.{}", self.number(0, 9)),
            2 => format!("distribution = \"hot-key\", count = {count}, share = \"{}%\"", self.number(55, 90)),
            3 => format!("distribution = \"hot-set\", count = {}, hot = 3, share = \"60%\"", count + 4),
            4 => format!("distribution = \"moving-hot-key\", count = {count}, share = \"50%\", every = \"2s\""),
            5 => "distribution = \"weighted\", weights = { checkout = 5, search = 1 }".to_owned(),
            _ => format!("distribution = \"sequential\", count = {count}"),
        }
    }

    fn records_and_keys(&mut self) {
        if self.chance(15) {
            for name in ["large", "small"] {
                let (size, keys) = (self.size(), self.keys());
                let weight = self.number(1, 9);
                self.line(format!(
                    "[[tenant]]\nname = \"{name}\"\nweight = {weight}\nsize = {size}\nkeys = {{ {keys} }}"
                ));
            }
            return;
        }
        let json = self.chance(10);
        let size = match (self.large, json) {
            (true, _) => "{ distribution = \"mix\", of = [{ weight = 50, size = \"300 B\" }, { weight = 1, size = \"1500 KiB\" }] }"
                .to_owned(),
            (_, true) => format!("\"{} B\"", self.number(400, 2_000)),
            _ => self.size(),
        };
        self.line(format!("[records]\nsize = {size}"));
        if json && !self.large {
            self.line("payload = { json = '{\"user\": \"{{key}}\", \"order\": {{index}}, \"cents\": {{random}}}' }");
        } else if self.chance(20) {
            let payload = self.choice(&["\"zero\"", "{ compressible = \"70%\" }"]);
            self.line(format!("payload = {payload}"));
        }
        let mut keys = self.keys();
        if self.chance(15) {
            keys += ", salt = 4";
        } else if self.chance(10) {
            keys += ", explicit_hash_keys = true";
        }
        self.line(format!(
            "[keys]\n{}",
            keys.replace(", ", "\n").replace("weights = { checkout = 5\nsearch", "weights = { checkout = 5, search")
        ));
    }

    fn producer(&mut self) {
        self.line("[producer]");
        let single = self.chance(15);
        if single {
            self.line("api = \"PutRecord\"");
        } else {
            if self.chance(50) {
                let records = self.number(1, 500);
                self.line(format!("batch_records = {records}"));
            }
            if self.large {
                self.line("batch_bytes = \"4 MiB\"");
            } else if self.chance(30) {
                let kib = self.number(1_024, 5_000);
                self.line(format!("batch_bytes = \"{kib} KiB\""));
            }
        }
        let linger = self.number(0, 300);
        self.line(format!("linger = \"{linger}ms\""));
        if self.chance(40) {
            let most = self.number(1, 20);
            self.line(format!("max_in_flight = {most}"));
        }
        if !self.large && self.chance(20) {
            self.line("buffer = \"1 MiB\"");
        }
        if self.chance(20) {
            let seconds = self.number(1, 10);
            self.line(format!("time_to_live = \"{seconds}s\""));
        }
        if self.chance(25) {
            self.line("order = \"per-key\"");
        }
        if self.chance(25) {
            self.line("aggregation = true");
        }
        let policy = self.choice(&["exponential", "immediate", "none"]);
        self.line(format!("[producer.retry]\npolicy = \"{policy}\""));
        if policy == "exponential" {
            let attempts = self.number(1, 12);
            self.line(format!("attempts = {attempts}"));
        }
        if self.chance(20) && policy != "none" {
            self.line("budget = \"10%\"");
        }
    }

    /// The names of those that events may hit.
    fn consumers(&mut self) -> Vec<(String, String)> {
        self.line(format!("[[consumer]]\nname = \"{AUDITOR}\"\ntype = \"polling\"\ninterval = \"1s\""));
        let mut names = Vec::new();
        for number in 0..self.number(0, 3) {
            let kind = self.choice(&["polling", "efo", "kcl", "lambda", "firehose"]);
            let name = format!("{kind}-{number}");
            self.line(format!("[[consumer]]\nname = \"{name}\"\ntype = \"{kind}\""));
            match kind.as_str() {
                "polling" => {
                    let (interval, limit) = (self.number(200, 3_000), self.number(1, 10_000).max(200));
                    self.line(format!("interval = \"{interval}ms\"\nlimit = {limit}"));
                }
                "kcl" => {
                    let (workers, fan_out) = (self.number(1, 3), self.chance(30));
                    self.line(format!("workers = {workers}\nfan_out = {fan_out}"));
                }
                "lambda" => {
                    let (batch, factor) = (self.number(1, 500), self.number(1, 10));
                    let (bisect, window) = (self.chance(50), self.number(0, 3));
                    self.line(format!(
                        "batch_size = {batch}\nparallelization_factor = {factor}\nbisect = {bisect}\nwindow = \"{window}s\"\non_failure = true"
                    ));
                }
                "firehose" => {
                    let seconds = self.number(1, 60);
                    self.line(format!("buffer_interval = \"{seconds}s\""));
                }
                _ => {}
            }
            if self.chance(25) {
                let start = self.choice(&[
                    "\"latest\"",
                    "{ ago = \"2s\" }",
                    "{ ago = \"1h\" }",
                    "{ timestamp = \"2026-01-01T00:00:12Z\" }",
                    "{ timestamp = \"2025-01-01T00:00:00Z\" }",
                ]);
                self.line(format!("start = {start}"));
            }
            if self.chance(30) {
                let window = self.number(1, 5_000);
                self.line(format!("dedupe_window = {window}"));
            }
            if kind != "lambda" && kind != "firehose" && self.chance(40) {
                let checkpoint = self.choice(&["\"2s\"", "\"each-batch\"", "\"never\""]);
                self.line(format!("checkpoint = {checkpoint}"));
            }
            if kind != "firehose" && self.chance(40) {
                let (micros, failure) = (self.number(1, 500), self.number(0, 5));
                self.line(format!("[consumer.processing]\nfailure = \"{failure}%\"\nattempts = 3"));
                let time = match self.number(0, 3) {
                    0 => format!("{{ distribution = \"pareto\", min = \"{micros}us\", shape = 1.5, max = \"20ms\" }}"),
                    1 => format!("{{ distribution = \"normal\", mean = \"{micros}us\", deviation = \"{micros}us\" }}"),
                    _ => format!("\"{micros}us\""),
                };
                self.line(format!("per_record = {time}"));
                if self.chance(30) {
                    self.line("poison = \"0.1%\"");
                }
            }
            names.push((name, kind));
        }
        names
    }

    fn events(&mut self, seconds: u64, on_demand: bool, consumers: &[(String, String)]) {
        for _ in 0..self.number(0, 3) {
            let end = seconds * 1_000;
            let at = self.number(1, end - 2);
            let event = match self.number(0, 8) {
                0 | 1 if !on_demand => {
                    let shard = self.choice(&["\"hottest\"", "0"]);
                    format!("kind = \"split-shard\"\nshard = {shard}\ncut = \"{}%\"", self.number(10, 90))
                }
                2 if !on_demand => "kind = \"merge-shards\"\nshard = 0".to_owned(),
                3 if !on_demand => format!("kind = \"update-shard-count\"\nshards = {}", self.number(1, 8)),
                4 => {
                    let mode = if on_demand { "provisioned" } else { "on-demand" };
                    format!("kind = \"update-stream-mode\"\nmode = \"{mode}\"")
                }
                5 if on_demand => format!("kind = \"update-warm-throughput\"\nmib_per_second = {}", self.number(1, 10)),
                6 | 7 if consumers.iter().any(|(_, kind)| kind == "kcl") => {
                    let workers = consumers.iter().find(|(_, kind)| kind == "kcl");
                    let name = workers.map_or("", |(name, _)| name);
                    let kind = self.choice(&["kill-worker\"\nworker = 0", "kill-worker\"\nworker = 2", "add-worker\""]);
                    format!("consumer = \"{name}\"\nkind = \"{kind}")
                }
                _ => {
                    let Some((name, _)) = consumers.first() else { continue };
                    let kind = self.choice(&["kill-consumer", "stop-consumer"]);
                    let back = self.number(at + 1, end - 1);
                    self.line(format!(
                        "[[event]]\nat = \"{back}ms\"\nkind = \"start-consumer\"\nconsumer = \"{name}\""
                    ));
                    format!("kind = \"{kind}\"\nconsumer = \"{name}\"")
                }
            };
            self.line(format!("[[event]]\nat = \"{at}ms\"\n{event}"));
        }
    }

    fn faults(&mut self, seconds: u64) {
        for _ in 0..self.number(0, 2) {
            let kind = self.choice(&[
                "internal-failure",
                "service-unavailable",
                "throttling",
                "provisioned-throughput-exceeded",
                "connection-dropped",
                "delay",
            ]);
            let (from, lasting) = (self.number(0, seconds * 1_000), self.number(100, 4_000));
            let probability = self.number(1, 60);
            let operations = self.choice(&[
                "[\"PutRecords\", \"PutRecord\"]",
                "[\"PutRecords\", \"PutRecord\"]",
                "[\"GetRecords\", \"GetShardIterator\", \"SubscribeToShard\"]",
            ]);
            self.line(format!(
                "[[fault]]\nkind = \"{kind}\"\nprobability = \"{probability}%\"\nfrom = \"{from}ms\"\nuntil = \"{}ms\"\n\
                 operations = {operations}",
                from + lasting
            ));
            if kind == "delay" {
                let millis = self.number(10, 8_000);
                self.line(format!("delay = \"{millis}ms\""));
            }
        }
    }
}
