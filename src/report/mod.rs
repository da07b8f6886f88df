//! Reports: a result, its plan and its verdict as a page or as text. Nothing here computes a statistic.

mod autoscaling;
mod charts;
mod consumers;
mod cost;
mod events;
mod generator;
mod page;
mod recommendation;
pub mod search;
mod sections;
mod snippets;
pub mod sweep;
mod tenants;
mod terminal;
mod throttling;

#[cfg(test)]
mod fixture;

pub use page::html;
pub use snippets::{aws_cli, terraform};
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
    fn the_words_of_the_terminal() {
        let (result, plan, verdict) = fixture::run("alerts", "Why?");
        insta::assert_snapshot!("terminal", terminal(&result, &plan, &verdict, Path::new("reports/x"), false));
        insta::assert_snapshot!("plan", plan_text(&plan, false));
    }
}
