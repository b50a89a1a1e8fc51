//! The table and the file.

use std::path::Path;

use serde_json::json;

/// One measure beside its anchor.
struct Entry {
    name: &'static str,
    ours: f64,
    anchor: f64,
    unit: &'static str,
    ratio: f64,
    target: Option<f64>,
}

/// What was measured.
#[derive(Default)]
pub struct Report {
    entries: Vec<Entry>,
    skipped: Vec<String>,
}

impl Report {
    /// A measure where more is better.
    pub fn rate(&mut self, name: &'static str, ours: f64, anchor: f64, unit: &'static str, target: Option<f64>) {
        self.add(Entry { name, ours, anchor, unit, ratio: ours / anchor, target });
    }

    /// A measure where less is better.
    pub fn cost(&mut self, name: &'static str, ours: f64, anchor: f64, unit: &'static str, target: Option<f64>) {
        self.add(Entry { name, ours, anchor, unit, ratio: anchor / ours, target });
    }

    /// Something that couldn't be measured, and why.
    pub fn skip(&mut self, name: &str, why: &str) {
        println!("{name}: skipped: {why}");
        self.skipped.push(format!("{name}: skipped: {why}"));
    }

    fn add(&mut self, entry: Entry) {
        println!("{}", line(&entry));
        self.entries.push(entry);
    }

    /// Prints the table; writes the file when nothing was left out on purpose.
    pub fn finish(&self, dir: &Path, whole: bool) {
        println!();
        println!("{:<24} {:>12} {:>12}  {:<8} {:>7}  {:>7}", "measure", "Keyward", "anchor", "unit", "ratio", "target");
        for entry in &self.entries {
            println!("{}", line(entry));
        }
        for skipped in &self.skipped {
            println!("{skipped}");
        }
        if !whole {
            return;
        }
        let rows: Vec<_> = self
            .entries
            .iter()
            .map(|e| json!({ "name": e.name, "ours": round(e.ours), "anchor": round(e.anchor), "unit": e.unit, "ratio": round(e.ratio) }))
            .collect();
        let path = dir.join("report.json");
        std::fs::write(&path, serde_json::to_string_pretty(&rows).unwrap()).unwrap();
        println!("written to {}", path.display());
    }
}

fn line(entry: &Entry) -> String {
    let target = entry.target.map_or_else(String::new, |target| {
        format!("{target:>7.2}  {}", if entry.ratio >= target { "met" } else { "MISSED" })
    });
    format!(
        "{:<24} {:>12.3} {:>12.3}  {:<8} {:>7.3}  {target}",
        entry.name, entry.ours, entry.anchor, entry.unit, entry.ratio
    )
}

fn round(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

/// The middle one; of a few rounds it is what the machine does when nobody disturbs it too much.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
