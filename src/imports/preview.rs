//! `/imports/{id}`: what an import would change, row by row, before anything is written.
use askama::Template;

use super::list::{ImportState, Tally};
use crate::web::page::{Shell, Tone};
use crate::web::view::{Address, Empty, EmptyKind, Pager, When, count, number};

/// What would happen to a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowAction {
    /// It is new.
    Added,
    /// It is known and differs.
    Changed,
    /// It is known and the same.
    Skipped,
    /// It can't be taken, and with it its file.
    Refused,
}

impl RowAction {
    /// All of them, in the order of the filter.
    pub const ALL: [Self; 4] = [Self::Added, Self::Changed, Self::Skipped, Self::Refused];

    /// Its word, also in the address.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Changed => "changed",
            Self::Skipped => "skipped",
            Self::Refused => "refused",
        }
    }

    /// Its name.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Added => "Added",
            Self::Changed => "Changed",
            Self::Skipped => "Skipped",
            Self::Refused => "Refused",
        }
    }

    /// How it is marked.
    #[must_use]
    pub const fn tone(self) -> Tone {
        match self {
            Self::Added => Tone::Good,
            Self::Changed | Self::Skipped => Tone::Info,
            Self::Refused => Tone::Bad,
        }
    }

    /// Its icon.
    #[must_use]
    pub const fn icon(self) -> &'static str {
        match self {
            Self::Added => "plus",
            Self::Changed => "edit",
            Self::Skipped => "minus",
            Self::Refused => "stop",
        }
    }
}

/// A value that would change.
#[derive(Clone, Debug)]
pub struct Change {
    /// The column.
    pub column: String,
    /// What it holds now.
    pub old: String,
    /// What it would hold.
    pub new: String,
}

/// A row of a file.
#[derive(Clone, Debug)]
pub struct PreviewRow {
    /// The file's name.
    pub file: String,
    /// The line in it, counted from 1.
    pub line: u64,
    /// What would happen to it.
    pub action: RowAction,
    /// The License ID it names.
    pub license_id: String,
    /// The product, contact or agreement it is about.
    pub subject: String,
    /// The last five characters of its key; empty where it carries none.
    pub last_five: String,
    /// What would change.
    pub changes: Vec<Change>,
    /// Why it is skipped or refused, or what to know about it.
    pub reason: String,
}

impl PreviewRow {
    fn key(&self) -> String {
        ["•••••-", &self.last_five].concat()
    }
}

/// A file of the import.
#[derive(Clone, Debug)]
pub struct PreviewFile {
    /// Its name.
    pub name: String,
    /// What it holds: "Product keys".
    pub kind: String,
    /// What would come of its rows.
    pub tally: Tally,
}

/// A filter by action.
struct Pill {
    label: &'static str,
    href: String,
    count: String,
    current: bool,
}

/// The page.
#[derive(Template)]
#[template(path = "imports/preview.html")]
pub struct PreviewPage {
    /// The frame.
    pub shell: Shell,
    /// The import's id.
    pub id: String,
    /// The page's address: `action`, `page`.
    pub address: Address,
    /// When the files were read.
    pub at: When,
    /// Who sent them.
    pub who: String,
    /// How far it got; only a waiting one can be imported or discarded.
    pub state: ImportState,
    /// The files.
    pub files: Vec<PreviewFile>,
    /// The rows on this page.
    pub rows: Vec<PreviewRow>,
    /// Which page.
    pub pager: Pager,
    /// Whether the rows are kept; those from the command line aren't.
    pub rows_kept: bool,
}

impl PreviewPage {
    fn total(&self) -> Tally {
        self.files.iter().fold(Tally::default(), |sum, file| Tally {
            added: sum.added + file.tally.added,
            changed: sum.changed + file.tally.changed,
            skipped: sum.skipped + file.tally.skipped,
            refused: sum.refused + file.tally.refused,
            warnings: sum.warnings + file.tally.warnings,
        })
    }

    /// Rows of files that hold no refused row: one refused row refuses its file.
    fn writable(&self) -> u64 {
        let whole = self.files.iter().filter(|file| file.tally.refused == 0);
        whole.map(|file| file.tally.written()).sum()
    }

    fn refused_files(&self) -> Vec<&str> {
        let refused = self.files.iter().filter(|file| file.tally.refused > 0);
        refused.map(|file| file.name.as_str()).collect()
    }

    fn waiting(&self) -> bool {
        self.state == ImportState::Waiting
    }

    fn import_label(&self) -> String {
        ["Import ", &count(self.writable(), "row", "rows")].concat()
    }

    fn pills(&self) -> Vec<Pill> {
        let total = self.total();
        let counted = |action| match action {
            RowAction::Added => total.added,
            RowAction::Changed => total.changed,
            RowAction::Skipped => total.skipped,
            RowAction::Refused => total.refused,
        };
        let chosen = self.address.get("action");
        let at = |word: &str| self.address.clone().without("page").with("action", word).href();
        let all = RowAction::ALL.iter().map(|action| counted(*action)).sum::<u64>();
        let first = Pill { label: "All rows", href: at(""), count: number(all), current: chosen.is_empty() };
        let rest = RowAction::ALL.into_iter().map(|action| Pill {
            label: action.label(),
            href: at(action.word()),
            count: number(counted(action)),
            current: chosen == action.word(),
        });
        std::iter::once(first).chain(rest).collect()
    }

    fn nothing(&self) -> Empty {
        if !self.rows_kept {
            let text =
                "The command line keeps the counts of an import, not its rows; what it wrote is in the audit log.";
            return Empty::new(EmptyKind::NothingYet, "No rows are kept", text);
        }
        Empty::new(EmptyKind::NothingMatches, "No row is treated so", "Look at all rows.")
            .action("All rows", self.address.path())
    }
}

#[cfg(test)]
impl PreviewPage {
    /// Two files, one of them refused.
    pub fn sample() -> Self {
        use time::macros::datetime;
        let now = datetime!(2026-11-22 14:13 UTC);
        let address = Address::new("/imports/4");
        let file = |name: &str, kind: &str, tally| PreviewFile { name: name.into(), kind: kind.into(), tally };
        let row = |line, action, subject: &str, last: &str, changes, reason: &str| PreviewRow {
            file: "admin-center-keys.csv".into(),
            line,
            action,
            license_id: "8671204".into(),
            subject: subject.into(),
            last_five: last.into(),
            changes,
            reason: reason.into(),
        };
        let change =
            |column: &str, old: &str, new: &str| Change { column: column.into(), old: old.into(), new: new.into() };
        let rows = vec![
            row(2, RowAction::Added, "Windows 11 Pro", "G3GH4", vec![], ""),
            row(
                6,
                RowAction::Changed,
                "Office LTSC Professional Plus 2024",
                "T3Y3X",
                vec![change("Activations used", "74", "81")],
                "",
            ),
            row(
                7,
                RowAction::Changed,
                "Windows Server 2019 Standard",
                "C7X3J",
                vec![change("Activations used", "7", "52")],
                "52 used of 50: above the limit, kept as the vendor counts it.",
            ),
            row(8, RowAction::Skipped, "Exchange Server 2019 Standard", "R64H6", vec![], "Known and the same."),
            PreviewRow {
                file: "orders-november.csv".into(),
                ..row(
                    14,
                    RowAction::Refused,
                    "Windows 11 Enterprise",
                    "",
                    vec![],
                    "Ordered on: “31.11.2026” is no day. Write it as 2026-11-30.",
                )
            },
        ];
        Self {
            shell: Shell::sample("/imports/4"),
            id: "4".into(),
            at: When::moment(datetime!(2026-11-22 14:10 UTC), now),
            who: "Mara Lindqvist".into(),
            state: ImportState::Waiting,
            files: vec![
                file(
                    "admin-center-keys.csv",
                    "Product keys",
                    Tally { added: 443, changed: 31, skipped: 0, refused: 0, warnings: 1 },
                ),
                file(
                    "orders-november.csv",
                    "Orders",
                    Tally { added: 179, changed: 0, skipped: 0, refused: 1, warnings: 0 },
                ),
            ],
            rows,
            pager: Pager::new(&address, "page", 1, 50, 654),
            rows_kept: true,
            address,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_row_refuses_its_file_and_no_other() {
        let page = PreviewPage::sample();
        assert_eq!(page.writable(), 474);
        assert_eq!(page.refused_files(), ["orders-november.csv"]);
        let html = page.render().expect("renders");
        assert!(html.contains("Import 474 rows") && html.contains("action=\"/imports/4/discard\""));
        assert!(html.contains("<del>74</del>") && html.contains("<ins>81</ins>"));
    }

    #[test]
    fn what_was_imported_can_not_be_imported_again() {
        let page = PreviewPage { state: ImportState::Applied, ..PreviewPage::sample() };
        assert!(!page.render().expect("renders").contains("/imports/4/apply"));
    }
}
