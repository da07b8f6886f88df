//! Forecasts over simulations, one colour for each family.

use std::ops::Range;
use std::path::Path;

use plotters::prelude::*;

/// A plot of pairs of simulated and forecast values.
pub(super) struct Plot<'a> {
    pub caption: &'a str,
    pub x: &'a str,
    pub y: &'a str,
    pub range: Range<f64>,
    pub label: fn(&f64) -> String,
    /// Family, simulated value and forecast, those of a family one after the other.
    pub points: Vec<(&'a str, f64, f64)>,
}

impl Plot<'_> {
    pub fn write(&self, path: &Path) {
        let colours = [
            RGBColor(0, 114, 178),
            RGBColor(230, 159, 0),
            RGBColor(0, 158, 115),
            RGBColor(204, 121, 167),
            RGBColor(86, 86, 86),
            RGBColor(213, 94, 0),
        ];
        let root = SVGBackend::new(path, (760, 560)).into_drawing_area();
        root.fill(&WHITE).unwrap();
        let mut chart = ChartBuilder::on(&root)
            .caption(self.caption, ("sans-serif", 18))
            .margin(14)
            .x_label_area_size(44)
            .y_label_area_size(64)
            .build_cartesian_2d(self.range.clone(), self.range.clone())
            .unwrap();
        chart
            .configure_mesh()
            .x_desc(self.x)
            .y_desc(self.y)
            .x_label_formatter(&self.label)
            .y_label_formatter(&self.label)
            .light_line_style(TRANSPARENT)
            .draw()
            .unwrap();
        let (begin, end) = (self.range.start, self.range.end);
        chart.draw_series(LineSeries::new([(begin, begin), (end, end)], BLACK.mix(0.4))).unwrap();
        let mut families: Vec<&str> = self.points.iter().map(|(family, ..)| *family).collect();
        families.dedup();
        assert!(families.len() <= colours.len(), "{families:?}");
        for (family, colour) in families.into_iter().zip(colours) {
            let points = self.points.iter().filter(|point| point.0 == family).map(|point| (point.1, point.2));
            chart
                .draw_series(points.map(|point| Circle::new(point, 4, colour.mix(0.7).filled())))
                .unwrap()
                .label(family)
                .legend(move |(x, y)| Circle::new((x + 10, y), 4, colour.filled()));
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::LowerRight)
            .border_style(BLACK.mix(0.3))
            .draw()
            .unwrap();
        root.present().unwrap();
    }
}
