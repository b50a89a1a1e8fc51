//! `keyward import`.

use std::{fs, path::PathBuf, process::ExitCode};

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};

use super::open::{self, Opened};
use crate::{
    audit::{Actor, chain::Linker},
    config::Settings,
    imports::{Caps, Importer, ParsedFile, Report, Who, preview::RowAction, read_file},
    keys::masked,
};

/// Which files, and whether to write.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Exports of the vendor's admin centre: contracts, contacts, licence summaries, keys, orders; and tables of ESU coverage. What a file is shows in its header; the order doesn't matter
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Show row by row what would be added, changed, skipped and refused; write nothing
    #[arg(long)]
    dry_run: bool,
}

/// Takes the files in; exit code 1 when a file was refused.
///
/// # Errors
/// When a file can't be read, the vault is sealed, or the database fails.
pub async fn run(settings: &Settings, args: &Args) -> Result<ExitCode> {
    let (files, unreadable) = read(&args.files)?;
    let opened = open::for_command(settings).await?;
    let taken = if args.dry_run { dry_run(&opened, &files).await } else { write(&opened, files).await };
    opened.close().await?;
    let reports = taken?;
    let refused = unreadable + reports.iter().filter(|report| report.is_refused()).count();
    if refused == 0 {
        return Ok(ExitCode::SUCCESS);
    }
    let files = if refused == 1 { "1 file was".to_owned() } else { format!("{refused} files were") };
    eprintln!("keyward: {files} refused, and nothing of it written: mend the lines above, then import it again.");
    Ok(ExitCode::FAILURE)
}

/// Reads and parses all files before anything is written; how many can't be taken at all.
fn read(paths: &[PathBuf]) -> Result<(Vec<ParsedFile>, usize)> {
    let (mut files, mut refused) = (Vec::new(), 0);
    for path in paths {
        let bytes = fs::read(path).with_context(|| format!("{} can't be read", path.display()))?;
        match read_file(&path.display().to_string(), &bytes, Caps::NONE) {
            Ok(file) => files.push(file),
            Err(faults) => {
                refused += 1;
                faults.iter().for_each(|fault| eprintln!("{fault}"));
            }
        }
    }
    Ok((files, refused))
}

/// The importer that acts as the command line.
fn importer<'a>(opened: &'a Opened, linker: &'a Linker) -> Importer<'a> {
    let actor = Actor::system("import");
    Importer { db: &opened.db, vault: &opened.vault, linker, actor, who: Who::System }
}

/// Writes the files. Shared with `keyward demo`.
pub async fn write(opened: &Opened, files: Vec<ParsedFile>) -> Result<Vec<Report>> {
    let linker = opened.linker();
    let importer = importer(opened, &linker);
    let bar = progress_bar();
    let mut progress = |done: u64, total: u64| {
        bar.set_length(total);
        bar.set_position(done);
    };
    let outcome = importer.run(files, &mut progress).await;
    bar.finish_and_clear();
    let (reports, stopped) = match outcome {
        Ok(reports) => (reports, None),
        Err(mut stopped) => (std::mem::take(&mut stopped.done), Some(stopped)),
    };
    reports.iter().for_each(|report| tell(report, "added", "changed"));
    match stopped {
        None => Ok(reports),
        Some(stopped) => Err(stopped.into()),
    }
}

/// On a terminal only; elsewhere the bar draws nothing.
fn progress_bar() -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:40} {human_pos} of {human_len} rows, {eta} left")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(0).with_style(style)
}

async fn dry_run(opened: &Opened, files: &[ParsedFile]) -> Result<Vec<Report>> {
    let linker = opened.linker();
    let importer = importer(opened, &linker);
    let reports = importer.dry_run(files).await?;
    for report in &reports {
        for row in &report.rows {
            let key = if row.last_five().is_empty() { String::new() } else { format!(" {}", masked(row.last_five())) };
            let changes: Vec<String> = row
                .changes
                .iter()
                .map(|change| format!("{}: {} → {}", change.column, change.old, change.new))
                .collect();
            let notes = [changes.join(", "), row.note.clone()]
                .into_iter()
                .filter(|note| !note.is_empty())
                .collect::<Vec<_>>()
                .join("; ");
            let notes = if notes.is_empty() { notes } else { format!(" ({notes})") };
            if row.action != RowAction::Refused {
                let place = if row.license_id.is_empty() { String::new() } else { format!(" {}", row.license_id) };
                println!("{}:{}: {}{place} {}{key}{notes}", report.name, row.line, row.action.word(), row.subject);
            }
        }
        tell(report, "would be added", "would be changed");
    }
    println!("Nothing was written.");
    Ok(reports)
}

fn tell(report: &Report, added: &str, changed: &str) {
    report.warnings.iter().for_each(|warning| eprintln!("warning: {warning}"));
    report.refused.iter().for_each(|fault| eprintln!("{fault}"));
    let warnings = match report.warnings.len() {
        0 => String::new(),
        1 => ", 1 warning".to_owned(),
        n => format!(", {n} warnings"),
    };
    let rows = report.added + report.changed + report.skipped + report.refused_rows;
    println!(
        "{}: {}, {rows} rows: {} {added}, {} {changed}, {} skipped, {} refused{warnings}",
        report.name,
        report.kind.label(),
        report.added,
        report.changed,
        report.skipped,
        report.refused_rows
    );
}
