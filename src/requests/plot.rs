//! The counts of a key over time as a picture.

use super::model::Reading;
use crate::web::view::{Drawing, Ink, Line, Numbers, Plot, Scale, When, number};

/// Draws the counts that were read, `numbers` being the same as a table; `None` where there are fewer than two.
#[must_use]
pub fn plot(readings: &[Reading], numbers: Numbers) -> Option<Plot> {
    let (first, last) = (readings.first()?, readings.last()?);
    if readings.len() < 2 {
        return None;
    }
    let most = readings.iter().flat_map(|r| [r.used, r.total]).flatten().max()?;
    let (from, to) = (first.read_at.unix_timestamp(), last.read_at.unix_timestamp());
    // Counts read at one moment stand beside each other.
    let timed = to > from;
    let end = i64::try_from(readings.len() - 1).unwrap_or(i64::MAX);
    let scale = if timed { Scale::new(from, to, most) } else { Scale::new(0, end, most) };
    let placed = (0_i64..).zip(readings);
    let placed = placed.map(|(at, r)| (scale.x(if timed { r.read_at.unix_timestamp() } else { at }), r));
    let placed: Vec<(i64, &Reading)> = placed.collect();
    let used: Vec<(i64, i64)> = placed.iter().filter_map(|(x, r)| Some((*x, scale.y(r.used?)))).collect();
    let lines = vec![Line::through(Ink::Limit, &limit(&placed, scale)), Line::dotted(Ink::Main, &used)];
    let day = |r: &Reading| When::day(r.read_at.date(), r.read_at.date()).exact;
    let counted = |r: &Reading| {
        let text = |n: Option<i64>| n.map_or_else(|| "unknown".to_owned(), number);
        format!("{} of {}", text(r.used), text(r.total))
    };
    let words = format!("From {} ({}) to {} ({}).", day(first), counted(first), day(last), counted(last));
    let drawing = Drawing::Lines { across: Vec::new(), lines, ends: [day(first), day(last)] };
    let legend = vec![(Ink::Main, "Used".to_owned()), (Ink::Limit, "Limit".to_owned())];
    Some(Plot::lines("Activations used and the limit".to_owned(), words, scale, drawing, numbers).legend(legend))
}

/// A step where the limit changed.
fn limit(placed: &[(i64, &Reading)], scale: Scale) -> Vec<(i64, i64)> {
    let mut steps: Vec<(i64, i64)> = Vec::new();
    for (x, reading) in placed {
        let Some(total) = reading.total else { continue };
        let y = scale.y(total);
        if let Some(&(_, before)) = steps.last()
            && before != y
        {
            steps.push((*x, before));
        }
        steps.push((*x, y));
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    fn reading(day: i64, used: Option<i64>, total: Option<i64>) -> Reading {
        let read_at = datetime!(2026-01-01 12:00 UTC) + time::Duration::days(day);
        Reading { read_at, source: "import".into(), used, total }
    }

    fn draw(readings: &[Reading]) -> Option<(Plot, Vec<String>)> {
        let plot = plot(readings, Numbers { caption: "", columns: Vec::new(), rows: Vec::new() })?;
        let Drawing::Lines { lines, .. } = plot.drawing.clone() else { panic!("lines") };
        Some((plot, lines.into_iter().map(|line| line.points).collect()))
    }

    #[test]
    fn one_reading_is_no_history() {
        assert!(draw(&[]).is_none());
        assert!(draw(&[reading(0, Some(1), Some(2))]).is_none());
    }

    #[test]
    fn the_limit_is_drawn_as_a_step_and_said_in_words() {
        let (plot, lines) = draw(&[reading(0, Some(10), Some(50)), reading(10, Some(40), Some(100))]).unwrap();
        assert_eq!(lines, ["0,120 1000,120 1000,0", "0,216 1000,144"]);
        assert_eq!(plot.words, "From 1 Jan 2026 (10 of 50) to 11 Jan 2026 (40 of 100).");
        assert_eq!(plot.scale, ["100", "50"]);
    }

    #[test]
    fn counts_of_one_moment_stand_beside_each_other() {
        let (_, lines) = draw(&[reading(0, Some(1), None), reading(0, None, None), reading(0, Some(5), None)]).unwrap();
        assert_eq!(lines, ["", "0,192 1000,0"]);
    }
}
