//! What every page has: its head and style, a table of contents, sections, and where its figures are from.

use maud::{DOCTYPE, Markup, PreEscaped, Render, html};

use crate::kinesis::Profile;
use crate::result::TargetRecord;

/// A section of a page.
#[derive(Debug, Clone)]
pub struct Section {
    /// Where links lead to.
    pub id: String,
    /// Its heading.
    pub title: String,
    /// What stands below the heading.
    pub body: Markup,
}

impl Section {
    /// A section.
    pub fn new(id: impl Into<String>, title: impl Into<String>, body: Markup) -> Self {
        Self { id: id.into(), title: title.into(), body }
    }
}

impl Render for Section {
    fn render(&self) -> Markup {
        html! { section id=(self.id) { h2 { (self.title) } (self.body) } }
    }
}

/// A page.
pub struct Page<'a> {
    /// Its title.
    pub title: &'a str,
    /// Where its figures are from, for the foot of each sheet of paper.
    pub source: Source,
    /// What stands above the table of contents; has the page's one first heading.
    pub header: Markup,
    /// Its sections, in their order.
    pub sections: Vec<Section>,
    /// What stands at its end.
    pub footer: Markup,
}

/// Where figures are from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The embedded emulator, or virtual time.
    Model,
    /// Somewhere else.
    Endpoint,
    /// AWS itself.
    Aws,
    /// Runs from several of these.
    Mixed,
}

impl From<&TargetRecord> for Source {
    fn from(target: &TargetRecord) -> Self {
        match target {
            TargetRecord::Embedded { .. } | TargetRecord::Simulated { .. } => Self::Model,
            TargetRecord::Endpoint { .. } => Self::Endpoint,
            TargetRecord::Aws { .. } => Self::Aws,
        }
    }
}

impl Source {
    const fn words(self) -> &'static str {
        match self {
            Self::Model => "streamgauge – the figures are those of a model of AWS, not of AWS",
            Self::Endpoint => "streamgauge – the figures are those of an endpoint; unless it is AWS, not of AWS",
            Self::Aws => "streamgauge – measured on Amazon Kinesis Data Streams",
            Self::Mixed => "streamgauge – the figures of a model are not those of AWS; each run says where it is from",
        }
    }
}

impl Page<'_> {
    /// The page as HTML: it needs no network and no script.
    pub fn html(self) -> String {
        let foot = format!("@page {{ @bottom-left {{ content: \"{}\"; }} }}", self.source.words());
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { (self.title) }
                    style { (PreEscaped(include_str!("style.css"))) (PreEscaped(foot)) }
                }
                body {
                    a class="skip" href="#content" { "To the content" }
                    header { (self.header) }
                    @if self.sections.len() > 1 {
                        nav aria-label="Contents" { ul { @for section in &self.sections {
                            li { a href=(format!("#{}", section.id)) { (section.title) } }
                        } } }
                    }
                    main id="content" tabindex="-1" { @for section in &self.sections { (section) } }
                    footer { (self.footer) }
                }
            }
        };
        page.into_string()
    }
}

/// The same in plain text.
pub fn dated_profile(name: &str) -> String {
    let newest = Profile::newest();
    if newest.name == name { format!("{name} of {}", newest.date) } else { name.to_owned() }
}

/// The name of a profile with its date, if it is known.
pub fn profile(name: &str) -> Markup {
    let newest = Profile::newest();
    html! { code { (name) } @if newest.name == name { " (as of " (newest.date) ")" } }
}
