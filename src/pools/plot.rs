//! The count over time as a picture, and the same numbers as a table below.

use time::{Duration, OffsetDateTime};

use crate::web::view::{Cell, Drawing, Ink, Line, Numbers, Plot, Scale, When, number};

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

/// Draws the samples of an application in the order of time, with the present count at the end; none where there
/// are none.
pub fn draw(
    name: &str,
    samples: &[Sample],
    thresholds: &[Threshold],
    from: OffsetDateTime,
    now: OffsetDateTime,
) -> Option<Plot> {
    let (first, last) = (samples.first()?, samples.last()?);
    let highest = samples.iter().map(|sample| sample.count.max(sample.capped)).max()?;
    let needed = thresholds.iter().map(|threshold| threshold.needed).max().unwrap_or(0);
    // A threshold far above the count is named, but doesn't press the line to the ground.
    let top = if needed <= highest.saturating_mul(8).max(30) { highest.max(needed) } else { highest };
    // One more, so that no line runs along the edge.
    let scale = Scale::new(from.unix_timestamp(), now.unix_timestamp(), top.saturating_add(1));
    let line = |ink, value: fn(&Sample) -> i64| {
        let points: Vec<(i64, i64)> =
            samples.iter().map(|sample| (scale.x(sample.at.unix_timestamp()), scale.y(value(sample)))).collect();
        Line::through(ink, &points)
    };
    let mut lines = Vec::new();
    let mut legend = vec![(Ink::Main, "Counted".to_owned())];
    if samples.iter().any(|sample| sample.count != sample.capped) {
        lines.push(line(Ink::Second, |sample| sample.capped));
        legend.push((Ink::Second, "As a genuine host shows it".to_owned()));
    }
    lines.push(line(Ink::Main, |sample| sample.count));
    let drawn = thresholds.iter().filter(|threshold| threshold.needed <= scale.top);
    let across = drawn.map(|threshold| scale.y(threshold.needed)).collect();
    legend.extend(
        thresholds
            .iter()
            .map(|threshold| (Ink::Limit, format!("Needed by {}: {}", threshold.editions, number(threshold.needed)))),
    );
    let day = |at: OffsetDateTime| When::day(at.date(), now.date()).exact;
    let words = format!(
        "From {} to {}: between {} and {} machines, {} at the end.",
        day(first.at),
        day(last.at),
        number(samples.iter().map(|sample| sample.count).min().unwrap_or(0)),
        number(samples.iter().map(|sample| sample.count).max().unwrap_or(0)),
        number(last.count),
    );
    let drawing = Drawing::Lines { across, lines, ends: [day(from), "today".to_owned()] };
    let name = format!("Machines counted of {name}");
    Some(Plot::lines(name, words, scale, drawing, numbers(samples, now)).legend(legend))
}

/// The newest first.
fn numbers(samples: &[Sample], now: OffsetDateTime) -> Numbers {
    let row = |sample: &Sample| {
        vec![Cell::when(When::moment(sample.at, now)), Cell::number(sample.count), Cell::number(sample.capped)]
    };
    Numbers {
        caption: "Machines counted, the newest first",
        columns: vec![("From", false), ("Counted", true), ("As a genuine host shows it", true)],
        rows: samples.iter().rev().map(row).collect(),
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

    fn drawn(samples: &[Sample], needed_by: i64) -> Option<(Plot, Vec<i64>, Vec<String>)> {
        let plot = draw("Plotter", samples, &needed(needed_by), NOW - Duration::days(30), NOW)?;
        let Drawing::Lines { across, lines, .. } = plot.drawing.clone() else { panic!("lines") };
        Some((plot, across, lines.into_iter().map(|line| line.points).collect()))
    }

    #[test]
    fn the_line_runs_from_edge_to_edge_within_the_drawing() {
        let (plot, across, lines) = drawn(&samples(&[0, 12, 24]), 25).unwrap();
        assert_eq!(lines, ["0,240 500,183 1000,125"], "a host would show the same");
        assert_eq!((plot.scale[0].as_str(), across), ("50", vec![120]));
        assert_eq!(plot.numbers.rows[0][1].text, "24", "the newest first");
        assert!(plot.words.ends_with("between 0 and 24 machines, 24 at the end."), "{}", plot.words);
    }

    #[test]
    fn a_host_that_forgets_has_a_line_of_its_own() {
        let (plot, _, lines) = drawn(&samples(&[10, 80]), 25).unwrap();
        assert_eq!(lines[0], "0,216 1000,120");
        assert_eq!(plot.numbers.rows[0][2].text, "50");
    }

    #[test]
    fn a_threshold_far_above_is_named_without_pressing_the_line_down() {
        let (plot, across, _) = drawn(&samples(&[3, 4]), 10_000).unwrap();
        assert_eq!((plot.scale[0].as_str(), across), ("5", Vec::new()));
        assert_eq!(plot.legend.last().unwrap().1, "Needed by Standard: 10,000");
    }

    #[test]
    fn nothing_sampled_draws_nothing() {
        assert!(drawn(&[], 25).is_none());
    }
}
