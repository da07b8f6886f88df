//! From TOML to a scenario.

mod autoscaling;
mod consumers;
mod cost;
mod events;
mod faults;
mod fields;
mod keys;
mod load;
mod phases;
mod producer;
mod service_times;
mod sizes;
mod tenants;

use std::path::Path;
use std::time::Duration;

use toml::de::DeTable;

use self::fields::{check_name, delivery, order_per_key, positive};
use self::load::{Columns, TraceFound};
use self::tenants::TenantsFound;
use super::diagnostics::{Diagnostic, Diagnostics, Sources};
use super::reader::{Found, Placed, Problems, Reported, TableReader};
use super::{MOST_SHARDS, Objectives, Scenario, Stream, overrides};
use crate::client::ProducerSettings;
use crate::kinesis::{Profile, StreamMode};
use crate::seed::Seed;
use crate::units::{Bytes, Rate, Share};
use crate::workload::{Filling, Keys, Schedule, Sizes, Tenants};

/// A shard is planned to be this full at most, so that the unevenness of keys and moments has room.
const TARGET_UTILISATION: Share = Share(0.8);
/// What takes longer than ten times as on AWS answers no question.
const MOST_TRANSITIONS: f64 = 10.0;

/// See [`super::parse`].
pub(super) fn scenario(
    path: &Path,
    text: &str,
    overrides: &[String],
    profile: &Profile,
) -> Result<Scenario, Diagnostics> {
    let mut sources = Sources::new(path.display().to_string(), text.to_owned());
    let problems = Problems::default();
    let (tree, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        problems.report(wrong_syntax(error, text));
    }
    // What could be saved of a file with wrong syntax would be blamed for what is lost.
    let decoded = errors.is_empty().then(|| {
        let mut tree = tree.into_inner();
        overrides::apply(&mut tree, overrides, &mut sources, &problems);
        document(&tree, path, profile, &problems)
    });
    let problems = problems.into_inner();
    match decoded {
        Some(Ok(scenario)) if problems.is_empty() => {
            Ok(Scenario { source: text.to_owned(), overrides: overrides.to_vec(), ..scenario })
        }
        _ => Err(Diagnostics::new(problems, sources)),
    }
}

/// A problem that the TOML parser found.
fn wrong_syntax(error: &toml::de::Error, text: &str) -> Diagnostic {
    let (message, expected) = error.message().split_once(", expected ").unwrap_or((error.message(), "something else"));
    let written = error.span().and_then(|span| text.get(span)).unwrap_or_default();
    let (message, help) = match message {
        "duplicate key" => (message, "remove or rename one of the two".to_owned()),
        "string values must be quoted" if written.is_empty() => {
            ("a value is missing", "write it after the `=`".to_owned())
        }
        "string values must be quoted" => (message, format!("write \"{written}\"")),
        _ => (message, format!("{expected} is expected here")),
    };
    Diagnostic::new(format!("the file is not valid TOML: {message}")).at(error.span(), "").help(help)
}

fn document(tree: &DeTable<'_>, path: &Path, profile: &Profile, problems: &Problems) -> Result<Scenario, Reported> {
    let mut root = TableReader::root(tree, problems);
    let question = root.optional::<String>("question");
    let seed = root.or("seed", 1);
    let stream = stream(&mut root, profile);
    let steps = Seed(seed.as_ref().map_or(1, |seed| seed.value));
    let load = load::load(&mut root, path.parent().unwrap_or(Path::new("")), steps);
    let trace = load.as_ref().map(|(_, _, trace)| trace.as_ref()).map_err(|reported| *reported);
    let duration = load.as_ref().ok().map(|(_, duration, _)| duration.value);
    let shards = stream.as_ref().ok().map(|stream| stream.shards);
    let most = stream.as_ref().map_or(profile.request.record_bytes, |stream| stream.max_record_size.0);
    let folder = path.parent().unwrap_or(Path::new(""));
    let around = Around { columns: load::columns(tree), trace, duration, shards, most, folder };
    let found = tenants::tenants(&mut root, duration, most, folder, steps);
    let Records { keys, sizes, filling, tenants } = records(&mut root, found, &around);
    let largest = largest_record(&sizes, &keys, most, problems);
    let producer = producer::producer(&mut root, largest, profile);
    let consumers = consumers::consumers(&mut root, profile, folder);
    let ends = load.as_ref().ok().map(|(_, ends, _)| ends);
    let known = consumers.as_deref().map_err(|reported| *reported);
    let commitment = stream.as_ref().map_or(true, |stream| stream.commitment);
    let events = events::events(&mut root, known, ends, commitment);
    let faults = faults::faults(&mut root);
    let cost = cost::cost(&mut root);
    let offered = load.as_ref().ok().map(|(load, length, _)| (&load.schedule, length.value));
    let looped = load.as_ref().is_ok_and(|(load, ..)| load.closed_loop.is_some());
    let autoscaling = autoscaling::autoscaling(&mut root, offered, looped);
    let target_utilisation = target_utilisation(&mut root);
    let objectives = objectives(&mut root, consumers.as_ref().is_ok_and(Vec::is_empty));
    root.finish();

    let (mut load, _, trace) = load?;
    let (producer, sizes) = (producer?, sizes?.value);
    let (objectives, target_utilisation) = (objectives?, target_utilisation?);
    let producer = match load.closed_loop {
        Some(producers) => {
            load.schedule = closed_loop_schedule(producers, &producer, profile);
            ProducerSettings { max_in_flight: producers as usize, ..producer }
        }
        None => producer,
    };
    Ok(Scenario {
        name: path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default(),
        question: question?.map(|question| question.value),
        seed: Seed(seed?.value),
        stream: stream?,
        load,
        filling,
        tenants,
        sizes,
        keys: keys?.value,
        trace,
        producer,
        consumers: consumers?,
        faults: faults?,
        events: events?,
        cost: cost?,
        autoscaling: autoscaling?,
        target_utilisation: objectives
            .utilisation
            .filter(|limit| limit.0 < target_utilisation.0)
            .unwrap_or(target_utilisation),
        objectives,
        source: String::new(),
        overrides: Vec::new(),
    })
}

/// What the tables on records say, of all or of each tenant.
struct Records {
    keys: Found<Keys>,
    sizes: Found<Sizes>,
    filling: Filling,
    tenants: Option<Tenants>,
}

/// What the tables on records have to fit.
struct Around<'a> {
    /// The columns of a trace that say what the tables would.
    columns: Columns,
    trace: TraceFound<'a>,
    /// How long load is offered.
    duration: Option<Duration>,
    shards: Option<u32>,
    /// Bytes of the largest record that the stream takes.
    most: u64,
    /// Where relative paths start from.
    folder: &'a Path,
}

/// Reads the tables on records, or tells them from tenants that have their own.
fn records(
    root: &mut TableReader<'_>,
    tenants: Result<Option<TenantsFound>, Reported>,
    around: &Around<'_>,
) -> Records {
    let Around { columns, trace, duration, shards, most, folder } = around;
    let unfilled = |keys, sizes, tenants| Records { keys, sizes, filling: Filling::Random, tenants };
    match tenants {
        Ok(None) => {
            let keys = keys::keys(root, columns, *trace, *duration, *shards);
            let longest_key = keys.as_ref().map_or(0, |keys| keys.value.longest() as u64);
            match sizes::sizes(root, columns, *trace, longest_key, *most, folder) {
                Ok((sizes, filling)) => Records { filling, ..unfilled(keys, Ok(sizes), None) },
                Err(reported) => unfilled(keys, Err(reported), None),
            }
        }
        Ok(Some(found)) => match sizes::payload(root, columns, &found.sizes, found.keys.value.longest()) {
            Ok(filling) => Records { filling, ..unfilled(Ok(found.keys), Ok(found.sizes), Some(found.tenants)) },
            Err(reported) => unfilled(Ok(found.keys), Err(reported), None),
        },
        Err(reported) => {
            root.raw("keys");
            root.raw("records");
            unfilled(Err(reported), Err(reported), None)
        }
    }
}

/// The load that a closed loop comes to on an idle stream, by Little's law: all records under way, over the time of a call.
fn closed_loop_schedule(producers: u32, producer: &ProducerSettings, profile: &Profile) -> Schedule {
    let batch = producer.batch_records as f64;
    let latency = &profile.latency;
    let call = latency.mean(&latency.put, 0.0).as_secs_f64() + latency.put_per_record.as_secs_f64() * batch;
    Schedule::constant(Rate(f64::from(producers) * batch / call))
}

/// The largest record with its key, if both are known and the service takes it.
fn largest_record(sizes: &Found<Sizes>, keys: &Found<Keys>, limit: u64, problems: &Problems) -> Option<Placed<Bytes>> {
    let (sizes, keys) = (sizes.as_ref().ok()?, keys.as_ref().ok()?);
    // Of tenants, each has sizes that leave room for keys of its own.
    let (data, key) = match (&sizes.value, &keys.value) {
        (Sizes::Tenants { sizes, tenants }, Keys::Tenants { keys, .. }) => {
            let prefix = |tenant: usize| tenants.names().get(tenant).map_or(0, |name| name.len() + 1);
            let of = |(tenant, (sizes, keys)): (usize, (&Sizes, &Keys))| {
                (sizes.largest().0, (keys.longest() + prefix(tenant)) as u64)
            };
            sizes.iter().zip(keys.iter()).enumerate().map(of).max_by_key(|(data, key)| data + key).unwrap_or_default()
        }
        (sizes, keys) => (sizes.largest().0, keys.longest() as u64),
    };
    if data + key > limit {
        let problem = Diagnostic::new(format!("a record with its key is over the limit of {}", Bytes(limit)))
            .at(sizes.at.clone(), format!("up to {data} bytes of data"))
            .at(keys.at.clone(), format!("up to {key} bytes of partition key"))
            .help(format!("records of at most {} bytes leave room for the key", limit.saturating_sub(key)));
        problems.report(problem);
        return None;
    }
    Some(Placed { value: Bytes(data + key), path: sizes.path.clone(), at: sizes.at.clone() })
}

fn stream(root: &mut TableReader<'_>, profile: &Profile) -> Result<Stream, Reported> {
    let mut reader = root.required_section("stream", "add it with the capacity to test, such as\n[stream]\nshards = 4");
    let name = reader.optional::<String>("name").transpose().map(|name| check_name(&reader, name)).transpose();
    let modes = [("provisioned", StreamMode::Provisioned), ("on-demand", StreamMode::OnDemand)];
    let mode = reader.choice("mode", &modes, Some(StreamMode::Provisioned));
    let shards = match &mode {
        Ok(mode) if mode.value == StreamMode::Provisioned => reader.required("shards", "shards = 4"),
        _ => reader.or("shards", profile.on_demand.initial_shards),
    };
    let shards = reader.within(shards, 1..=MOST_SHARDS);
    let (default, most) = (Bytes(profile.request.record_bytes), Bytes(profile.request.largest_record_bytes));
    let max_record_size = reader.or("max_record_size", default);
    let max_record_size = reader.check(
        max_record_size,
        |size| (default..=most).contains(size) && size.0.is_multiple_of(1024),
        &format!("must be from {default} to {most}, in whole KiB"),
        "the service has it so; larger records are for a small part of the load",
    );
    let distributions = [("user-partition-key", false), ("auto", true)];
    let auto_distribution = reader.choice("distribution", &distributions, Some(false));
    if let (Ok(auto), Ok(mode)) = (&auto_distribution, &mode)
        && auto.value
        && mode.value == StreamMode::Provisioned
    {
        let problem = auto.problem("must be \"user-partition-key\" on a provisioned stream");
        reader.problems().report(problem.help("AUTO is for on-demand streams: add mode = \"on-demand\""));
    }
    let commitment = reader.or("commitment", false);
    let transitions = reader.or("transitions", 0.0);
    let transitions = reader.check(
        transitions,
        |scale: &f64| (0.0..=MOST_TRANSITIONS).contains(scale),
        &format!("must be from 0 to {MOST_TRANSITIONS}"),
        "0 makes changes of the stream immediate, 1 lets them take as long as on AWS",
    );
    reader.finish();
    Ok(Stream {
        name: name?.map(|name| name.value),
        mode: mode?.value,
        shards: shards?.value,
        max_record_size: max_record_size?.value,
        auto_distribution: auto_distribution?.value,
        commitment: commitment?.value,
        transitions: transitions?.value,
    })
}

/// `[plan]`: how much room the planner leaves.
fn target_utilisation(root: &mut TableReader<'_>) -> Result<Share, Reported> {
    let mut reader = root.section("plan");
    let utilisation = reader.or("utilisation", TARGET_UTILISATION);
    let utilisation = reader.check(
        utilisation,
        |share| (0.1..=1.0).contains(&share.0),
        "must be from 10% to 100%",
        "shards are recommended of which none is fuller; the default of 80% leaves room for unevenness",
    );
    reader.finish();
    Ok(utilisation?.value)
}

fn objectives(root: &mut TableReader<'_>, nobody_reads: bool) -> Result<Objectives, Reported> {
    let mut reader = root.section("slo");
    for key in ["lag_p99", "lag_trend", "delivery", "order", "lost", "duplicates"] {
        if let Some(at) = reader.place(key).filter(|_| nobody_reads) {
            let problem = Diagnostic::new(format!("`{}` cannot be judged: nobody reads the stream", reader.path(key)));
            let help = "remove it, or add a consumer, such as\n[[consumer]]\nname = \"analytics\"\ntype = \"polling\"";
            reader.problems().report(problem.at(Some(at), "").help(help));
        }
    }
    let throttled = reader.optional("throttled");
    let utilisation = reader.optional::<Share>("utilisation").transpose().map(|found| {
        reader.check(found, |share| share.0 > 0.0, "must be more than nothing", "write a share such as \"80%\"")
    });
    let utilisation = utilisation.transpose();
    let (lost, duplicates) = (reader.optional("lost"), reader.optional("duplicates"));
    let mut bound = |key| reader.optional(key).transpose().map(|found| positive(&reader, found)).transpose();
    let (put_p50, put_p99, put_p999) = (bound("put_p50"), bound("put_p99"), bound("put_p999"));
    let lag_p99 = bound("lag_p99");
    let lag_trend = reader.optional::<Share>("lag_trend");
    let delivery = delivery(&mut reader);
    let order_per_key = order_per_key(&mut reader);
    let cost_per_month = reader.optional::<f64>("cost_per_month").transpose().map(|found| {
        let dollars = |amount: &f64| amount.is_finite() && *amount >= 0.0;
        reader.check(found, dollars, "is no amount", "write US dollars a month, such as 500.0")
    });
    let cost_per_month = cost_per_month.transpose();
    reader.finish();
    Ok(Objectives {
        throttled: throttled?.map(|found| found.value),
        put_p50: put_p50?.map(|found| found.value),
        put_p99: put_p99?.map(|found| found.value),
        put_p999: put_p999?.map(|found| found.value),
        lag_p99: lag_p99?.map(|found| found.value),
        lag_trend: lag_trend?.map(|found| found.value),
        utilisation: utilisation?.map(|found| found.value),
        delivery: delivery?,
        lost: lost?.map(|found| found.value),
        duplicates: duplicates?.map(|found| found.value),
        order_per_key: order_per_key?.unwrap_or(false),
        cost_per_month: cost_per_month?.map(|found| found.value),
    })
}
