//! The count over time as lines of an SVG that scales with its place: no text in it, labels stand around it,
//! and the same numbers as a table below.

use time::{Duration, OffsetDateTime};

use crate::web::view::{When, number};

/// Units of the drawing: it is stretched to its place.
pub const WIDTH: i64 = 1_000;
/// Units of the drawing.
pub const HEIGHT: i64 = 240;

/// The count at a moment: the highest of the time that it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Sample {
    /// When.
    pub at: OffsetDateTime,
    /// Machines counted.
    pub count: i64,
    /// What a genuine host would show.
    pub capped: i64,
}

/// What is needed, and by which editions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Threshold {
    /// Machines needed.
    pub needed: i64,
    /// Names of the editions.
    pub editions: String,
}

/// A line across the drawing at what is needed.
#[derive(Clone, Debug)]
pub struct Mark {
    /// From the top.
    pub y: i64,
    /// `Needed by Standard: 25`.
    pub label: String,
}

/// A row of the table.
#[derive(Clone, Debug)]
pub struct Row {
    /// When.
    pub at: When,
    /// Machines counted.
    pub count: String,
    /// What a genuine host would show.
    pub capped: String,
}

/// The drawing.
#[derive(Clone, Debug)]
pub struct Plot {
    /// Points of the true count, `x,y x,y …`.
    pub count: String,
    /// Points of the capped one; empty where both are the same all along.
    pub capped: String,
    /// What is needed.
    pub marks: Vec<Mark>,
    /// The number at the top.
    pub top: String,
    /// The first day.
    pub from: When,
    /// What it shows, in a sentence.
    pub words: String,
    /// The same as numbers, the newest first.
    pub rows: Vec<Row>,
}

impl Plot {
    /// Draws samples in the order of time, with the present count at the end; none where there are none.
    pub fn of(samples: &[Sample], thresholds: &[Threshold], from: OffsetDateTime, now: OffsetDateTime) -> Option<Self> {
        let (first, last) = (samples.first()?, samples.last()?);
        let highest = samples.iter().map(|sample| sample.count.max(sample.capped)).max()?;
        let needed = thresholds.iter().map(|threshold| threshold.needed).max().unwrap_or(0);
        // A threshold far above the count is named, but doesn't press the line to the ground.
        let top = round_up(if needed <= highest.saturating_mul(8).max(30) { highest.max(needed) } else { highest });
        let y = |value: i64| HEIGHT - (value.saturating_mul(HEIGHT) / top).clamp(0, HEIGHT);
        let span = (now - from).whole_seconds().max(1);
        let x = |at: OffsetDateTime| ((at - from).whole_seconds().saturating_mul(WIDTH) / span).clamp(0, WIDTH);
        let line = |value: fn(&Sample) -> i64| {
            let points: Vec<String> = samples.iter().map(|s| format!("{},{}", x(s.at), y(value(s)))).collect();
            points.join(" ")
        };
        let differ = samples.iter().any(|sample| sample.count != sample.capped);
        let marks = thresholds.iter().map(|threshold| Mark {
            y: if threshold.needed <= top { y(threshold.needed) } else { -1 },
            label: format!("Needed by {}: {}", threshold.editions, number(threshold.needed)),
        });
        Some(Self {
            count: line(|sample| sample.count),
            capped: if differ { line(|sample| sample.capped) } else { String::new() },
            marks: marks.collect(),
            top: number(top),
            from: When::day(from.date(), now.date()),
            words: format!(
                "From {} to {}: between {} and {} machines, {} at the end.",
                When::day(first.at.date(), now.date()).exact,
                When::day(last.at.date(), now.date()).exact,
                number(samples.iter().map(|sample| sample.count).min().unwrap_or(0)),
                number(samples.iter().map(|sample| sample.count).max().unwrap_or(0)),
                number(last.count),
            ),
            rows: samples.iter().rev().map(|sample| row(sample, now)).collect(),
        })
    }
}

fn row(sample: &Sample, now: OffsetDateTime) -> Row {
    Row { at: When::moment(sample.at, now), count: number(sample.count), capped: number(sample.capped) }
}

/// The next of 5, 10, 20, 25, 50, 100, … that is above.
fn round_up(value: i64) -> i64 {
    let mut step = 5_i64;
    loop {
        for factor in [1, 2, 4, 5] {
            if value < step.saturating_mul(factor) || step > i64::MAX / 20 {
                return step.saturating_mul(factor);
            }
        }
        step *= 10;
    }
}

/// How far back a plot goes, and how long a sample of it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Days, as in the address.
    pub days: i64,
    /// What it is called.
    pub label: &'static str,
    /// The length of a sample.
    pub bucket: Duration,
}

/// The spans to choose from; the first is the usual one.
pub const SPANS: [Span; 3] = [
    Span { days: 30, label: "30 days", bucket: Duration::hours(6) },
    Span { days: 7, label: "7 days", bucket: Duration::hours(1) },
    Span { days: 180, label: "180 days", bucket: Duration::days(1) },
];

impl Span {
    /// The one that an address names, or the usual one.
    pub fn parse(days: &str) -> Self {
        SPANS.into_iter().find(|span| span.days.to_string() == days).unwrap_or(SPANS[0])
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-11-22 12:00 UTC);

    fn samples(counts: &[i64]) -> Vec<Sample> {
        let step = Duration::days(30) / i32::try_from(counts.len().max(2) - 1).unwrap();
        let at = |place: usize| NOW - Duration::days(30) + step * i32::try_from(place).unwrap();
        counts
            .iter()
            .enumerate()
            .map(|(place, count)| Sample { at: at(place), count: *count, capped: (*count).min(50) })
            .collect()
    }

    fn needed(needed: i64) -> Vec<Threshold> {
        vec![Threshold { needed, editions: "Standard".into() }]
    }

    #[test]
    fn the_line_runs_from_edge_to_edge_within_the_drawing() {
        let plot = Plot::of(&samples(&[0, 12, 24]), &needed(25), NOW - Duration::days(30), NOW).unwrap();
        assert_eq!(plot.count, "0,240 500,183 1000,125");
        assert_eq!((plot.top.as_str(), plot.marks[0].y), ("50", 120));
        assert_eq!(plot.capped, "", "a host would show the same");
        assert_eq!(plot.rows[0].count, "24", "the newest first");
        assert!(plot.words.ends_with("between 0 and 24 machines, 24 at the end."), "{}", plot.words);
    }

    #[test]
    fn a_host_that_forgets_has_a_line_of_its_own() {
        let plot = Plot::of(&samples(&[10, 80]), &needed(25), NOW - Duration::days(30), NOW).unwrap();
        assert_eq!(plot.capped, "0,216 1000,120");
        assert_eq!(plot.rows[0].capped, "50");
    }

    #[test]
    fn a_threshold_far_above_is_named_without_pressing_the_line_down() {
        let plot = Plot::of(&samples(&[3, 4]), &needed(10_000), NOW - Duration::days(30), NOW).unwrap();
        assert_eq!((plot.top.as_str(), plot.marks[0].y), ("5", -1));
        assert_eq!(plot.marks[0].label, "Needed by Standard: 10,000");
    }

    #[test]
    fn nothing_sampled_draws_nothing() {
        assert!(Plot::of(&[], &needed(25), NOW - Duration::days(30), NOW).is_none());
    }
}
