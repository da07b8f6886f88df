//! Whether the colours of the style sheet can be told apart and read, by numbers.

use std::collections::BTreeMap;

use super::{HEAT_STEPS, SERIES_COLORS};

/// The colours of one scheme by name, as linear RGB.
fn schemes() -> [BTreeMap<String, [f64; 3]>; 2] {
    let css = include_str!("../style.css");
    let (light, rest) = css.split_once("@media").unwrap();
    let dark = rest.split_once("\n}").unwrap().0;
    let colors = |block: &str| -> BTreeMap<String, [f64; 3]> {
        let named = block.split(';').filter_map(|rule| rule.rsplit_once("--")?.1.split_once(": #"));
        named.map(|(name, hex)| (name.to_owned(), linear(hex))).collect()
    };
    [colors(light), colors(dark)]
}

/// Linear RGB of six hexadecimal digits (sRGB, IEC 61966-2-1).
fn linear(hex: &str) -> [f64; 3] {
    [0, 2, 4].map(|at| {
        let value = f64::from(u8::from_str_radix(&hex[at..at + 2], 16).unwrap()) / 255.0;
        if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    })
}

fn product(matrix: &[[f64; 3]; 3], color: [f64; 3]) -> [f64; 3] {
    matrix.map(|row| row.iter().zip(color).map(|(a, b)| a * b).sum())
}

/// The contrast ratio of WCAG 2.1.
fn contrast(a: [f64; 3], b: [f64; 3]) -> f64 {
    let luminance = |color: [f64; 3]| 0.2126 * color[0] + 0.7152 * color[1] + 0.0722 * color[2];
    let (a, b) = (luminance(a) + 0.05, luminance(b) + 0.05);
    (a / b).max(b / a)
}

/// CIE L*a*b* of linear RGB under D65.
fn lab(color: [f64; 3]) -> [f64; 3] {
    const XYZ: [[f64; 3]; 3] =
        [[0.412_456, 0.357_576, 0.180_438], [0.212_673, 0.715_152, 0.072_175], [0.019_334, 0.119_192, 0.950_304]];
    let [x, y, z] = product(&XYZ, color.map(|part| part.clamp(0.0, 1.0)));
    let f = |t: f64| if t > 216.0 / 24_389.0 { t.cbrt() } else { (24_389.0 / 27.0 * t + 16.0) / 116.0 };
    let (x, y, z) = (f(x / 0.950_47), f(y), f(z / 1.088_83));
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

/// Vision, with its simulation at full severity on linear RGB (Machado, Oliveira and Fernandes 2009, table 1).
const VISIONS: [(&str, [[f64; 3]; 3]); 4] = [
    ("trichromacy", [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
    (
        "protanopia",
        [[0.152_286, 1.052_583, -0.204_868], [0.114_503, 0.786_281, 0.099_216], [-0.003_882, -0.048_116, 1.051_998]],
    ),
    (
        "deuteranopia",
        [[0.367_322, 0.860_646, -0.227_968], [0.280_085, 0.672_501, 0.047_413], [-0.011_820, 0.042_940, 0.968_881]],
    ),
    (
        "tritanopia",
        [[1.255_528, -0.076_749, -0.178_779], [-0.078_411, 0.930_809, 0.147_602], [0.004_733, 0.691_367, 0.303_900]],
    ),
];

/// The colour difference ΔE of CIE 1976 as a kind of vision sees it; 2.3 is just noticeable.
fn difference(a: [f64; 3], b: [f64; 3], vision: &[[f64; 3]; 3]) -> f64 {
    let (a, b) = (lab(product(vision, a)), lab(product(vision, b)));
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
}

#[test]
fn the_simulation_of_vision_is_the_published_one() {
    // White and grey are seen as they are; red and green come close for those who lack the cones that tell them apart.
    let (red, green) = (linear("cc3333"), linear("668833"));
    for (name, vision) in &VISIONS {
        assert!(difference(linear("ffffff"), product(vision, linear("ffffff")), &VISIONS[0].1) < 1.0, "{name}");
    }
    assert!(difference(red, green, &VISIONS[0].1) > 70.0);
    assert!(difference(red, green, &VISIONS[2].1) < 40.0);
    assert!((contrast(linear("000000"), linear("ffffff")) - 21.0).abs() < 1e-9);
}

#[test]
fn data_series_are_told_apart_by_every_kind_of_vision() {
    for colors in schemes() {
        for (name, vision) in &VISIONS {
            for a in 0..SERIES_COLORS {
                for b in 0..a {
                    let apart = difference(colors[&format!("series-{a}")], colors[&format!("series-{b}")], vision);
                    assert!(apart >= 25.0, "{a} and {b} with {name}: {apart}");
                }
            }
        }
    }
}

#[test]
fn every_step_of_the_heat_scale_is_seen_by_every_kind_of_vision() {
    for colors in schemes() {
        let step = |step: usize| colors[&format!("heat-{step}")];
        for (name, vision) in &VISIONS {
            for at in 1..HEAT_STEPS {
                let apart = difference(step(at - 1), step(at), vision);
                assert!(apart >= 4.0, "{} and {at} with {name}: {apart}", at - 1);
                assert!(difference(colors["throttled"], step(at), vision) >= 50.0, "throttled and {at} with {name}");
            }
        }
        // The scale goes one way: what is fuller is farther from the paper.
        let from_paper: Vec<f64> = (0..HEAT_STEPS).map(|at| contrast(step(at), colors["paper"])).collect();
        assert!(from_paper.windows(2).all(|pair| pair[0] < pair[1]), "{from_paper:?}");
    }
}

#[test]
fn text_has_the_contrast_of_wcag_aa_and_lines_that_of_graphics() {
    let mut text: Vec<(String, String)> = [
        ("ink", "paper"),
        ("ink", "panel"),
        ("ink", "warm-up"),
        ("ink", "event"),
        ("ink", "good-paper"),
        ("ink", "bad-paper"),
        ("soft", "paper"),
        ("soft", "panel"),
        ("accent", "paper"),
        ("accent", "panel"),
        ("good", "paper"),
        ("good", "panel"),
        ("good", "good-paper"),
        ("bad", "paper"),
        ("bad", "panel"),
        ("bad", "bad-paper"),
        ("warn", "paper"),
        ("warn", "panel"),
    ]
    .map(|(ink, paper)| (ink.to_owned(), paper.to_owned()))
    .into();
    // Names at the ends of lines, and amounts in bars.
    text.extend((0..SERIES_COLORS).map(|index| (format!("series-{index}"), "paper".to_owned())));
    // Values in the cells of a grid.
    text.extend((0..HEAT_STEPS).map(|step| {
        let ink = if step >= super::grid::FROM_HERE_ON_PAPER { "paper" } else { "ink" };
        (ink.to_owned(), format!("heat-{step}"))
    }));
    for (scheme, colors) in ["light", "dark"].iter().zip(schemes()) {
        for (ink, paper) in &text {
            let ratio = contrast(colors[ink], colors[paper]);
            assert!(ratio >= 4.5, "{ink} on {paper}, {scheme}: {ratio}");
        }
        assert!(contrast(colors["throttled"], colors["paper"]) >= 3.0, "{scheme}");
        for behind in ["warm-up", "event"] {
            for index in 0..SERIES_COLORS {
                let ratio = contrast(colors[&format!("series-{index}")], colors[behind]);
                assert!(ratio >= 3.0, "series {index} on {behind}, {scheme}: {ratio}");
            }
        }
    }
}
