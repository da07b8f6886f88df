//! Why attempts were throttled, and what would help.

use maud::html;

use super::shell::Section;
use super::table::Column::{Number, Text};
use super::table::table;
use crate::units;
use crate::verdict::{Cure, ThrottleCause, Verdict};

/// A row per cause; nothing if nothing was throttled.
pub fn section(verdict: &Verdict) -> Option<Section> {
    if verdict.throttling.is_empty() {
        return None;
    }
    let rows = html! { @for cause in &verdict.throttling {
        tr {
            th scope="row" { (title(cause)) }
            td class="number" { (units::count(cause.throttled)) }
            td class="number" { (units::count(cause.seconds)) @if cause.seconds > 0 { br; (window(cause)) } }
            td class="why" { (cause.evidence) }
            td class="why" {
                @if cause.cures.is_empty() { "nothing: the scenario asks for it" }
                @else { ol { @for cure in &cause.cures {
                    li {
                        (cure.what) " – " strong { (price(cure)) } @if cure.trade_off != "none" { "; " (cure.trade_off) }
                        @for setting in &cure.settings { br; code { "--set '" (setting) "'" } }
                    }
                } } }
            }
        }
    } };
    let columns = [
        Text("Cause"),
        Number("Throttled"),
        Number("Shard seconds"),
        Text("Evidence"),
        Text("What would help, the cheapest first"),
    ];
    let body = html! {
        p {
            "Each second of each shard that throttled has the cause without which it would not have. The load of the second is made again from the "
            "scenario and put to a write quota as full as the shard's was: what that refuses is due to the load, what it takes to retries or to the "
            "way the records came. Prices are a month's, on top of what the plan says."
        }
        (table("The causes of throttling, the worst first", &columns, &rows))
    };
    Some(Section::new("why-throttled", "Why throttled", body))
}

/// The cause in a few words, with its place and the limit that was met.
pub(super) fn title(cause: &ThrottleCause) -> String {
    let bound = cause.bound.map_or_else(String::new, |bound| format!(", by {}", bound.word()));
    let place = if cause.place.is_empty() { String::new() } else { format!(": {}", cause.place) };
    format!("{}{bound}{place}", cause.cause.words())
}

fn window(cause: &ThrottleCause) -> String {
    match cause.window {
        (first, last) if first == last => format!("second {first}"),
        (first, last) => format!("seconds {first} to {last}"),
    }
}

fn price(cure: &Cure) -> String {
    match cure.monthly {
        Some(0.0) => "free".to_owned(),
        Some(monthly) => format!("{} a month", units::dollars(monthly)),
        None => "price not known".to_owned(),
    }
}

/// The same in lines, with the cheapest cure of each.
pub fn lines(verdict: &Verdict) -> Vec<String> {
    let cheapest =
        |cause: &ThrottleCause| cause.cures.first().map(|cure| format!("cheapest cure: {}", cure_line(cure)));
    verdict.throttling.iter().flat_map(|cause| std::iter::once(cause_line(cause)).chain(cheapest(cause))).collect()
}

/// The same with all cures, the cheapest first.
pub(super) fn all_lines(verdict: &Verdict) -> Vec<String> {
    let cures = |cause: &ThrottleCause| {
        let lines = cause.cures.iter().map(|cure| format!("would help: {}; {}", cure_line(cure), cure.trade_off));
        lines.collect::<Vec<_>>()
    };
    verdict.throttling.iter().flat_map(|cause| std::iter::once(cause_line(cause)).chain(cures(cause))).collect()
}

fn cause_line(cause: &ThrottleCause) -> String {
    let unit = if cause.cause == crate::verdict::Cause::SharedReads { "calls" } else { "attempts" };
    let throttled = units::count(cause.throttled);
    format!("throttled by {} ({throttled} {unit}, {}): {}", title(cause), window(cause), cause.evidence)
}

fn cure_line(cure: &Cure) -> String {
    let settings: Vec<String> = cure.settings.iter().map(|setting| format!("--set '{setting}'")).collect();
    let settings = if settings.is_empty() { String::new() } else { format!(": {}", settings.join(" ")) };
    format!("{} ({}){settings}", cure.what, price(cure))
}
