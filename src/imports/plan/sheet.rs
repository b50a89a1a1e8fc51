//! The rows of a plan as they are decided, with what has to be said about them.

use std::{collections::HashMap, hash::Hash, sync::Arc};

use uuid::Uuid;

use super::{NAME_LIMIT, Plan, PlannedRow, Said, Work};
use crate::{
    imports::{
        ParsedFile,
        findings::{Findings, WarningKind, holds_key},
        kinds::Kind,
        list::Tally,
        preview::{Change, RowAction},
    },
    orders::model::yes_no,
};

/// What is decided about a row.
pub(super) enum Verdict {
    Added,
    Changed(Vec<Change>),
    Skipped(String),
    Refused { column: &'static str, sentence: String },
}

impl Verdict {
    /// Changed, or skipped where nothing is.
    pub(super) fn of(changes: Vec<Change>) -> Self {
        if changes.is_empty() { Self::Skipped("Known and the same.".to_owned()) } else { Self::Changed(changes) }
    }

    pub(super) fn refused(column: &'static str, sentence: impl Into<String>) -> Self {
        Self::Refused { column, sentence: sentence.into() }
    }
}

/// What a row is about.
pub(super) struct Head {
    pub(super) line: u64,
    pub(super) license_id: Arc<str>,
    pub(super) subject: Arc<str>,
    pub(super) last_five: [u8; 5],
    /// The License ID's row, for the log; none where it is refused.
    pub(super) contract: Option<Uuid>,
}

/// The plan of a file in the making.
pub(super) struct Sheet {
    name: String,
    kind: Kind,
    rows: Vec<PlannedRow>,
    tally: Tally,
    findings: Findings,
    /// What reading the file found odd, by line.
    notes: HashMap<u64, String>,
    /// What planning finds odd about the row in hand.
    remarks: Vec<String>,
    pub(super) work: Work,
}

impl Sheet {
    pub(super) fn new(file: &ParsedFile) -> Self {
        let mut notes: HashMap<u64, String> = HashMap::new();
        let mut warnings = 0;
        for warning in &file.warnings {
            if let WarningKind::More(more) = warning.kind {
                warnings += more as u64;
                continue;
            }
            warnings += 1;
            let note = notes.entry(warning.line).or_default();
            join(note, &remark(warning.column.as_deref().unwrap_or_default(), &warning.sentence));
        }
        Self {
            name: file.name.clone(),
            kind: file.kind,
            rows: Vec::with_capacity(file.rows.len()),
            tally: Tally { warnings, ..Tally::default() },
            findings: Findings::new(&file.name),
            notes,
            remarks: Vec::new(),
            work: Work::default(),
        }
    }

    /// Something odd about the row that is added next.
    pub(super) fn warn(&mut self, kind: WarningKind, line: u64, column: &str, sentence: String) {
        self.remarks.push(remark(column, &sentence));
        self.tally.warnings += 1;
        self.findings.warning(kind, line, column, sentence);
    }

    /// A row about something in the archive: it must not stay out of sight silently.
    pub(super) fn warn_archived(&mut self, line: u64, license_id: bool) {
        let sentence = if license_id {
            "is in the archive and stays there: what the row says is written, but shows in no list until the License ID is restored"
        } else {
            "what the row is about is in the archive and stays there: it is kept up to date, but shows in no list until it is restored"
        };
        self.warn(WarningKind::Archived, line, "License ID", sentence.to_owned());
    }

    /// Something to know about the row that is added next.
    pub(super) fn remark(&mut self, sentence: String) {
        self.remarks.push(sentence);
    }

    pub(super) fn add(&mut self, head: Head, verdict: Verdict) {
        let mut note = String::new();
        let mut changes = Vec::new();
        let action = match verdict {
            Verdict::Added => RowAction::Added,
            Verdict::Changed(what) => {
                changes = what;
                RowAction::Changed
            }
            Verdict::Skipped(reason) => {
                note = reason;
                RowAction::Skipped
            }
            Verdict::Refused { column, sentence } => {
                note = remark(column, &sentence);
                self.findings.error(head.line, Some(column), sentence);
                RowAction::Refused
            }
        };
        self.count(action, &head);
        for said in self.notes.get(&head.line).into_iter().chain(&self.remarks) {
            join(&mut note, said);
        }
        self.remarks.clear();
        let Head { line, license_id, subject, last_five, .. } = head;
        self.rows.push(PlannedRow { line, action, license_id, subject, changes, note, last_five });
    }

    fn count(&mut self, action: RowAction, head: &Head) {
        let tally = &mut self.tally;
        match action {
            RowAction::Added => tally.added += 1,
            RowAction::Changed => tally.changed += 1,
            RowAction::Skipped => tally.skipped += 1,
            RowAction::Refused => tally.refused += 1,
        }
        let Some(contract) = head.contract.filter(|_| action != RowAction::Refused) else { return };
        self.work.met.insert(contract);
        if !matches!(action, RowAction::Added | RowAction::Changed) {
            return;
        }
        let touched = self.work.touched.entry(contract).or_default();
        match action {
            RowAction::Added => touched.added += 1,
            _ => touched.changed += 1,
        }
    }

    /// Rows in the order of their lines, where they were decided in another.
    pub(super) fn in_order(&mut self) {
        self.rows.sort_by_key(|row| row.line);
    }

    /// The finished plan. `file` gives the warnings of reading it.
    pub(super) fn finish(self, file: &ParsedFile) -> Plan {
        let (errors, more) = self.findings.into_parts();
        let mut warnings = file.warnings.clone();
        warnings.extend(more);
        Plan { name: self.name, kind: self.kind, rows: self.rows, tally: self.tally, errors, warnings, work: self.work }
    }
}

fn remark(column: &str, sentence: &str) -> String {
    if column.is_empty() { sentence.to_owned() } else { format!("{column}: {sentence}") }
}

fn join(text: &mut String, more: &str) {
    if !text.is_empty() {
        text.push(' ');
    }
    text.push_str(more);
    if !more.ends_with(['.', '?', '…']) {
        text.push('.');
    }
}

/// Rows of a file by what identifies them, to find one that stands there twice.
pub(super) struct Seen<K>(HashMap<K, usize>);

impl<K: Hash + Eq> Seen<K> {
    pub(super) fn new() -> Self {
        Self(HashMap::new())
    }

    /// The verdict on a row whose identity stood in an earlier one; else remembers it.
    pub(super) fn again<R: Said>(&mut self, identity: K, rows: &[R], index: usize) -> Option<Verdict> {
        let first = &rows[*self.0.entry(identity).or_insert(index)];
        let row = &rows[index];
        if first.line() == row.line() {
            return None;
        }
        Some(if first.same(row) {
            Verdict::Skipped(format!("The same as line {}.", first.line()))
        } else {
            let sentence = format!(
                "this row contradicts line {}, which is about the same but says something else: keep one of them",
                first.line()
            );
            Verdict::refused(R::IDENTITY, sentence)
        })
    }
}

/// Refuses names that the database's indexes can't hold, and keys that got into a column where they
/// would be kept in clear.
pub(super) fn unfit(cells: &[(&'static str, &str)]) -> Option<Verdict> {
    cells.iter().find_map(|(column, text)| {
        if text.len() > NAME_LIMIT {
            Some(Verdict::refused(column, format!("has {} bytes, at most {NAME_LIMIT} fit in a name", text.len())))
        } else if holds_key(text) {
            Some(Verdict::refused(column, "looks like a product key: did columns get mixed up?"))
        } else {
            None
        }
    })
}

/// The changes between what is known and what a row says.
#[derive(Default)]
pub(super) struct Diff(pub(super) Vec<Change>);

impl Diff {
    /// A text; an empty cell leaves what is known. Answers what shall stand.
    pub(super) fn text(&mut self, column: &str, old: &Arc<str>, new: Option<&Arc<str>>) -> Arc<str> {
        match new {
            Some(new) if new != old => {
                self.push(column, old, new);
                new.clone()
            }
            _ => old.clone(),
        }
    }

    /// A number or a day; an empty cell leaves what is known. Answers what shall stand.
    pub(super) fn value<T: PartialEq + Copy + ToString>(
        &mut self,
        column: &str,
        old: Option<T>,
        new: Option<T>,
    ) -> Option<T> {
        if new.is_some() && new != old {
            let text = |value: Option<T>| value.map_or_else(String::new, |value| value.to_string());
            self.push(column, &text(old), &text(new));
        }
        new.or(old)
    }

    /// Yes or no; an empty cell leaves what is known. Answers what shall stand.
    pub(super) fn said(&mut self, column: &str, old: Option<bool>, new: Option<bool>) -> Option<bool> {
        if new.is_some() && new != old {
            self.push(column, yes_no(old), yes_no(new));
        }
        new.or(old)
    }

    pub(super) fn push(&mut self, column: &str, old: &str, new: &str) {
        let shown = |text: &str| match text {
            "" => "—".to_owned(),
            key if holds_key(key) => "a text that looks like a product key".to_owned(),
            text => text.to_owned(),
        };
        self.0.push(Change { column: column.to_owned(), old: shown(old), new: shown(new) });
    }
}
