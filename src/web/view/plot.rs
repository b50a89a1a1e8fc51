//! Numbers for people who would rather look than read: lines over time, columns, shares of a whole.
//!
//! A picture is stretched to its place, so it holds no text: labels stand around it, and the numbers behind it
//! as a table. `templates/components/plot.html` draws it, `static/css/plot.css` gives it its inks.
use super::{Meter, When, number};

/// Units of the drawing.
const WIDTH: i64 = 1_000;
/// Units of the drawing.
const HEIGHT: i64 = 240;
/// The part of a column's place that stays empty, in hundredths.
const GAP: i64 = 24;

/// How a line or a column is drawn: told apart by more than its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// What the picture is about.
    Main,
    /// Something beside it: dotted.
    Second,
    /// What is allowed or needed: dashed.
    Limit,
}

impl Ink {
    /// The class in the style sheet.
    #[must_use]
    pub const fn class(self) -> &'static str {
        match self {
            Self::Main => "plot-main",
            Self::Second => "plot-second",
            Self::Limit => "plot-limit",
        }
    }
}

/// From values to units of the drawing.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    /// The value at the top.
    pub top: i64,
    from: i64,
    to: i64,
}

impl Scale {
    /// From `from` at the left to `to` at the right, and from 0 to a round number that is at least `highest`.
    #[must_use]
    pub fn new(from: i64, to: i64, highest: i64) -> Self {
        Self { top: ceiling(highest), from, to }
    }

    /// A place between left and right.
    #[must_use]
    pub fn x(self, at: i64) -> i64 {
        part(at.saturating_sub(self.from), self.to.saturating_sub(self.from), WIDTH)
    }

    /// A place between top and ground.
    #[must_use]
    pub fn y(self, value: i64) -> i64 {
        HEIGHT - part(value, self.top, HEIGHT)
    }

    fn half(self) -> String {
        if self.top % 2 == 0 { number(self.top / 2) } else { String::new() }
    }
}

/// `value` of `whole` as a part of `length`, within it.
fn part(value: i64, whole: i64, length: i64) -> i64 {
    let part = i128::from(value) * i128::from(length) / i128::from(whole.max(1));
    i64::try_from(part.clamp(0, i128::from(length))).unwrap_or(length)
}

/// The first of 5, 10, 20, 25, 50, 100, 200, … that is at least `value`.
fn ceiling(value: i64) -> i64 {
    let mut step = 5_i64;
    loop {
        for factor in [1, 2, 4, 5] {
            if value <= step.saturating_mul(factor) || step > i64::MAX / 20 {
                return step.saturating_mul(factor);
            }
        }
        step *= 10;
    }
}

/// A line through points in units of the drawing.
#[derive(Clone, Debug)]
pub struct Line {
    /// How it is drawn.
    pub ink: Ink,
    /// `x,y x,y …`.
    pub points: String,
    /// A dot at each point, where they are few: the steps of a path.
    pub dots: String,
}

impl Line {
    /// A line through the points, with a dot at each.
    #[must_use]
    pub fn dotted(ink: Ink, points: &[(i64, i64)]) -> Self {
        let dots = points.iter().map(|(x, y)| format!("M{x} {y}h0")).collect();
        Self { dots, ..Self::through(ink, points) }
    }

    /// A line through the points.
    #[must_use]
    pub fn through(ink: Ink, points: &[(i64, i64)]) -> Self {
        let points: Vec<String> = points.iter().map(|(x, y)| format!("{x},{y}")).collect();
        Self { ink, points: points.join(" "), dots: String::new() }
    }
}

/// A column, for one value of several beside each other.
#[derive(Clone, Debug)]
pub struct Bar {
    /// How high.
    pub value: i64,
    /// What it is, with its value: `June 2027: 5 License IDs`.
    pub says: String,
    /// What stands under it; empty for most, where there are many.
    pub label: &'static str,
    /// A second line under that.
    pub below: String,
    /// Where it leads.
    pub href: Option<String>,
}

/// A column's place in the drawing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// From the left.
    pub x: i64,
    /// From the top.
    pub y: i64,
    /// How wide.
    pub width: i64,
    /// How high.
    pub height: i64,
}

/// One part of a whole, a bar of its own.
#[derive(Clone, Debug)]
pub struct Share {
    /// What it is.
    pub label: String,
    /// What tells it from others of that name, in the monospace face.
    pub mark: String,
    /// Used of total.
    pub meter: Meter,
}

/// What is drawn.
#[derive(Clone, Debug)]
pub enum Drawing {
    /// Lines over time.
    Lines {
        /// Across the whole width, from the top: what is allowed or needed.
        across: Vec<i64>,
        /// The lines.
        lines: Vec<Line>,
        /// What stands under the left and the right end.
        ends: [String; 2],
    },
    /// Columns.
    Columns(Vec<(Bar, Place)>),
    /// Shares, the fullest first.
    Shares(Vec<Share>),
}

/// A cell of the table behind a picture.
#[derive(Clone, Debug)]
pub struct Cell {
    /// What it says.
    pub text: String,
    /// Where it leads.
    pub href: Option<String>,
    /// The moment it names, for machines.
    pub iso: Option<String>,
}

impl Cell {
    /// A number with separators.
    #[must_use]
    pub fn number(value: i64) -> Self {
        Self::text(number(value))
    }

    /// A text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), href: None, iso: None }
    }

    /// A day or a moment.
    #[must_use]
    pub fn when(when: When) -> Self {
        Self { text: when.exact, href: None, iso: Some(when.iso) }
    }

    /// The same with somewhere to go.
    #[must_use]
    pub fn href(mut self, href: Option<String>) -> Self {
        self.href = href;
        self
    }
}

/// The table behind a picture. The first cell of a row is its heading.
#[derive(Clone, Debug)]
pub struct Numbers {
    /// What it lists.
    pub caption: &'static str,
    /// The headings, and whether numbers stand under them.
    pub columns: Vec<(&'static str, bool)>,
    /// The rows.
    pub rows: Vec<Vec<Cell>>,
}

/// A picture with its words and numbers.
#[derive(Clone, Debug)]
pub struct Plot {
    /// What it is of: its name for who can't see it.
    pub name: String,
    /// What it shows, in a sentence.
    pub words: String,
    /// What is drawn.
    pub drawing: Drawing,
    /// The numbers at the top and half-way; empty where they would be no whole ones.
    pub scale: [String; 2],
    /// What each ink means.
    pub legend: Vec<(Ink, String)>,
    /// The same as numbers.
    pub numbers: Numbers,
}

impl Plot {
    /// Lines, measured by `scale`.
    #[must_use]
    pub fn lines(name: String, words: String, scale: Scale, drawing: Drawing, numbers: Numbers) -> Self {
        Self { name, words, drawing, scale: [number(scale.top), scale.half()], legend: Vec::new(), numbers }
    }

    /// Columns beside each other.
    #[must_use]
    pub fn columns(name: String, words: String, bars: Vec<Bar>, numbers: Numbers) -> Self {
        let count = i64::try_from(bars.len()).unwrap_or(i64::MAX);
        let scale = Scale::new(0, count, bars.iter().map(|bar| bar.value).max().unwrap_or(0));
        let placed = (0..).zip(bars).map(|(at, bar)| {
            let (left, right) = (scale.x(at), scale.x(at + 1));
            let gap = (right - left) * GAP / 200;
            let y = scale.y(bar.value);
            (bar, Place { x: left + gap, y, width: right - left - 2 * gap, height: HEIGHT - y })
        });
        let drawing = Drawing::Columns(placed.collect());
        Self { name, words, drawing, scale: [number(scale.top), scale.half()], legend: Vec::new(), numbers }
    }

    /// A bar for each share.
    #[must_use]
    pub fn shares(name: String, words: String, shares: Vec<Share>, numbers: Numbers) -> Self {
        Self { name, words, drawing: Drawing::Shares(shares), scale: Default::default(), legend: Vec::new(), numbers }
    }

    /// The same with what each ink means.
    #[must_use]
    pub fn legend(mut self, legend: Vec<(Ink, String)>) -> Self {
        self.legend = legend;
        self
    }

    /// Columns that lead somewhere make a group of links; any other drawing is one picture.
    #[must_use]
    pub fn role(&self) -> &'static str {
        match &self.drawing {
            Drawing::Columns(bars) if bars.iter().any(|(bar, _)| bar.href.is_some()) => "group",
            _ => "img",
        }
    }

    /// For the drawing's `viewBox`.
    #[must_use]
    pub fn size(&self) -> (i64, i64) {
        (WIDTH, HEIGHT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_top_is_a_round_number() {
        let tops: Vec<i64> = [0, 5, 6, 21, 26, 100, 101, 999_999, i64::MAX]
            .into_iter()
            .map(|value| Scale::new(0, 1, value).top)
            .collect();
        assert_eq!(tops[..8], [5, 5, 10, 25, 50, 100, 200, 1_000_000]);
        assert!(tops[8] > i64::MAX / 20, "and no overflow: {}", tops[8]);
        assert_eq!((Scale::new(0, 1, 3).half(), Scale::new(0, 1, 90).half()), (String::new(), "50".into()));
    }

    #[test]
    fn columns_stand_beside_each_other_on_the_ground() {
        let bar = |value| Bar { value, says: String::new(), label: "", below: String::new(), href: None };
        let numbers = Numbers { caption: "", columns: Vec::new(), rows: Vec::new() };
        let plot = Plot::columns(String::new(), String::new(), vec![bar(5), bar(0), bar(2), bar(5)], numbers);
        let Drawing::Columns(bars) = &plot.drawing else { panic!("columns") };
        let places: Vec<Place> = bars.iter().map(|(_, place)| *place).collect();
        assert_eq!(places[0], Place { x: 30, y: 0, width: 190, height: 240 });
        assert_eq!((places[1].height, places[2].height), (0, 96));
        assert!(places.windows(2).all(|pair| pair[0].x + pair[0].width < pair[1].x), "{places:?}");
        assert_eq!((plot.role(), plot.scale[0].as_str()), ("img", "5"));
    }

    proptest! {
        #[test]
        fn every_point_lies_inside_the_drawing(from in any::<i64>(), to in any::<i64>(), at in any::<i64>(), highest in 0..i64::MAX, value in any::<i64>()) {
            let scale = Scale::new(from, to, highest);
            prop_assert!((0..=WIDTH).contains(&scale.x(at)) && (0..=HEIGHT).contains(&scale.y(value)));
        }
    }
}
