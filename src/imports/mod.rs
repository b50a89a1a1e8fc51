//! Import: from the bytes of a file to typed rows, or to every reason why not.
//!
//! Six kinds of file are taken, told apart by their header: contracts, contacts, licence
//! summaries, product keys, orders, years of ESU coverage. Comma, semicolon or tab; UTF-8 or UTF-16;
//! CRLF or LF; columns in any order. One refused row refuses its file, and all errors are told at once
//! (the first hundred one by one).
//!
//! `encoding` makes text of bytes, `reader` records of text, `kinds` finds the columns, `fields` and
//! `record` read the cells, `rows` are the result. All of that is pure: no database, no HTTP.
//! `plan` compares rows with what is known, `write` writes a plan, `apply` does both in a
//! transaction a file; `stage` and `screens` are the way through the browser.
//!
//! Who may: site operators everything, without seeing a key; Administrators their License IDs, except
//! what decides who else sees them. Tables: `imports`, `import_files`, `import_rows`; writes to the
//! whole estate.
mod apply;
pub mod db;
mod encoding;
mod fields;
mod findings;
pub mod head;
mod kinds;
pub mod list;
mod plan;
pub mod preview;
mod reader;
mod record;
mod rows;
mod screens;
mod stage;
pub mod typed;
mod write;

pub use apply::{ImportError, Importer, Progress, Report, Stopped};
pub use db::sweep;
pub use plan::{NOT_YOURS, PlannedRow, UNKNOWN_ORGANIZATION, Who};
pub use stage::stage_typed;

pub use fields::{date, license_id};
pub use findings::{RowError, RowWarning, WarningKind, holds_key};
pub use kinds::{CONTACT_COLUMNS, ESU_COLUMNS, Kind, ORDER_COLUMNS, SUMMARY_COLUMNS};
pub use reader::{Caps, FIELD_LIMIT};
pub use rows::{ContactRow, ContractRow, EsuRow, KeyCell, KeyRow, OrderRow, SummaryRow};

use findings::Findings;
use kinds::Layout;
use reader::{Next, Records};
use record::{Row, Texts};

/// A file that can be taken.
#[derive(Debug)]
pub struct ParsedFile {
    /// Its name, control characters escaped.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// What it says.
    pub rows: Rows,
    /// What is odd but kept; the first hundred, then one that counts the others.
    pub warnings: Vec<RowWarning>,
    /// Lines that were typed and are no key; none of a file that was sent in.
    pub left_out: Vec<typed::LeftOut>,
}

/// The rows of a file, in its order.
#[derive(Debug)]
pub enum Rows {
    /// Of a file of contracts.
    Contracts(Vec<ContractRow>),
    /// Of a file of contacts.
    Contacts(Vec<ContactRow>),
    /// Of a licence summary.
    Summaries(Vec<SummaryRow>),
    /// Of a file of keys.
    Keys(Vec<KeyRow>),
    /// Of a file of orders.
    Orders(Vec<OrderRow>),
    /// Of a table of ESU coverage.
    Esu(Vec<EsuRow>),
}

impl Rows {
    /// How many rows.
    pub fn len(&self) -> usize {
        match self {
            Self::Contracts(rows) => rows.len(),
            Self::Contacts(rows) => rows.len(),
            Self::Summaries(rows) => rows.len(),
            Self::Keys(rows) => rows.len(),
            Self::Orders(rows) => rows.len(),
            Self::Esu(rows) => rows.len(),
        }
    }

    /// Whether the file has a header only.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Reads a whole file.
///
/// `name` is what messages call it. A file with a header only is fine and has no rows.
///
/// # Errors
/// Everything that is wrong with it, in the order of the lines: the first hundred errors, then one
/// that counts the others. Never empty.
pub fn read_file(name: &str, bytes: &[u8], caps: Caps) -> Result<ParsedFile, Vec<RowError>> {
    if let Some(file) = typed::read(name, bytes) {
        return Ok(file);
    }
    let mut findings = Findings::new(name);
    let name = findings.file().to_owned();
    let read = read_checked(bytes, caps, &mut findings);
    let warnings = findings.finish()?;
    match read {
        Some((kind, rows)) => Ok(ParsedFile { name, kind, rows, warnings, left_out: Vec::new() }),
        // Whoever answers `None` has noted why; should one forget, the file is still refused.
        None => Err(vec![RowError { file: name, line: 1, column: None, sentence: "can't be read".to_owned() }]),
    }
}

fn read_checked(bytes: &[u8], caps: Caps, findings: &mut Findings) -> Option<(Kind, Rows)> {
    let size = bytes.len() as u64;
    if let Some(cap) = caps.bytes.filter(|cap| size > *cap) {
        let sentence =
            format!("the file has {size} bytes, at most {cap} are taken here; the import command has no limit");
        findings.error(1, None, sentence);
        return None;
    }
    let text = encoding::decode(bytes, findings)?;
    let mut records = Records::new(&text);
    let layout = header(&mut records, findings)?;
    let rows = match layout.kind {
        Kind::Contracts => Rows::Contracts(collect(records, &layout, caps, findings, |row| row.contract())),
        Kind::Contacts => Rows::Contacts(collect(records, &layout, caps, findings, |row| row.contact())),
        Kind::Summaries => Rows::Summaries(collect(records, &layout, caps, findings, |row| row.summary())),
        Kind::Keys => Rows::Keys(collect(records, &layout, caps, findings, |row| row.key())),
        Kind::Orders => Rows::Orders(collect(records, &layout, caps, findings, |row| row.order())),
        Kind::Esu => Rows::Esu(collect(records, &layout, caps, findings, |row| row.esu())),
    };
    Some((layout.kind, rows))
}

/// Reads the first record as the header.
fn header(records: &mut Records<'_>, findings: &mut Findings) -> Option<Layout> {
    match records.next(findings) {
        Next::Record(line) => {
            let names: Vec<&str> = records.record().iter().collect();
            kinds::recognise(&names, line, findings)
        }
        Next::Broken => None,
        Next::End => {
            findings.error(1, None, "the file is empty: its first line must name the columns");
            None
        }
    }
}

/// Reads every record below the header; those at fault are noted and left out.
fn collect<T>(
    mut records: Records<'_>,
    layout: &Layout,
    caps: Caps,
    findings: &mut Findings,
    mut read: impl FnMut(&mut Row<'_, '_>) -> Option<T>,
) -> Vec<T> {
    let mut rows = Vec::new();
    let mut texts = Texts::default();
    let mut seen = 0_usize;
    loop {
        let line = match records.next(findings) {
            Next::Record(line) => line,
            Next::Broken => continue,
            Next::End => return rows,
        };
        let record = records.record();
        // A spreadsheet saves rows that were cleared as nothing but delimiters.
        if record.as_slice().is_empty() && record.len() == layout.width {
            continue;
        }
        seen += 1;
        if let Some(cap) = caps.rows.filter(|cap| seen > *cap) {
            let sentence =
                format!("the file has more than {cap} rows, the most taken here; the import command has no limit");
            findings.error(line, None, sentence);
            return rows;
        }
        if !has_right_shape(record, layout, line, findings) {
            continue;
        }
        let row = read(&mut Row { line, record, layout, texts: &mut texts, findings });
        rows.extend(row);
    }
}

/// Refuses rows of another width than the header, and fields that are too long.
fn has_right_shape(record: &csv::StringRecord, layout: &Layout, line: u64, findings: &mut Findings) -> bool {
    let (found, width) = (record.len(), layout.width);
    if found != width {
        let sentence = format!(
            "has {found} cells, the header has {width}: a delimiter is missing, or a cell that holds one isn't quoted"
        );
        findings.error(line, None, sentence);
        return false;
    }
    // All cells together within the limit settles it for nearly every row.
    if record.as_slice().len() <= FIELD_LIMIT {
        return true;
    }
    let mut fits = true;
    for (index, cell) in record.iter().enumerate() {
        // Keyward's own prefix doesn't count, else its export of a full field wouldn't come back.
        let length = crate::exports::cells::strip(cell).len();
        if length > FIELD_LIMIT {
            let sentence = format!("has {length} bytes, at most {FIELD_LIMIT} (4 KiB) fit");
            findings.error(line, layout.name(index), sentence);
            fits = false;
        }
    }
    fits
}

/// The routes of this slice.
pub fn routes() -> crate::web::registry::Routes {
    crate::web::registry::Routes::default()
        .get("/imports", screens::list)
        .post_large("/imports", stage::BODY_LIMIT, stage::send)
        .get("/imports/{id}", screens::preview)
        .post("/imports/{id}/apply", stage::apply)
        .post("/imports/{id}/discard", stage::discard)
}

#[cfg(test)]
mod tests;
