//! Counts over time as a picture: pure geometry, drawn by `templates/requests/packet.html`. The table
//! beside it says the same in numbers.

use time::{Date, OffsetDateTime};

use super::model::Reading;
use crate::web::view::{When, number};

/// Width and height of the drawing, in its own units.
pub const SIZE: (i64, i64) = (640, 240);
/// Room for the scale at the left, and above, right and below the lines.
const LEFT: i64 = 64;
const TOP: i64 = 16;
const RIGHT: i64 = 16;
const BOTTOM: i64 = 32;

/// A line of the scale.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tick {
    /// Where.
    pub at: i64,
    /// What it says.
    pub label: String,
}

/// A plot.
#[derive(Clone, Debug, Default)]
pub struct Plot {
    /// The points of used, as a polyline has them.
    pub used: String,
    /// The points of the limit, a step where it changed.
    pub total: String,
    /// Each count of used.
    pub dots: Vec<(i64, i64)>,
    /// The scale of counts, from 0.
    pub counts: Vec<Tick>,
    /// The first and last day.
    pub days: Vec<Tick>,
    /// What it shows, in a sentence.
    pub says: String,
}

/// Draws the counts that were read; `None` where there are fewer than two.
#[must_use]
pub fn plot(readings: &[Reading]) -> Option<Plot> {
    let (first, last) = (readings.first()?, readings.last()?);
    if readings.len() < 2 {
        return None;
    }
    let most = readings.iter().flat_map(|r| [r.used, r.total]).flatten().max()?.max(1);
    let top = rounded(most);
    let (from, to) = (first.read_at.unix_timestamp(), last.read_at.unix_timestamp());
    let width = SIZE.0 - LEFT - RIGHT;
    // Counts read at one moment stand beside each other.
    let x = |index: usize, at: OffsetDateTime| {
        let share = if to > from {
            scale(at.unix_timestamp() - from, to - from, width)
        } else {
            scale(i64::try_from(index).unwrap_or(0), i64::try_from(readings.len() - 1).unwrap_or(1), width)
        };
        LEFT + share
    };
    let y = |count: i64| SIZE.1 - BOTTOM - scale(count, top, SIZE.1 - TOP - BOTTOM);
    let dots: Vec<(i64, i64)> =
        readings.iter().enumerate().filter_map(|(at, r)| Some((x(at, r.read_at), y(r.used?)))).collect();
    let mut steps: Vec<(i64, i64)> = Vec::new();
    for (at, reading) in readings.iter().enumerate() {
        let Some(total) = reading.total else { continue };
        let point = (x(at, reading.read_at), y(total));
        if let Some(&(_, before)) = steps.last()
            && before != point.1
        {
            steps.push((point.0, before));
        }
        steps.push(point);
    }
    let day = |r: &Reading| exact(r.read_at.date());
    let counted = |r: &Reading| {
        let text = |n: Option<i64>| n.map_or_else(|| "unknown".to_owned(), number);
        format!("{} of {}", text(r.used), text(r.total))
    };
    Some(Plot {
        used: points(&dots),
        total: points(&steps),
        dots,
        counts: [0, top / 2, top].into_iter().map(|n| Tick { at: y(n), label: number(n) }).collect(),
        days: vec![Tick { at: LEFT, label: day(first) }, Tick { at: SIZE.0 - RIGHT, label: day(last) }],
        says: format!(
            "Activations used and the limit, from {} ({}) to {} ({}).",
            day(first),
            counted(first),
            day(last),
            counted(last)
        ),
    })
}

fn exact(day: Date) -> String {
    When::day(day, day).exact
}

/// `value` of `whole` as a share of `length`.
fn scale(value: i64, whole: i64, length: i64) -> i64 {
    let share = i128::from(value) * i128::from(length) / i128::from(whole.max(1));
    i64::try_from(share).unwrap_or(length)
}

/// The next even number of one leading digit or two, so that its half is whole: 2, 10, 40, 600, 1,200.
fn rounded(most: i64) -> i64 {
    let mut unit = 1_i64;
    while most / unit >= 100 {
        unit = unit.saturating_mul(10);
    }
    let step = unit.saturating_mul(2);
    most.saturating_add(step - 1) / step * step
}

fn points(points: &[(i64, i64)]) -> String {
    points.iter().map(|(x, y)| format!("{x},{y}")).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use time::macros::datetime;

    fn reading(day: i64, used: Option<i64>, total: Option<i64>) -> Reading {
        let read_at = datetime!(2026-01-01 12:00 UTC) + time::Duration::days(day);
        Reading { read_at, source: "import".into(), used, total }
    }

    #[test]
    fn one_reading_is_no_history() {
        assert!(plot(&[]).is_none());
        assert!(plot(&[reading(0, Some(1), Some(2))]).is_none());
    }

    #[test]
    fn the_limit_is_drawn_as_a_step_and_said_in_words() {
        let plot = plot(&[reading(0, Some(10), Some(50)), reading(10, Some(40), Some(100))]).expect("two readings");
        assert_eq!(plot.total, "64,112 624,112 624,16");
        assert_eq!(plot.used, "64,189 624,131");
        assert_eq!(plot.says, "Activations used and the limit, from 1 Jan 2026 (10 of 50) to 11 Jan 2026 (40 of 100).");
        assert_eq!(plot.counts.iter().map(|tick| tick.label.as_str()).collect::<Vec<_>>(), ["0", "50", "100"]);
    }

    proptest! {
        #[test]
        fn every_point_lies_inside_the_drawing(
            counts in proptest::collection::vec((0_i64..400, proptest::option::of(0_i64..1_000_000_000), proptest::option::of(0_i64..1_000_000_000)), 0..30),
        ) {
            let mut readings: Vec<Reading> = counts.into_iter().map(|(day, used, total)| reading(day, used, total)).collect();
            readings.sort_by_key(|reading| reading.read_at);
            if let Some(plot) = plot(&readings) {
                for (x, y) in plot.dots {
                    prop_assert!((LEFT..=SIZE.0 - RIGHT).contains(&x) && (TOP..=SIZE.1 - BOTTOM).contains(&y), "{x},{y}");
                }
            }
        }
    }
}
