//! Autoscaling on paper: what a scaling policy would come to.

use super::{Axis, Cell, Column, Depth, LineFigure, Manner, Parts, Section, Table};
use crate::capacity::{ScalingForecast, ScalingOption};
use crate::plan::Plan;
use crate::report::charts::{Scale, Series};
use crate::report::words::autoscaling::{cells, load, refused};
use crate::units;

/// The options, and the course of the policy; nothing without a policy.
pub fn autoscaling<'a>(plan: &Plan) -> Option<Section<'a>> {
    let forecast = plan.capacity.autoscaling.as_ref()?;
    let columns = [
        Column::name("A month with"),
        Column::number("Shards"),
        Column::number("Shard-hours"),
        Column::number("Updates a day"),
        Column::number("Minutes refused"),
        Column::number("Throttled"),
        Column::number("In the first period"),
        Column::number("US dollars"),
    ];
    let row = |option: &ScalingOption| {
        std::iter::once(option.name.clone()).chain(cells(option)).map(Cell::from).collect::<Vec<_>>()
    };
    let table = Table::new("A month with the policy, and with other ways to size the stream", columns);
    let mut parts = Parts::default();
    parts.paragraph(Depth::Report, format!("{} A run does not follow the policy.", load(forecast)));
    parts.table(Depth::Report, table.rows(forecast.options.iter().map(row)));
    parts.lines(Depth::Report, Manner::Note, refused(forecast));
    course(&mut parts, forecast);
    parts.lines(Depth::Report, Manner::List, forecast.notes.iter().map(String::as_str));
    Some(Section::new("autoscaling", "Autoscaling, on paper", parts))
}

fn course(parts: &mut Parts<'_>, forecast: &ScalingForecast) {
    let seconds = |minute: u64| minute as f64 * 60.0;
    let load = forecast.course.iter().map(|point| (seconds(point.minute), point.filled));
    // Shards stay the same until they change.
    let shards = forecast.course.iter().enumerate().flat_map(|(index, point)| {
        let before = index.checked_sub(1).map(|before| forecast.course[before].shards);
        let step = before.map(|before| (seconds(point.minute), f64::from(before)));
        step.into_iter().chain([(seconds(point.minute), f64::from(point.shards))])
    });
    let series = vec![
        Series::new("open shards", 0, shards).ending(Some("open")),
        Series::new("shards that the load fills", 1, load).ending(Some("filled")),
    ];
    let end = forecast.course.last().map_or(0.0, |point| seconds(point.minute));
    let lines = LineFigure {
        title: "The open shards of the policy and the load in full shards, over the last period of the month"
            .to_owned(),
        series,
        scale: Scale::Linear,
        y_label: Box::new(units::number),
        x: Axis::Time { name: "time of the period", events: [].into(), warm_up: 0.0, load_ended: end, end },
    };
    let caption = "The last period of the month: how many shards the policy has open, and how many the load would fill to the brim if it spread \
                   evenly, by records or bytes. Where the load is above the shards, it throttles.";
    parts.figure(Depth::Report, lines.figure(caption.into()));
    let columns = [
        Column::name("Minute"),
        Column::number("Records"),
        Column::number("Full shards"),
        Column::number("Open shards"),
    ];
    let rows = forecast.course.iter().map(|point| {
        [point.minute.to_string(), point.rate.to_string(), format!("{:.2}", point.filled), point.shards.to_string()]
            .map(Cell::from)
    });
    let table = Table::new("The course of the policy over the last period of the month", columns).rows(rows);
    parts.table(Depth::Background, table.unfolding("The numbers"));
}
