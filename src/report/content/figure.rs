//! Figures of a report: what they show in words, and how they are drawn by a writer that can.

use std::rc::Rc;

use super::text::Text;
use crate::report::charts::{self, Chart, EventMark, Lines, Look, Marks, Scale, Series, XAxis};

/// An entry of a legend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// A line.
    Line(String, Look),
    /// An area: the number of its colour, whether it is filled, and its name.
    Area(usize, bool, String),
}

/// A figure.
pub struct Figure<'a> {
    /// What it shows, in words: for those who do not see it.
    pub says: String,
    /// Its legend; empty for none.
    pub keys: Vec<Key>,
    /// The scale of its colours, where the legend has none.
    pub scale: Text,
    /// What in the caption is a finding.
    pub finding: Option<String>,
    /// What its caption says.
    pub caption: Text,
    draw: Box<dyn Fn() -> Chart + 'a>,
}

impl std::fmt::Debug for Figure<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Figure").field("says", &self.says).field("caption", &self.caption).finish_non_exhaustive()
    }
}

impl<'a> Figure<'a> {
    /// A figure that is drawn when a writer asks for it.
    pub fn new(says: impl Into<String>, caption: impl Into<Text>, draw: impl Fn() -> Chart + 'a) -> Self {
        Self {
            says: says.into(),
            keys: Vec::new(),
            scale: Text::default(),
            finding: None,
            caption: caption.into(),
            draw: Box::new(draw),
        }
    }

    /// With a legend.
    pub fn keyed(self, keys: impl IntoIterator<Item = Key>) -> Self {
        Self { keys: keys.into_iter().collect(), ..self }
    }

    /// Its drawing.
    pub fn chart(&self) -> Chart {
        (self.draw)()
    }
}

/// The horizontal axis of a figure of lines.
#[derive(Debug, Clone)]
pub enum Axis {
    /// The time of a run, in seconds.
    Time {
        /// Its name.
        name: &'static str,
        /// What happened.
        events: Rc<[EventMark]>,
        /// The end of the warm-up.
        warm_up: f64,
        /// The end of the load.
        load_ended: f64,
        /// The end of what is shown.
        end: f64,
    },
    /// Anything else.
    Values {
        /// Its name.
        name: &'static str,
        /// How a value is written.
        label: fn(f64) -> String,
    },
}

impl Axis {
    /// As the charts take it.
    fn drawn(&self) -> XAxis<'_> {
        match self {
            Self::Time { name, events, warm_up, load_ended, end } => {
                XAxis::Time(Marks { name, events, warm_up: *warm_up, load_ended: *load_ended, end: *end })
            }
            Self::Values { name, label } => XAxis::Values { name, label },
        }
    }
}

/// A chart of lines.
pub struct LineFigure<'a> {
    /// What it shows.
    pub title: String,
    /// The lines.
    pub series: Vec<Series>,
    /// The vertical scale.
    pub scale: Scale,
    /// How a value of the vertical axis is written.
    pub y_label: Box<dyn Fn(f64) -> String + 'a>,
    /// The horizontal axis.
    pub x: Axis,
}

impl<'a> LineFigure<'a> {
    /// With a legend of all lines.
    pub fn figure(self, caption: Text) -> Figure<'a> {
        let keys: Vec<Key> = self.series.iter().map(|series| Key::Line(series.name.clone(), series.look)).collect();
        self.with_keys(caption, keys)
    }

    /// With a legend of the lines that have a name at their end: one without goes with another, as the caption says.
    pub fn figure_of_named(self, caption: Text) -> Figure<'a> {
        let named = self.series.iter().filter_map(|series| Some(Key::Line(series.end_name.clone()?, series.look)));
        let keys = named.collect();
        self.with_keys(caption, keys)
    }

    fn with_keys(self, caption: Text, keys: Vec<Key>) -> Figure<'a> {
        let says = charts::says(&self.title, &self.series, &self.y_label);
        let draw = move || {
            charts::lines(&Lines {
                title: &self.title,
                series: &self.series,
                scale: self.scale,
                y_label: &self.y_label,
                x: self.x.drawn(),
            })
        };
        Figure::new(says, caption, draw).keyed(keys)
    }
}
