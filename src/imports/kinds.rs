//! Which kind of file it is, told by its header.
use super::findings::{Findings, quoted};
use crate::exports::{CONTRACT_COLUMNS, KEY_COLUMNS};

/// The kinds of file, in the order in which they are taken: later ones refer to earlier ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// License IDs with their organisations and agreements.
    Contracts,
    /// The people named in the contracts.
    Contacts,
    /// How much of each product family a License ID holds.
    Summaries,
    /// Product keys.
    Keys,
    /// Order lines.
    Orders,
    /// Which year of Extended Security Updates covers which days: of the whole site, under no License ID.
    Esu,
}

/// The columns of a contact file.
pub const CONTACT_COLUMNS: [&str; 4] = ["License ID", "Role", "Name", "Email"];

/// The columns of a licence summary.
pub const SUMMARY_COLUMNS: [&str; 7] =
    ["License ID", "Product family", "Version", "Product pool", "Type", "Effective quantity", "Active SA quantity"];

/// The columns of an order list; the last two are of Select Plus alone.
pub const ORDER_COLUMNS: [&str; 12] = [
    "License ID",
    "Reseller order no.",
    "Customer order no.",
    "Ordered on",
    "Usage start date",
    "Reseller",
    "Part number",
    "Description",
    "Quantity",
    "Country",
    "Up for Renewal",
    "Step-up",
];

/// The columns of a table of ESU coverage, as the vendor's life cycle is published.
pub const ESU_COLUMNS: [&str; 5] = ["product", "esu_year", "coverage_start", "coverage_end", "source"];

/// Most columns looked at: far above any kind's, and low enough to compare each with each.
const MOST_COLUMNS: usize = 100;

impl Kind {
    /// Every kind, in the order of taking.
    pub const ALL: [Self; 6] = [Self::Contracts, Self::Contacts, Self::Summaries, Self::Keys, Self::Orders, Self::Esu];

    /// The place in the order of taking, from 0.
    pub const fn rank(self) -> usize {
        match self {
            Self::Contracts => 0,
            Self::Contacts => 1,
            Self::Summaries => 2,
            Self::Keys => 3,
            Self::Orders => 4,
            Self::Esu => 5,
        }
    }

    /// The plural word for messages.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Contracts => "contracts",
            Self::Contacts => "contacts",
            Self::Summaries => "summaries",
            Self::Keys => "keys",
            Self::Orders => "orders",
            Self::Esu => "ESU coverage",
        }
    }

    /// What a page calls a file of it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Contracts => "Contracts",
            Self::Contacts => "Contacts",
            Self::Summaries => "Licence summary",
            Self::Keys => "Product keys",
            Self::Orders => "Orders",
            Self::Esu => "ESU coverage",
        }
    }

    /// Every column the kind may have.
    pub const fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Contracts => &CONTRACT_COLUMNS,
            Self::Contacts => &CONTACT_COLUMNS,
            Self::Summaries => &SUMMARY_COLUMNS,
            Self::Keys => &KEY_COLUMNS,
            Self::Orders => &ORDER_COLUMNS,
            Self::Esu => &ESU_COLUMNS,
        }
    }

    /// The columns it must have: what identifies a row, and what it would be empty without.
    pub const fn required(self) -> &'static [&'static str] {
        match self {
            Self::Contracts => &["License ID", "Organization"],
            Self::Contacts => &["License ID", "Role", "Name", "Email"],
            Self::Summaries => &["License ID", "Product family", "Effective quantity"],
            Self::Keys => &["License ID", "Product", "Product Key", "Type"],
            Self::Orders => &["License ID", "Reseller order no.", "Ordered on", "Part number", "Quantity"],
            Self::Esu => &["product", "esu_year", "coverage_start", "coverage_end"],
        }
    }
}

/// Where each column of a kind stands in a file.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) kind: Kind,
    /// For each of the kind's columns the index of its cell in a record.
    positions: Vec<Option<usize>>,
    /// Cells in the header, and so in every row.
    pub(super) width: usize,
}

impl Layout {
    /// The index in a record of the kind's column number `column`; `None` if the file lacks it.
    pub(super) fn position(&self, column: usize) -> Option<usize> {
        self.positions[column]
    }

    /// The kind's name for the cell at `index` of a record.
    pub(super) fn name(&self, index: usize) -> Option<&'static str> {
        let column = self.positions.iter().position(|p| *p == Some(index))?;
        Some(self.kind.columns()[column])
    }
}

fn same(name: &str, header: &str) -> bool {
    name.eq_ignore_ascii_case(header)
}

/// Recognises a header; names compare without surrounding spaces and letter case. `None` if
/// something was found wrong.
pub(super) fn recognise(header: &[&str], line: u64, findings: &mut Findings) -> Option<Layout> {
    if header.len() > MOST_COLUMNS {
        let sentence = format!("the header has {} columns, at most {MOST_COLUMNS} are read", header.len());
        findings.error(line, None, sentence);
        return None;
    }
    let header: Vec<&str> = header.iter().map(|name| name.trim()).collect();
    let Some(kind) = likeliest(&header) else {
        let names: Vec<String> = header.iter().take(5).map(|name| quoted(name)).collect();
        let sentence = format!(
            "unknown header {}: a file is told by its columns, for keys {}, for contracts {}",
            names.join(", "),
            Kind::Keys.required().join(", "),
            Kind::Contracts.required().join(", "),
        );
        findings.error(line, None, sentence);
        return None;
    };
    let positions = kind.columns().iter().map(|name| header.iter().position(|cell| same(name, cell))).collect();
    let layout = Layout { kind, positions, width: header.len() };
    check_header(&layout, &header, line, findings);
    (!findings.has_errors()).then_some(layout)
}

/// The kind that shares most columns with the header; of several, one whose required columns are
/// all there. The first column (License ID, or product) alone tells nothing: other kinds have it too.
fn likeliest(header: &[&str]) -> Option<Kind> {
    let has = |name: &&&str| header.iter().any(|cell| same(name, cell));
    Kind::ALL
        .into_iter()
        .map(|kind| {
            let shared = kind.columns().iter().skip(1).filter(has).count();
            let complete = kind.required().iter().all(|name| has(&name));
            ((shared, complete), kind)
        })
        .filter(|((shared, _), _)| *shared > 0)
        // Of equals the first: `max_by_key` would answer the last.
        .reduce(|best, next| if next.0 > best.0 { next } else { best })
        .map(|(_, kind)| kind)
}

fn check_header(layout: &Layout, header: &[&str], line: u64, findings: &mut Findings) {
    let kind = layout.kind;
    for (index, cell) in header.iter().enumerate() {
        let first = header.iter().position(|other| same(other, cell));
        if cell.is_empty() {
            findings.error(line, None, format!("column {} has no name", index + 1));
        } else if first != Some(index) {
            let sentence = format!("the header {} stands there twice", quoted(cell));
            findings.error(line, layout.name(first.unwrap_or(index)), sentence);
        } else if layout.name(index).is_none() {
            let sentence = format!(
                "unknown header {} in a file of {}; known are {}",
                quoted(cell),
                kind.label(),
                kind.columns().join(", "),
            );
            findings.error(line, None, sentence);
        }
    }
    for name in kind.required() {
        if !header.iter().any(|cell| same(name, cell)) {
            let sentence = format!("this column is missing; a file of {} needs it", kind.label());
            findings.error(line, Some(name), sentence);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(header: &[&str]) -> Result<Kind, Vec<String>> {
        let mut findings = Findings::new("f");
        let layout = recognise(header, 1, &mut findings);
        match findings.finish() {
            Ok(_) => Ok(layout.expect("no layout without an error").kind),
            Err(errors) => Err(errors.iter().map(ToString::to_string).collect()),
        }
    }

    #[test]
    fn each_kind_is_told_by_all_and_by_its_required_columns() {
        for kind in Kind::ALL {
            assert_eq!(told(kind.columns()), Ok(kind));
            assert_eq!(told(kind.required()), Ok(kind));
        }
    }

    #[test]
    fn columns_stand_in_any_order_and_letter_case() {
        let mut findings = Findings::new("f");
        let header = ["type", " PRODUCT KEY ", "product", "License id"];
        let layout = recognise(&header, 1, &mut findings).expect("keys");
        assert_eq!(layout.kind, Kind::Keys);
        assert_eq!(layout.position(0), Some(3));
        assert_eq!(layout.position(4), Some(1));
        assert_eq!(layout.position(7), None);
    }

    #[test]
    fn an_unknown_header_is_named() {
        let errors = told(&["License ID", "Product", "Product Key", "Type", "Colour"]);
        let errors = errors.expect_err("unknown");
        assert!(errors[0].starts_with("f:1: unknown header 'Colour' in a file of keys"));
        let errors = told(&["License ID", "Colour"]).expect_err("unknown");
        assert!(errors[0].starts_with("f:1: unknown header 'License ID', 'Colour'"));
    }

    #[test]
    fn a_missing_required_column_is_named() {
        let header: Vec<&str> = KEY_COLUMNS.into_iter().filter(|c| *c != "Type").collect();
        let errors = told(&header).expect_err("missing");
        assert_eq!(errors.len(), 1);
        assert!(errors[0].starts_with("f:1: Type: this column is missing"));
    }

    #[test]
    fn a_header_that_stands_twice_is_refused() {
        let errors = told(&["License ID", "Product", "product", "Product Key", "Type"]);
        let errors = errors.expect_err("twice");
        assert_eq!(errors, ["f:1: Product: the header 'product' stands there twice"]);
    }

    #[test]
    fn a_column_without_a_name_is_refused() {
        let errors = told(&["License ID", "Organization", ""]).expect_err("no name");
        assert_eq!(errors, ["f:1: column 3 has no name"]);
    }

    #[test]
    fn a_header_of_too_many_columns_is_refused() {
        let errors = told(&["License ID"; 101]).expect_err("too many");
        assert_eq!(errors, ["f:1: the header has 101 columns, at most 100 are read"]);
    }

    #[test]
    fn kinds_rank_in_the_order_of_taking() {
        assert!(Kind::ALL.is_sorted());
        for (rank, kind) in Kind::ALL.into_iter().enumerate() {
            assert_eq!(kind.rank(), rank);
        }
    }
}
