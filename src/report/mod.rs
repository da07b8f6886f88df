//! Reports: a result, its plan and its verdict as a page or as text. Nothing here computes a statistic.

mod autoscaling;
pub mod bench;
mod charts;
pub mod comparison;
mod consumers;
mod cost;
mod errors;
mod events;
mod generator;
mod junit;
mod markdown;
mod page;
#[cfg(feature = "png")]
mod png;
mod recommendation;
pub mod runs;
pub mod search;
mod sections;
mod series;
mod snippets;
mod summary;
pub mod sweep;
mod tenants;
mod terminal;
mod throttling;
pub mod trend;

#[cfg(test)]
mod fixture;

pub use junit::junit;
pub use markdown::markdown;
pub use page::html;
#[cfg(feature = "png")]
pub use png::{PngError, pngs};
pub use series::{SHARD_ROWS_MAX, series_csv, shard_rows, shards_csv};
pub use snippets::{aws_cli, terraform};
pub use summary::{json, summary_schema};
pub use terminal::{plan_text, printable, terminal};

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::measure::Counters;
    use crate::plan::{Cause, Cure, Limit, ThrottleCause};

    #[test]
    fn nothing_from_outside_becomes_markup() {
        let (mut result, plan, mut verdict) = fixture::run("alerts", "<script>alert(1)</script>");
        let attack = "<script>alert(2)</script>\" onload=\"x";
        result.scenario.name = attack.into();
        result.measurement.consumers[0].name = attack.into();
        result.measurement.shards[0].id = attack.into();
        verdict.heat[0].shard = attack.into();
        verdict.throttling.push(ThrottleCause {
            cause: Cause::HotKey,
            bound: Some(Limit::Bytes),
            place: attack.into(),
            seconds: 1,
            window: (3, 3),
            throttled: 5,
            evidence: attack.into(),
            cures: vec![Cure {
                what: attack.into(),
                monthly: None,
                trade_off: attack.into(),
                settings: vec![attack.into()],
            }],
        });
        result.measurement.warnings.push(attack.into());
        let page = html(&result, &plan, &verdict);
        assert!(!page.contains("<script"), "no script at all, whoever asks for it");
        assert!(!page.contains("\" onload=\""));
        assert!(!page.contains("<b>markup"));
        assert!(page.contains("&lt;script&gt;alert(1)"));
    }

    #[test]
    fn a_server_cannot_command_the_terminal() {
        let (mut result, plan, verdict) = fixture::run("alerts", "Why?");
        result.measurement.warnings.push("\u{1b}[2J gone".into());
        result.scenario.name.push_str("\u{9b}2J");
        let text = terminal(&result, &plan, &verdict, Path::new("x\u{1b}[2J"), false);
        assert!(!text.contains(['\u{1b}', '\u{9b}']), "{text:?}");
    }

    #[test]
    fn the_page_stands_alone_and_has_every_section() {
        let (result, plan, verdict) = fixture::run("alerts", "Why?");
        let page = html(&result, &plan, &verdict);
        for section in [
            "Objectives",
            "Plan and measurement",
            "Shards",
            "Load",
            "Put latency",
            "Consumers",
            "The plan",
            "Ledger",
            "Generator health",
        ] {
            assert!(page.contains(&format!("<h2>{section}</h2>")), "{section}");
        }
        for outside in ["src=", "href=", "@import", "url("] {
            assert!(!page.contains(outside), "{outside}");
        }
        assert_eq!(page.matches("<svg").count(), page.matches("</svg>").count());
        assert_eq!(page.matches("<svg").count(), page.matches("role=\"img\"").count());
        assert_eq!(page.matches("<table").count(), page.matches("</table>").count());
        assert!(page.contains("a model of AWS, not AWS"));
        assert!(!page.contains("#0707") && !page.contains("#0202"), "every placeholder colour is replaced");
    }

    #[test]
    fn a_run_without_anything_is_rendered() {
        let (mut result, mut plan, _) = fixture::run("alerts", "Why?");
        result.measurement.counters = Counters::default();
        result.measurement.intervals.clear();
        result.measurement.consumers.clear();
        result.measurement.shards.clear();
        result.measurement.put.clear();
        result.measurement.put_curve.clear();
        plan.shards.clear();
        plan.bounds.clear();
        let verdict = crate::plan::judge(&plan, &result);
        assert!(html(&result, &plan, &verdict).contains("</html>"));
        assert!(terminal(&result, &plan, &verdict, Path::new("x"), true).contains("report"));
    }

    #[test]
    fn thousands_of_shards_share_rows() {
        let (result, plan, mut verdict) = fixture::run("alerts", "Why?");
        verdict.heat = (0..3_000).map(|_| verdict.heat[1].clone()).collect();
        let page = html(&result, &plan, &verdict);
        assert!(page.contains("Rows stand for several shards"));
        assert!(page.len() < 500_000, "{}", page.len());
    }

    #[test]
    fn nothing_from_outside_becomes_markdown() {
        let attack = "|x|\n# <script>alert(1)</script> [a](http://b) `c`";
        let (mut result, plan, mut verdict) = fixture::run("alerts", attack);
        let plain = markdown(&result, &plan, &verdict);
        result.scenario.name = attack.into();
        result.measurement.consumers[0].name = attack.into();
        result.measurement.shards[0].id = attack.into();
        result.measurement.warnings = vec![attack.into()];
        result.measurement.events.push(crate::result::EventRecord {
            at: crate::time::Time::ZERO,
            until: None,
            label: attack.into(),
            problem: Some(attack.into()),
            reshards: false,
        });
        verdict.sentence = attack.into();
        verdict.objectives[0].measured = attack.into();
        let attacked = markdown(&result, &plan, &verdict);
        for markup in ["<", "](http", "://", "\n# ", "`c`"] {
            assert!(!attacked.replace("\\`", "").replace("\\]", "").contains(markup), "{markup} in {attacked}");
        }
        // The list of events is three more lines and an empty one.
        let rows = |text: &str| text.lines().filter(|line| line.starts_with("| ")).count();
        assert_eq!(rows(&attacked), rows(&plain) + 3);
        let columns = |line: &&str| line.matches('|').count();
        let of_shards =
            |text: &str| text.lines().filter(|line| line.contains("Throttled attempts")).map(|l| columns(&l)).max();
        assert_eq!(of_shards(&attacked), of_shards(&plain));
    }

    #[test]
    fn the_words_of_the_markdown() {
        let (result, plan, mut verdict) = fixture::run("alerts", "Why?");
        verdict.throttling.push(fixture::cause());
        insta::assert_snapshot!("markdown", markdown(&result, &plan, &verdict));
    }

    #[test]
    fn the_figures_of_the_summary() {
        let (result, plan, verdict) = fixture::run("alerts", "Why?");
        insta::assert_snapshot!("summary", json(&result, &plan, &verdict, Path::new("reports/x")));
    }

    #[test]
    fn the_words_of_the_terminal() {
        let (result, plan, verdict) = fixture::run("alerts", "Why?");
        insta::assert_snapshot!("terminal", terminal(&result, &plan, &verdict, Path::new("reports/x"), false));
        insta::assert_snapshot!("plan", plan_text(&plan, false));
    }
}
