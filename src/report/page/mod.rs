//! Reports as pages: one self-contained HTML file that needs no network and no script.

mod blocks;

use maud::{DOCTYPE, PreEscaped, html};

use super::content::{Banner, Head, Report, Section, Status};
use super::words::{capital, outcome};
use blocks::part;

/// A report as a page.
pub fn page(report: &Report<'_>) -> String {
    let foot = format!("@page {{ @bottom-left {{ content: \"{}\"; }} }}", outcome::source(report.source));
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (report.title) }
                style { (PreEscaped(include_str!("../style.css"))) (PreEscaped(foot)) }
            }
            body {
                a class="skip" href="#content" { "To the content" }
                header { (head(&report.head)) }
                @if report.sections.len() > 1 {
                    nav aria-label="Contents" { ul { @for section in &report.sections {
                        li { a href=(format!("#{}", section.id)) { (section.title) } }
                    } } }
                }
                main id="content" tabindex="-1" { @for section in &report.sections { (whole(section)) } }
                footer { @for (place, line) in report.foot.iter().enumerate() { p {
                    (line) @if place + 1 == report.foot.len() && !report.page_foot.is_empty() { " " (report.page_foot) }
                } } }
            }
        }
    };
    page.into_string()
}

/// A section with its heading.
pub(super) fn whole(section: &Section<'_>) -> maud::Markup {
    html! { section id=(section.id) { h2 { (section.title) } @for of in &section.parts { (part(of)) } } }
}

fn head(head: &Head<'_>) -> maud::Markup {
    html! {
        p class="kicker" { (head.kicker) @if let Some(began) = &head.began { time datetime=(began) { (began) } } }
        // Marks of other writing directions in a name do not reach beyond it.
        h1 { bdi { (head.title) } }
        @if let Some(question) = &head.question { p class="question" { bdi { (question) } } }
        @for of in &head.banners { (banner(of)) }
        @for of in &head.parts { (part(of)) }
    }
}

fn banner(banner: &Banner) -> maud::Markup {
    let class = match banner.status {
        Some(Status::Good) => "banner met",
        Some(Status::Bad) => "banner missed",
        Some(Status::Unclear) => "warning",
        None => "banner void",
    };
    // A sentence begins with a capital; the name of a run stays as it is.
    let words = if banner.of.is_some() { banner.headline() } else { capital(&banner.words) };
    html! {
        div class=(class) role="status" {
            strong { (words) }
            @if !banner.rest.is_empty() { " " (banner.rest) }
            @for line in &banner.lines { p { (line) } }
        }
    }
}
