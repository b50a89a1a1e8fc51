//! Pictures of a simulation: in the terminal, and as SVG.

use std::fmt::Write;

use askama::Template;

use super::{Outcome, Sample};

/// Columns of the terminal's plot.
const WIDTH: usize = 64;
/// Rows of each plot.
const HEIGHT: usize = 10;
/// Eighths of a cell.
const EIGHTHS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Count and states over time, in characters.
pub fn terminal(outcome: &Outcome) -> String {
    let columns = columns(&outcome.samples);
    let most_counted = columns.iter().map(|sample| sample.count).max().unwrap_or(0).max(1);
    let most_machines = columns.iter().map(Sample::machines).max().unwrap_or(0).max(1);
    let mut out = String::from("\n  The count\n");
    for row in (0..HEIGHT).rev() {
        let label = if row == HEIGHT - 1 { most_counted.to_string() } else { String::new() };
        let _ = write!(out, "{label:>8} │");
        for sample in &columns {
            let eighths = ratio(sample.count, most_counted) * (HEIGHT * 8) as f64;
            out.push(EIGHTHS[cell(eighths, row)]);
        }
        out.push('\n');
    }
    axis(outcome, columns.len(), &mut out);
    out.push_str("\n  Machines by state:  █ licensed  ▒ initial grace  ░ out-of-tolerance grace  × notification\n");
    for row in (0..HEIGHT).rev() {
        let label = if row == HEIGHT - 1 { most_machines.to_string() } else { String::new() };
        let _ = write!(out, "{label:>8} │");
        out.extend(columns.iter().map(|sample| state_at(sample, row, most_machines)));
        out.push('\n');
    }
    axis(outcome, columns.len(), &mut out);
    out
}

/// One sample a column; where there are more days than columns, the one at the column's end.
fn columns(samples: &[Sample]) -> Vec<Sample> {
    let wide = samples.len().min(WIDTH);
    (1..=wide).filter_map(|column| samples.get(column * samples.len() / wide - 1).copied()).collect()
}

fn axis(outcome: &Outcome, columns: usize, out: &mut String) {
    let _ = writeln!(out, "{:>8} └{}", 0, "─".repeat(columns));
    let last = format!("day {}", outcome.plan.days);
    let _ = writeln!(out, "{:>10}day 0{last:>width$}", "", width = columns.saturating_sub(5).max(last.len() + 1));
}

/// How many eighths of a row's cell are filled.
fn cell(eighths: f64, row: usize) -> usize {
    let mut filled = 0;
    while filled < 8 && eighths >= (row * 8 + filled + 1) as f64 {
        filled += 1;
    }
    // Something is never drawn as nothing.
    if row == 0 && filled == 0 && eighths > 0.0 { 1 } else { filled }
}

fn state_at(sample: &Sample, row: usize, most: u32) -> char {
    let middle = (row as f64 + 0.5) / HEIGHT as f64 * f64::from(most);
    let mut below = 0.0;
    for (machines, sign) in
        [(sample.licensed, '█'), (sample.initial, '▒'), (sample.grace, '░'), (sample.notification, '×')]
    {
        below += f64::from(machines);
        if middle < below {
            return sign;
        }
    }
    ' '
}

/// A part of a whole. Counts are far below what a float holds exactly.
fn ratio(part: i64, whole: i64) -> f64 {
    let small = |n: i64| f64::from(u32::try_from(n).unwrap_or(u32::MAX));
    small(part) / small(whole.max(1))
}

/// The same as a picture of its own.
#[derive(Template)]
#[template(path = "simulate/chart.svg", escape = "html")]
struct Svg {
    title: String,
    count: String,
    areas: Vec<(&'static str, &'static str, String)>,
    most_counted: i64,
    most_machines: u32,
    days: u32,
    threshold: Option<(u32, String)>,
}

/// Pixels of a plot.
const PLOT: (f64, f64) = (720.0, 220.0);

/// Count and states over time, as SVG.
///
/// # Errors
/// When the template fails, which a test would show.
pub fn svg(outcome: &Outcome) -> askama::Result<String> {
    let samples = &outcome.samples;
    let most_counted = samples.iter().map(|sample| sample.count).max().unwrap_or(0).max(1);
    let most_machines = samples.iter().map(Sample::machines).max().unwrap_or(0).max(1);
    let x = |sample: &Sample| f64::from(sample.day) / f64::from(outcome.plan.days.max(1)) * PLOT.0;
    let count = points(samples.iter().map(|sample| (x(sample), PLOT.1 * (1.0 - ratio(sample.count, most_counted)))));
    type Part = fn(&Sample) -> u32;
    let parts: [(&str, &str, Part); 4] = [
        ("licensed", "Licensed", |sample| sample.licensed),
        ("initial", "Initial grace", |sample| sample.initial),
        ("grace", "Out-of-tolerance grace", |sample| sample.grace),
        ("notification", "Notification", |sample| sample.notification),
    ];
    let mut below = vec![0_u32; samples.len()];
    let height = |machines: u32| PLOT.1 * (1.0 - f64::from(machines) / f64::from(most_machines));
    let mut areas = Vec::new();
    for (class, name, part) in parts {
        let floor: Vec<(f64, f64)> = samples.iter().zip(&below).map(|(s, below)| (x(s), height(*below))).collect();
        below.iter_mut().zip(samples).for_each(|(below, sample)| *below += part(sample));
        let roof = samples.iter().zip(&below).map(|(s, below)| (x(s), height(*below)));
        areas.push((class, name, points(roof.chain(floor.into_iter().rev()))));
    }
    let needed = outcome.plan.needed_by_clients;
    let y = PLOT.1 * (1.0 - ratio(i64::from(needed), most_counted));
    let svg = Svg {
        title: format!(
            "{} clients and {} servers over {} days",
            outcome.plan.clients, outcome.plan.servers, outcome.plan.days
        ),
        count,
        areas,
        most_counted,
        most_machines,
        days: outcome.plan.days,
        threshold: (y >= 0.0).then(|| (needed, format!("{y:.1}"))),
    };
    svg.render()
}

fn points(of: impl Iterator<Item = (f64, f64)>) -> String {
    of.map(|(x, y)| format!("{x:.1},{y:.1}")).collect::<Vec<_>>().join(" ")
}
