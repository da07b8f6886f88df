//! What to take: the recommended configuration, what it was chosen from, and what would help a shard that is too full.

use std::fmt::Write as _;

use maud::{Markup, html};

use super::charts::{Lines, Scale, Series, XAxis, legend, lines};
use super::cost::{dollars, lag};
use super::shell::Section;
use super::table::Column::{Number, Text};
use super::table::{numbers, table};
use super::time_charts::figure;
use crate::capacity::{Configuration, Tariff};
use crate::plan::{Plan, Recommendation};
use crate::units;

pub(super) const HEADS: [&str; 7] = ["Way to pay", "Shards", "Records", "Readers", "Lag", "A month", "Objectives"];
/// Most configurations in the text; the page has all.
const MOST_ROWS: usize = 8;

/// Why no number of shards does, and what would; `None` where the recommended number does.
pub(super) fn unattainable(plan: &Plan) -> Option<String> {
    if plan.capacity.attainable {
        return None;
    }
    let hottest = plan.capacity.skew.as_ref().filter(|skew| skew.fewest.is_none() && skew.salts > 1);
    let why = match hottest {
        Some(skew) => format!(
            "No number of shards keeps each at {} at most: the hottest key alone fills {} of one.",
            plan.capacity.target_utilisation,
            units::Share(skew.floor)
        ),
        None => {
            format!(
                "No number of shards that was tried keeps each within {} and the objectives.",
                plan.capacity.target_utilisation
            )
        }
    };
    let then = plan.capacity.salting.map(|salting| {
        let shards = units::count(salting.shards.into());
        format!(" With each key spread over {}, {shards} shard(s) do.", salting.keys_of_each)
    });
    Some(format!("{why}{}", then.unwrap_or_default()))
}

/// Recommendation, configurations and cures as text; nothing without prices and without a shard that is too full.
pub(super) fn text(plan: &Plan) -> String {
    let mut out = String::new();
    // Writing into a string does not fail.
    if let Some(recommendation) = &plan.recommendation {
        for line in words(recommendation) {
            let _ = writeln!(out, "  {line}");
        }
        for why in &recommendation.why {
            let _ = writeln!(out, "    {why}");
        }
        out.push('\n');
    } else if !plan.capacity.frontier.is_empty() {
        let _ = writeln!(out, "  Nothing that was looked at meets the objectives.\n");
    }
    let efficient: Vec<&Configuration> = plan.capacity.frontier.iter().filter(|way| way.efficient || way.own).collect();
    if !efficient.is_empty() {
        let _ = writeln!(out, "  the cheapest for each lag, and the scenario's own (*)");
        let _ = writeln!(
            out,
            "  {:<20} {:>7} {:<18} {:<22} {:>9} {:>12}  objectives",
            "way to pay", "shards", "records", "readers", "lag", "a month"
        );
    }
    for way in efficient.iter().take(MOST_ROWS) {
        let [tariff, shards, records, readers, lag, monthly, met] = cells(way);
        let own = if way.own { "*" } else { " " };
        let _ =
            writeln!(out, " {own}{tariff:<20} {shards:>7} {records:<18} {readers:<22} {lag:>9} {monthly:>12}  {met}");
    }
    if !efficient.is_empty() {
        out.push('\n');
    }
    if !plan.cures.is_empty() {
        let _ = writeln!(out, "  what would help the fullest shard, the cheapest first");
        for cure in &plan.cures {
            let _ = writeln!(out, "    {:>12} a month  {}; {}", dollars(cure.monthly), cure.what, cure.trade_off);
        }
        out.push('\n');
    }
    out
}

/// The same on a page; nothing without configurations and without a shard that is too full.
pub(super) fn section(plan: &Plan) -> Option<Section> {
    if plan.capacity.frontier.is_empty() && plan.cures.is_empty() && plan.capacity.attainable {
        return None;
    }
    let cures = html! { @for cure in &plan.cures {
        tr {
            th scope="row" { (cure.what) }
            td class="number" { (dollars(cure.monthly)) }
            td class="why" { (cure.trade_off) }
            td class="why" { @for setting in &cure.settings { code { "--set '" (setting) "'" } " " } }
        }
    } };
    let columns = [Text("What"), Number("A month"), Text("What it costs otherwise"), Text("To try it")];
    let body = html! {
        @if let Some(words) = unattainable(plan) { p class="warning" { (words) } }
        @match &plan.recommendation {
            Some(recommendation) => {
                ul { @for line in words(recommendation) { li { (line) } } }
                @for why in &recommendation.why { p { (why) } }
            }
            None => { @if !plan.capacity.frontier.is_empty() { p { "Nothing that was looked at meets the objectives." } } }
        }
        @if !plan.capacity.frontier.is_empty() { (frontier(plan)) }
        @if !plan.cures.is_empty() {
            h3 { "What would help the fullest shard" }
            (table("What would help the fullest shard, the cheapest first", &columns, &cures))
        }
    };
    Some(Section::new("what-to-take", "What to take", body))
}

pub(super) fn words(recommendation: &Recommendation) -> Vec<String> {
    let way = &recommendation.configuration;
    let stream = match way.tariff {
        Tariff::Provisioned => format!("{}, {} shard(s)", way.tariff.name(), units::count(way.shards.into())),
        tariff => tariff.name().to_owned(),
    };
    let packed = if way.aggregation { "aggregation as the KPL does" } else { "no aggregation" };
    let batch = format!(
        "{packed}, batches of up to {} records, linger {}: about {} records a call",
        units::count(recommendation.batch_records as u64),
        units::duration(way.linger),
        units::number(recommendation.records_per_call)
    );
    let costs = format!("{} a month, mean lag {}", dollars(way.monthly), lag(way.lag));
    let mut lines = vec![format!("recommended: {stream}; {costs}"), format!("producers: {batch}")];
    lines.extend(recommendation.readers.iter().map(|reader| format!("{}: {}", reader.name, reader.how)));
    lines
}

pub(super) fn cells(way: &Configuration) -> [String; 7] {
    let packed =
        if way.aggregation { format!("packed, {}", units::duration(way.linger)) } else { "one by one".to_owned() };
    [
        way.tariff.name().to_owned(),
        if way.tariff == Tariff::Provisioned { units::count(way.shards.into()) } else { "–".to_owned() },
        packed,
        way.reading.name().to_owned(),
        lag(way.lag),
        dollars(way.monthly),
        if way.meets_objectives { "met".to_owned() } else { "missed".to_owned() },
    ]
}

fn frontier(plan: &Plan) -> Markup {
    let point = |way: &Configuration| Some((way.lag? as f64 / 1e6, way.monthly?));
    let mut front: Vec<(f64, f64)> =
        plan.capacity.frontier.iter().filter(|way| way.efficient).filter_map(point).collect();
    front.sort_by(|a, b| a.0.total_cmp(&b.0));
    let dots = |name: &str, index, ways: &dyn Fn(&&Configuration) -> bool| {
        let points = plan.capacity.frontier.iter().filter(ways).filter_map(point);
        Series::dots(name, index, points)
    };
    let series = [
        Series::new("the cheapest for each lag", 0, front.into_iter()).ending(None),
        dots("others", 2, &|way| !way.efficient && !way.own),
        dots("the scenario's own", 1, &|way| way.own),
    ];
    let scale = Scale::fitting(&series);
    let chart = lines(&Lines {
        title: "Dollars a month against the mean lag of the slowest consumer, of each way to set up the scenario",
        series: &series,
        scale,
        y_label: &units::dollars,
        x: XAxis::Values { name: "mean lag of the slowest consumer, ms", label: &units::number },
    });
    let rows = html! { @for way in &plan.capacity.frontier {
        tr {
            @let [tariff, shards, records, readers, lag, monthly, met] = cells(way);
            th scope="row" { (tariff) @if way.own { " (the scenario's own)" } }
            td class="number" { (shards) }
            td { (records) }
            td { (readers) }
            td class="number" { (lag) }
            td class="number" { (monthly) }
            td { (met) }
        }
    } };
    let [tariff, shards, records, readers, lag, monthly, met] = HEADS;
    let columns = [Text(tariff), Number(shards), Text(records), Text(readers), Number(lag), Number(monthly), Text(met)];
    html! {
        h3 { "Cost against lag" }
        (figure(&legend(series.iter().map(|series| (series.name.as_str(), series.look))), &chart, &html! {
            "US dollars a month, and the mean lag of the slowest consumer (or until records can be read, if nobody reads): "
            "ways to pay, to put records and to read them. Those on the line are the cheapest for their lag."
            @if scale == Scale::Log { " The scale of the dollars is logarithmic." }
        }))
        (numbers("All that were looked at", "Every way that was looked at", &columns, &rows))
    }
}
