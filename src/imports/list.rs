//! `/imports`: bring files in, and what was brought in before.
use askama::Template;

use crate::web::page::{Shell, Tone};
use crate::web::view::{Address, Empty, Pager, When, number};

/// How far an import got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportState {
    /// Read and shown, not written.
    Waiting,
    /// Written.
    Applied,
    /// Thrown away before it was written.
    Discarded,
    /// A row was refused, so its file was.
    Refused,
}

impl ImportState {
    /// Its name.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Waiting => "Waiting for you",
            Self::Applied => "Imported",
            Self::Discarded => "Discarded",
            Self::Refused => "Refused",
        }
    }

    /// How it is marked.
    #[must_use]
    pub const fn tone(self) -> Tone {
        match self {
            Self::Waiting => Tone::Warn,
            Self::Applied => Tone::Good,
            Self::Discarded => Tone::Info,
            Self::Refused => Tone::Bad,
        }
    }
}

/// How many rows would be, or were, treated in which way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// New ones.
    pub added: u64,
    /// Known ones that differ.
    pub changed: u64,
    /// Known ones that are the same.
    pub skipped: u64,
    /// Those that can't be taken.
    pub refused: u64,
    /// Those taken with a remark.
    pub warnings: u64,
}

impl Tally {
    /// How many rows would be written.
    #[must_use]
    pub const fn written(&self) -> u64 {
        self.added + self.changed
    }

    /// Each count with its word, leaving out refusals and warnings when there are none.
    #[must_use]
    pub fn parts(&self) -> Vec<(&'static str, String)> {
        let counts = [
            ("added", self.added, true),
            ("changed", self.changed, true),
            ("skipped", self.skipped, true),
            ("refused", self.refused, false),
            ("with a warning", self.warnings, false),
        ];
        let shown = counts.into_iter().filter(|(_, count, always)| *always || *count > 0);
        shown.map(|(word, count, _)| (word, number(count))).collect()
    }
}

/// An import of one or several files.
#[derive(Clone, Debug)]
pub struct ImportRow {
    /// The id in `/imports/{id}`.
    pub id: String,
    /// When it was read.
    pub at: When,
    /// Who did it: a person's name, or the command line.
    pub who: String,
    /// The names of its files.
    pub files: Vec<String>,
    /// What came of its rows.
    pub tally: Tally,
    /// How far it got.
    pub state: ImportState,
}

impl ImportRow {
    fn href(&self) -> String {
        ["/imports/", &self.id].concat()
    }

    fn files_text(&self) -> String {
        self.files.join(", ")
    }
}

/// The page.
#[derive(Template)]
#[template(path = "imports/list.html")]
pub struct ImportsPage {
    /// The frame.
    pub shell: Shell,
    /// The list's address: `page`.
    pub address: Address,
    /// The imports on this page, the latest first.
    pub rows: Vec<ImportRow>,
    /// Which page.
    pub pager: Pager,
    /// What is wrong with the files just sent: `FILE:LINE: COLUMN: sentence`.
    pub errors: Vec<String>,
}

impl ImportsPage {
    fn nothing_yet(&self) -> Empty {
        let text = "Export your keys in the vendor’s admin centre and choose the file above.";
        Empty::new(crate::web::view::EmptyKind::NothingYet, "Nothing was imported yet", text)
    }
}

#[cfg(test)]
impl ImportsPage {
    /// One import of each state.
    pub fn sample() -> Self {
        use time::macros::datetime;
        let now = datetime!(2026-11-22 14:13 UTC);
        let address = Address::new("/imports");
        let row = |id: &str, at, who: &str, files: &[&str], state, tally| ImportRow {
            id: id.into(),
            at: When::moment(at, now),
            who: who.into(),
            files: files.iter().map(ToString::to_string).collect(),
            tally,
            state,
        };
        let tally = |added, changed, skipped, refused| Tally { added, changed, skipped, refused, warnings: 0 };
        let rows = vec![
            row(
                "4",
                datetime!(2026-11-22 14:10 UTC),
                "Mara Lindqvist",
                &["admin-center-keys.csv"],
                ImportState::Waiting,
                tally(12, 31, 431, 0),
            ),
            row(
                "3",
                datetime!(2026-11-22 12:01 UTC),
                "Ilya Petrov",
                &["orders-november.csv"],
                ImportState::Refused,
                tally(0, 0, 0, 1),
            ),
            row(
                "2",
                datetime!(2026-11-20 09:30 UTC),
                "Mara Lindqvist",
                &["keys-old.csv"],
                ImportState::Discarded,
                tally(0, 474, 0, 0),
            ),
            row(
                "1",
                datetime!(2026-11-19 16:44 UTC),
                "Command line",
                &["contracts.csv", "contacts.csv", "license-summary.csv", "admin-center-keys.csv", "orders.csv"],
                ImportState::Applied,
                tally(921, 0, 0, 0),
            ),
        ];
        let pager = Pager::new(&address, "page", 1, 50, 4);
        Self { shell: Shell::sample("/imports"), address, rows, pager, errors: vec![] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_says_its_limits_and_the_history_its_states() {
        let html = ImportsPage::sample().render().expect("renders");
        for part in
            ["multipart/form-data", "10 MiB", "50,000 rows", "Waiting for you", "Refused", "href=\"/imports/4\""]
        {
            assert!(html.contains(part), "{part}");
        }
    }

    #[test]
    fn a_tally_leaves_out_what_did_not_happen() {
        let words: Vec<_> = Tally { added: 1_200, ..Tally::default() }.parts();
        assert_eq!(words, [("added", "1,200".to_owned()), ("changed", "0".into()), ("skipped", "0".into())]);
    }
}
