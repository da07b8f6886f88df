//! Reports of a made-up run.
#![allow(clippy::unwrap_used, reason = "of tests")]

use std::path::Path;

use super::*;
use crate::measure::Counters;
use crate::verdict::{Cause, Cure, Limit, ThrottleCause, judge};

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
    for outside in ["src=", "@import", "url(", "http://", "https://"] {
        // The names of the languages in it are no addresses.
        assert!(!page.replace("xmlns=\"http://www.w3.org/2000/svg\"", "").contains(outside), "{outside}");
    }
    for link in page.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap()) {
        let target = link.strip_prefix('#').unwrap_or_else(|| panic!("{link} leads outside"));
        assert_eq!(page.matches(&format!(" id=\"{target}\"")).count(), 1, "{link}");
    }
    let decorations = page.matches("aria-hidden=\"true\"").count();
    assert_eq!(page.matches("<svg").count(), page.matches("</svg>").count());
    assert_eq!(page.matches("<svg").count(), page.matches("role=\"img\" aria-label=\"").count() + decorations);
    assert_eq!(page.matches("<table").count(), page.matches("</table>").count());
    assert!(page.contains("a model of AWS, not AWS"));
    assert!(!page.contains("#0707") && !page.contains("#0202"), "every placeholder colour is replaced");
}

#[test]
fn every_figure_has_a_caption_and_every_table_a_name_and_heads() {
    let (result, plan, verdict) = fixture::run("alerts", "Why?");
    let page = html(&result, &plan, &verdict);
    for figure in page.split("<figure>").skip(1).map(|rest| rest.split("</figure>").next().unwrap()) {
        assert!(figure.contains("<figcaption>"), "{figure}");
        let label = figure.split("aria-label=\"").nth(1).unwrap().split('"').next().unwrap();
        assert!(label.len() > 40 && label.ends_with(['.', ' ']), "it says what it shows: {label}");
    }
    for table in page.split("<table>").skip(1).map(|rest| rest.split("</table>").next().unwrap()) {
        assert!(table.starts_with("<caption>"), "{table}");
        assert!(
            table.split("<th").skip(1).all(|head| head.starts_with("ead>") || head.starts_with(" scope=")),
            "{table}"
        );
    }
    // A table of the numbers follows each chart before the next section begins.
    for section in page.split("<section ").skip(1).filter(|section| section.contains("<figure>")) {
        assert!(section.contains("<table>"), "{}", &section[..60]);
    }
}

#[test]
fn headings_are_in_order_and_there_are_landmarks() {
    let (result, plan, verdict) = fixture::run("alerts", "Why?");
    let page = html(&result, &plan, &verdict);
    let levels = page.split("<h").skip(1).filter_map(|rest| rest.chars().next()?.to_digit(10));
    let levels: Vec<u32> = levels.collect();
    assert_eq!(levels.iter().filter(|level| **level == 1).count(), 1);
    assert_eq!(levels[0], 1);
    assert!(levels.windows(2).all(|pair| pair[1] <= pair[0] + 1), "{levels:?}");
    for landmark in ["<header>", "<nav aria-label=\"Contents\">", "<main id=\"content\"", "<footer>"] {
        assert_eq!(page.matches(landmark).count(), 1, "{landmark}");
    }
    // What counts first stands first.
    let order = [
        "class=\"banner",
        "class=\"verdict\"",
        "id=\"objectives\"",
        "id=\"plan-and-measurement\"",
        "id=\"load\"",
        "id=\"put-latency\"",
        "id=\"shards\"",
        "id=\"consumers\"",
        "id=\"costs\"",
        "id=\"generator-health\"",
    ];
    let places: Vec<usize> = order.iter().map(|part| page.find(part).unwrap_or_else(|| panic!("{part}"))).collect();
    assert!(places.is_sorted(), "{places:?}");
}

#[test]
fn an_hour_of_a_thousand_shards_is_a_small_page_that_keeps_every_extreme() {
    let (mut result, plan, mut verdict) = fixture::run("alerts", "Why?");
    let second = result.measurement.intervals[0].clone();
    result.measurement.intervals =
        (0..3_600).map(|number| crate::measure::Interval { second: number, ..second.clone() }).collect();
    result.measurement.intervals[1_234].offered = 98_765;
    result.measurement.shards = (0..1_000).map(|_| result.measurement.shards[0].clone()).collect();
    let lag = result.measurement.consumers[0].lag_intervals[0].1;
    result.measurement.consumers[0].lag_intervals = (0..3_600).map(|second| (second, lag)).collect();
    for row in &mut verdict.heat {
        row.seconds = vec![0.5; 3_600];
        row.throttled = vec![0; 3_600];
    }
    verdict.heat = (0..1_000).map(|_| verdict.heat[1].clone()).collect();
    let page = html(&result, &plan, &verdict);
    assert!(page.len() < 2_000_000, "{}", page.len());
    assert!(page.contains("offered: 1,800 to 98,765"), "the extreme is in the words");
    assert!(page.contains("Each point stands for 6 seconds"));
}

#[test]
fn results_of_earlier_versions_have_the_curve_they_kept() {
    let (result, plan, verdict) = fixture::run("alerts", "Why?");
    let mut json = serde_json::to_value(&result).unwrap();
    json["measurement"].as_object_mut().unwrap().remove("put_curves");
    json["measurement"]["consumers"][0].as_object_mut().unwrap().remove("lag_curve");
    let old: RunResult = serde_json::from_value(json).unwrap();
    let page = html(&old, &plan, &verdict);
    assert!(page.contains("Put latency by percentile. response: ") && !page.contains("End-to-end lag by percentile"));
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
    result.measurement.put_curves.clear();
    plan.forecast.shards.clear();
    plan.capacity.bounds.clear();
    let verdict = judge(plan.expectation(), &result);
    assert!(html(&result, &plan, &verdict).contains("</html>"));
    assert!(terminal(&result, &plan, &verdict, Path::new("x"), true).contains("report"));
}

#[test]
fn thousands_of_shards_share_rows() {
    let (result, plan, mut verdict) = fixture::run("alerts", "Why?");
    verdict.heat = (0..3_000).map(|_| verdict.heat[1].clone()).collect();
    let mut result = result;
    result.measurement.shards = (0..30_000).map(|_| result.measurement.shards[1].clone()).collect();
    let page = html(&result, &plan, &verdict);
    assert!(page.contains("Each row stands for 47 neighbouring shards"));
    assert!(page.contains("The 10 shards that throttled the most or were the fullest, of 3,000"));
    assert!(page.contains("The 2,000 shards of 30,000 that throttled and accepted the most"));
    assert!(page.len() < 1_000_000, "{}", page.len());
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
        ..Default::default()
    });
    verdict.sentence = attack.into();
    verdict.objectives[0].metric = crate::verdict::Metric::LagP99 { consumer: attack.into() };
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
fn the_page_but_for_its_styles() {
    let (result, plan, mut verdict) = fixture::run("alerts", "Why?");
    verdict.throttling.push(fixture::cause());
    insta::assert_snapshot!("html", html(&result, &plan, &verdict).split("</style>").nth(1).unwrap());
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
