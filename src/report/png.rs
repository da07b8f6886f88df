//! The figures of a page as PNG: what the page shows as SVG, with its title and its caption, in the colours of the light scheme.
//!
//! The page is the only place that decides what is drawn. Its figures are taken from it as they are, so that there is nothing to
//! keep in step.

use std::fmt::Write as _;
use std::sync::Arc;

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::fontdb::Database;
use resvg::usvg::{Options, Tree};

/// A figure could not be drawn.
#[derive(Debug, thiserror::Error)]
#[error("the chart `{title}` cannot be drawn as PNG: {problem}")]
pub struct PngError {
    title: String,
    problem: String,
}

/// Pixels per unit of a chart, which is 1,000 units wide.
const SCALE: f32 = 2.0;
/// How a chart as wide as the page begins.
const CHART: &str = "<svg viewBox=\"0 0 1000 ";
const MARGIN: u32 = 20;
const TITLE_HEIGHT: u32 = 44;
const LINE_HEIGHT: u32 = 22;
/// Most characters in a line of a caption: at most 8 units each, on average.
const LINE_CHARACTERS: usize = 118;

const STYLE: &str = include_str!("style.css");
/// DejaVu Sans Condensed, Latin, Greek and Cyrillic; its licence lies beside it.
const FONT: &[u8] = include_bytes!("font/DejaVuSansCondensed.ttf");
const FONT_FAMILY: &str = "DejaVu Sans Condensed";

/// Each figure of a page that has a chart as the name of a file and its content.
///
/// # Errors
/// A figure that cannot be drawn.
pub fn pngs(page: &str) -> Result<Vec<(String, Vec<u8>)>, PngError> {
    let mut fonts = Database::new();
    fonts.load_font_data(FONT.to_vec());
    let fonts = Arc::new(fonts);
    let mut files = Vec::new();
    for (number, figure) in (1..).zip(figures(page)) {
        let name = format!("chart-{number:02}-{}.png", slug(figure.title));
        files.push((name, rasterised(&figure, &fonts)?));
    }
    Ok(files)
}

/// A figure of a page.
struct Figure<'a> {
    title: &'a str,
    /// What follows `<svg` of its chart, up to the end of the element.
    svg: &'a str,
    /// Its height, for a width of 1,000.
    height: u32,
    /// The entries of its legend: the sample, an SVG, and the name.
    legend: Vec<(&'a str, &'a str)>,
    /// HTML.
    caption: &'a str,
}

fn figures(page: &str) -> impl Iterator<Item = Figure<'_>> {
    page.split("<figure").skip(1).filter_map(|rest| {
        let figure = rest.split("</figure>").next()?;
        // Charts are the SVGs of this width; the other ones are samples of lines, and charts for phones.
        let start = figure.find(CHART)?;
        let svg = between(&figure[start..], "<svg", "</svg>")?;
        let caption = between(figure, "<figcaption>", "</figcaption>").unwrap_or_default();
        let label = || between(svg, "aria-label=\"", "\"").and_then(|label| label.split(". ").next());
        let samples = between(figure, "<ul class=\"legend\">", "</ul>").unwrap_or_default().split("<li>").skip(1);
        Some(Figure {
            title: between(svg, "<title>", "</title>").or_else(label).unwrap_or("Chart"),
            height: between(&figure[start..], CHART, "\"")?.parse().ok()?,
            svg,
            legend: samples.filter_map(sample).collect(),
            caption: caption.split("<details").next().unwrap_or_default(),
        })
    })
}

/// The sample of an entry of a legend, and its name.
fn sample(entry: &str) -> Option<(&str, &str)> {
    let (svg, rest) = entry.split_once("</svg>")?;
    let content = svg.split_once("<svg")?.1.split_once('>')?.1;
    Some((content, rest.split('<').next()?.trim()))
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(start)?;
    rest.split_once(end).map(|(inside, _)| inside)
}

/// A part of a file name: letters, digits and dashes of a title.
fn slug(title: &str) -> String {
    const MOST_CHARACTERS: usize = 60;
    let words = title.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let mut slug = words.collect::<Vec<_>>().join("-").to_ascii_lowercase();
    slug.truncate(MOST_CHARACTERS);
    slug.trim_end_matches('-').to_owned()
}

fn rasterised(figure: &Figure<'_>, fonts: &Arc<Database>) -> Result<Vec<u8>, PngError> {
    let failed = |problem: String| PngError { title: figure.title.to_owned(), problem };
    let options = Options { font_family: FONT_FAMILY.to_owned(), fontdb: Arc::clone(fonts), ..Options::default() };
    let tree = Tree::from_str(&with_caption(figure), &options).map_err(|error| failed(error.to_string()))?;
    let size = tree.size().to_int_size().scale_by(SCALE).ok_or_else(|| failed("it has no size".to_owned()))?;
    let mut pixels = Pixmap::new(size.width(), size.height()).ok_or_else(|| failed("it is too large".to_owned()))?;
    resvg::render(&tree, Transform::from_scale(SCALE, SCALE), &mut pixels.as_mut());
    pixels.encode_png().map_err(|error| failed(error.to_string()))
}

/// The figure as one SVG: title, legend, chart, caption.
fn with_caption(figure: &Figure<'_>) -> String {
    let (legend, legend_height) = legend(&figure.legend);
    let above = TITLE_HEIGHT + legend_height;
    let lines = caption_lines(figure.caption);
    let below = above + figure.height;
    let height = below + LINE_HEIGHT * lines.len() as u32 + MARGIN;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"1000\" height=\"{height}\" viewBox=\"0 0 1000 {height}\" fill=\"var(--ink)\">\
         <rect width=\"1000\" height=\"{height}\" fill=\"var(--paper)\"/>\
         <text x=\"{MARGIN}\" y=\"30\" font-size=\"20\">{}</text>{legend}\
         <svg y=\"{above}\" width=\"1000\" height=\"{}\" {}</svg>",
        figure.title, figure.height, figure.svg
    );
    for (line, number) in lines.iter().zip(1..) {
        let y = below + LINE_HEIGHT * number;
        // Writing into a string does not fail.
        let _ = write!(svg, "<text x=\"{MARGIN}\" y=\"{y}\" font-size=\"15\" xml:space=\"preserve\">{line}</text>");
    }
    svg.push_str("</svg>");
    with_colours(&svg)
}

/// A legend as SVG, and its height.
fn legend(entries: &[(&str, &str)]) -> (String, u32) {
    const SAMPLE_WIDTH: u32 = 48;
    let mut out = String::new();
    let (mut x, mut line) = (MARGIN, 0);
    for (sample, name) in entries {
        let width = SAMPLE_WIDTH + 8 * name.chars().count() as u32 + MARGIN;
        if x + width > 1_000 && x > MARGIN {
            (x, line) = (MARGIN, line + 1);
        }
        let top = TITLE_HEIGHT + LINE_HEIGHT * line;
        // Writing into a string does not fail.
        let _ = write!(
            out,
            "<svg x=\"{x}\" y=\"{top}\" width=\"40\" height=\"14\" viewBox=\"0 0 40 14\">{sample}</svg>\
             <text x=\"{}\" y=\"{}\" font-size=\"15\">{name}</text>",
            x + SAMPLE_WIDTH,
            top + 12
        );
        x += width;
    }
    (out, if entries.is_empty() { 0 } else { LINE_HEIGHT * (line + 1) + 4 })
}

/// A caption as lines of SVG text. Swatches become squares of their colour, and the legend has lines of its own.
fn caption_lines(caption: &str) -> Vec<String> {
    let mut lines = Lines::default();
    let mut classes = Vec::new();
    let mut rest = caption;
    while let Some((text, tail)) = rest.split_once('<') {
        lines.words(text);
        let (tag, tail) = tail.split_once('>').unwrap_or((tail, ""));
        if tag.starts_with("span") {
            if let Some(colour) = between(tag, "background:", "\"") {
                lines.word(&format!("<tspan fill=\"{colour}\">■</tspan>"), 1);
            }
            classes.push(between(tag, "class=\"", "\"").unwrap_or_default());
        } else if tag == "/span" && classes.pop() == Some("legend") {
            lines.end();
        }
        rest = tail;
    }
    lines.words(rest);
    lines.end();
    lines.done
}

/// Words on their way into lines.
#[derive(Default)]
struct Lines {
    done: Vec<String>,
    line: String,
    characters: usize,
}

impl Lines {
    /// Words of HTML, whose character references are those of XML.
    fn words(&mut self, text: &str) {
        for word in text.split_whitespace() {
            self.word(word, word.chars().count());
        }
    }

    fn word(&mut self, markup: &str, characters: usize) {
        if self.characters + 1 + characters > LINE_CHARACTERS {
            self.end();
        }
        if !self.line.is_empty() {
            self.line.push(' ');
            self.characters += 1;
        }
        self.line.push_str(markup);
        self.characters += characters;
    }

    fn end(&mut self) {
        if !self.line.is_empty() {
            self.done.push(std::mem::take(&mut self.line));
        }
        self.characters = 0;
    }
}

/// The colours of the page, which are variables there.
fn with_colours(svg: &str) -> String {
    let light = between(STYLE, ":root {", "}").unwrap_or_default();
    let mut out = String::with_capacity(svg.len());
    let mut rest = svg;
    while let Some((before, tail)) = rest.split_once("var(--") {
        let (name, tail) = tail.split_once(')').unwrap_or((tail, ""));
        let colour = between(light, &format!("--{name}:"), ";").map_or("#000000", str::trim);
        out.push_str(before);
        out.push_str(colour);
        rest = tail;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{fixture, html};

    fn drawn(page: &str) -> Vec<(String, Pixmap)> {
        let files = pngs(page).unwrap();
        files.into_iter().map(|(name, png)| (name, Pixmap::decode_png(&png).unwrap())).collect()
    }

    /// Pixels of a region that are dark.
    fn ink(pixels: &Pixmap, x: std::ops::Range<u32>, y: std::ops::Range<u32>) -> usize {
        let dark = |x, y| pixels.pixel(x, y).is_some_and(|p| u32::from(p.red()) + u32::from(p.green()) < 200);
        y.flat_map(|y| x.clone().map(move |x| (x, y))).filter(|(x, y)| dark(*x, *y)).count()
    }

    #[test]
    fn every_figure_of_the_page_becomes_a_file_with_text() {
        let (result, plan, verdict) = fixture::run("alerts", "Why?");
        let page = html(&result, &plan, &verdict);
        let files = drawn(&page);
        assert_eq!(files.len(), page.matches(CHART).count());
        for (number, (name, pixels)) in (1..).zip(&files) {
            assert!(name.starts_with(&format!("chart-{number:02}-")) && name.ends_with(".png"), "{name}");
            assert_eq!(pixels.width(), 2_000);
            // The title, and the last line of the caption, in which there is nothing but text.
            assert!(ink(pixels, 0..2_000, 0..80) > 500, "{name} has no title");
            let bottom = pixels.height();
            assert!(ink(pixels, 0..2_000, bottom - 100..bottom - 40) > 200, "{name} has no caption");
        }
    }

    #[test]
    fn no_text_is_cut_off_and_no_glyph_of_ours_is_missing() {
        let (result, plan, verdict) = fixture::run("alerts", "Why?");
        let page = html(&result, &plan, &verdict);
        for (name, pixels) in drawn(&page) {
            assert_eq!(ink(&pixels, 1_990..2_000, 0..pixels.height()), 0, "{name} touches the right edge");
        }
        let mut fonts = Database::new();
        fonts.load_font_data(FONT.to_vec());
        let face = fonts.faces().next().unwrap();
        assert_eq!(face.families[0].0, FONT_FAMILY);
    }

    #[test]
    fn captions_become_lines_with_swatches() {
        let caption = "<span class=\"legend\"><span class=\"swatch\" style=\"background:var(--series-0)\"></span> offered &lt;b&gt; \
                       </span> Records per second.";
        assert_eq!(
            caption_lines(caption),
            ["<tspan fill=\"var(--series-0)\">■</tspan> offered &lt;b&gt;", "Records per second."]
        );
        let long = "word ".repeat(60);
        assert!(
            caption_lines(&long).len() > 2 && caption_lines(&long).iter().all(|line| line.len() <= LINE_CHARACTERS)
        );
    }

    #[test]
    fn legends_have_samples_and_the_chart_is_the_wide_one() {
        let entry =
            "<li><svg class=\"sample\" viewBox=\"0 0 40 14\"><line x1=\"1\"></line></svg> offered &amp; more</li>";
        let page = format!(
            "<figure><ul class=\"legend\">{}</ul><div><svg viewBox=\"0 0 1000 340\" aria-label=\"Records. From 0.\"><g></g></svg></div>\
             <svg viewBox=\"0 0 460 340\"></svg><figcaption>Words.</figcaption></figure>",
            entry.repeat(9)
        );
        let figure = figures(&page).next().unwrap();
        assert_eq!((figure.title, figure.height, figure.legend.len()), ("Records", 340, 9));
        assert_eq!(figure.legend[0], ("<line x1=\"1\"></line>", "offered &amp; more"));
        let (_, height) = legend(&figure.legend);
        assert!(height > LINE_HEIGHT && height < 5 * LINE_HEIGHT, "{height}");
        let svg = with_caption(&figure);
        assert_eq!((svg.matches("<svg").count(), svg.matches("</svg>").count()), (11, 11), "{svg}");
        assert_eq!(drawn(&page).len(), 1);
    }

    #[test]
    fn colours_are_those_of_the_style_sheet() {
        let svg = with_colours("<a fill=\"var(--series-0)\" stroke=\"var(--ink)\"/>");
        assert!(!svg.contains("var(") && svg.matches('#').count() == 2, "{svg}");
        for name in ["ink", "paper", "grid", "warm-up", "throttled", "event", "series-3", "heat-10"] {
            assert_ne!(with_colours(&format!("var(--{name})")), "#000000", "{name} is not in the style sheet");
        }
    }

    #[test]
    fn nothing_from_outside_becomes_markup() {
        let (mut result, plan, verdict) = fixture::run("alerts", "Why?");
        result.measurement.consumers[0].name =
            "</text><svg onload=\"x\"><image href=\"file:///etc/passwd\"/>&".to_owned();
        let page = html(&result, &plan, &verdict);
        let attacked = pngs(&page).unwrap();
        let (result, plan, verdict) = fixture::run("alerts", "Why?");
        assert_eq!(attacked.len(), pngs(&html(&result, &plan, &verdict)).unwrap().len());
        for figure in figures(&page) {
            let svg = with_caption(&figure);
            assert!(!svg.contains("<image") && svg.matches("<svg").count() == 2 + figure.legend.len(), "{svg}");
        }
    }
}
