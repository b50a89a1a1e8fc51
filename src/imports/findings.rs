//! What is wrong, or odd, in an imported file: where, in which column, and a sentence about it.
//!
//! No sentence ever holds the text of a `Product Key` cell: these end on pages and in logs.
use std::fmt;

/// Errors, and warnings, told one by one; of more only the number.
const TOLD: usize = 100;
/// Characters of a cell that a sentence quotes.
const QUOTED_LENGTH: usize = 60;

/// Why a row, and with it the file, is refused. Shown as `FILE:LINE: COLUMN: sentence`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowError {
    /// The file's name as given, control characters escaped.
    pub file: String,
    /// Line in the file, from 1; of a row with line breaks inside, its first.
    pub line: u64,
    /// The column's name, where one cell is at fault.
    pub column: Option<String>,
    /// What is wrong and what is right.
    pub sentence: String,
}

impl fmt::Display for RowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.file, self.line)?;
        if let Some(column) = &self.column {
            write!(f, "{column}: ")?;
        }
        f.write_str(&self.sentence)
    }
}

impl std::error::Error for RowError {}

/// What a warning is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WarningKind {
    /// More activations used than granted: an extension, or a slip.
    UsedAboveLimit,
    /// A key with characters outside the usual alphabet.
    UnusualCharacters,
    /// A `Type` beside the sentence that no key is needed; it is ignored.
    TypeIgnored,
    /// A contract that ends before it starts.
    EndsBeforeStart,
    /// A key row that names another organisation or programme than the License ID has.
    OtherContract,
    /// What an Administrator's file says about who else may see a License ID; it is left as it is.
    Structure,
    /// What only Select Plus tells, of an order under another programme; it is left out.
    OtherProgram,
    /// A row about something that was put away: it is written, and stays in the archive.
    Archived,
    /// Stands for all the warnings beyond the first hundred, and says how many.
    More(usize),
}

/// Something odd that is kept as it is. Shown like a [`RowError`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowWarning {
    /// What it is about.
    pub kind: WarningKind,
    /// The file's name as given, control characters escaped.
    pub file: String,
    /// Line in the file, from 1.
    pub line: u64,
    /// The column's name.
    pub column: Option<String>,
    /// What is odd.
    pub sentence: String,
}

impl fmt::Display for RowWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.file, self.line)?;
        if let Some(column) = &self.column {
            write!(f, "{column}: ")?;
        }
        f.write_str(&self.sentence)
    }
}

/// Gathers what is found while one file is read.
pub(super) struct Findings {
    file: String,
    errors: Vec<RowError>,
    warnings: Vec<RowWarning>,
    /// Line of the first error that isn't told, and how many aren't.
    untold_errors: Option<(u64, usize)>,
    untold_warnings: Option<(u64, usize)>,
}

impl Findings {
    pub(super) fn new(file: &str) -> Self {
        Self {
            file: escaped(file),
            errors: Vec::new(),
            warnings: Vec::new(),
            untold_errors: None,
            untold_warnings: None,
        }
    }

    /// The file's name, fit for a message.
    pub(super) fn file(&self) -> &str {
        &self.file
    }

    pub(super) fn error(&mut self, line: u64, column: Option<&str>, sentence: impl Into<String>) {
        if self.errors.len() == TOLD {
            self.untold_errors.get_or_insert((line, 0)).1 += 1;
            return;
        }
        self.errors.push(RowError {
            file: self.file.clone(),
            line,
            column: column.map(str::to_owned),
            sentence: sentence.into(),
        });
    }

    pub(super) fn warning(&mut self, kind: WarningKind, line: u64, column: &str, sentence: String) {
        if self.warnings.len() == TOLD {
            self.untold_warnings.get_or_insert((line, 0)).1 += 1;
            return;
        }
        self.warnings.push(RowWarning {
            kind,
            file: self.file.clone(),
            line,
            column: Some(column.to_owned()),
            sentence,
        });
    }

    pub(super) fn has_errors(&self) -> bool {
        !self.errors.is_empty()
    }

    /// The warnings of a file that is taken, or the errors of one that isn't.
    pub(super) fn finish(self) -> Result<Vec<RowWarning>, Vec<RowError>> {
        let (errors, warnings) = self.into_parts();
        if errors.is_empty() { Ok(warnings) } else { Err(errors) }
    }

    /// Errors and warnings, each with one more that counts those not told.
    pub(super) fn into_parts(mut self) -> (Vec<RowError>, Vec<RowWarning>) {
        if let Some((line, more)) = self.untold_errors {
            self.errors.push(RowError {
                file: self.file.clone(),
                line,
                column: None,
                sentence: format!("… and {more} more"),
            });
        }
        if let Some((line, more)) = self.untold_warnings {
            self.warnings.push(RowWarning {
                kind: WarningKind::More(more),
                file: self.file,
                line,
                column: None,
                sentence: format!("… and {more} more"),
            });
        }
        (self.errors, self.warnings)
    }
}

/// A cell as a sentence quotes it: in quotes, cut, control characters escaped.
///
/// Columns get mixed up and header lines forgotten, so what looks like a key isn't quoted, in
/// whichever cell it stands.
pub(super) fn quoted(cell: &str) -> String {
    if looks_like_key(cell.as_bytes()) {
        return "a text that looks like a product key".to_owned();
    }
    let mut characters = cell.chars();
    let start: String = characters.by_ref().take(QUOTED_LENGTH).collect();
    let ellipsis = if characters.next().is_some() { "…" } else { "" };
    format!("'{}{ellipsis}'", escaped(&start))
}

/// Whether two groups of a key stand in the text, or 25 letters and digits without hyphens.
fn looks_like_key(text: &[u8]) -> bool {
    let group = |bytes: &[u8]| bytes.iter().all(u8::is_ascii_alphanumeric);
    let two_groups = |window: &[u8]| window[5] == b'-' && group(&window[..5]) && group(&window[6..]);
    let mut runs = text.split(|byte| !byte.is_ascii_alphanumeric());
    text.windows(11).any(two_groups) || runs.any(|run| run.len() == 25 && run.iter().any(u8::is_ascii_digit))
}

/// Whether a whole key stands in the text. Surer than [`looks_like_key`], to refuse by: `Alpha-Suite`
/// has two groups of five as well.
pub fn holds_key(text: &str) -> bool {
    let separated = |(at, byte): (usize, &u8)| if at % 6 == 5 { *byte == b'-' } else { byte.is_ascii_alphanumeric() };
    let mut runs = text.split(|character: char| !character.is_ascii_alphanumeric());
    text.as_bytes().windows(29).any(|window| window.iter().enumerate().all(separated))
        || runs.any(|run| run.len() == 25 && run.bytes().any(|byte| byte.is_ascii_digit()))
}

/// Control and direction-changing characters would let a file forge lines of a log.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        // Of those that `escape_debug` changes, quotes and backslashes are harmless here.
        if matches!(character, '\'' | '"' | '\\') {
            out.push(character);
        } else {
            out.extend(character.escape_debug());
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_reads_file_line_column_sentence() {
        let mut findings = Findings::new("keys.csv");
        findings.error(7, Some("Type"), "is empty");
        findings.error(8, None, "has 3 cells");
        let errors = findings.finish().expect_err("two errors");
        assert_eq!(errors[0].to_string(), "keys.csv:7: Type: is empty");
        assert_eq!(errors[1].to_string(), "keys.csv:8: has 3 cells");
    }

    #[test]
    fn beyond_a_hundred_errors_only_their_number_is_told() {
        let mut findings = Findings::new("keys.csv");
        for line in 2..=118 {
            findings.error(line, None, "is wrong");
        }
        let errors = findings.finish().expect_err("many errors");
        assert_eq!(errors.len(), 101);
        assert_eq!(errors[100].to_string(), "keys.csv:102: … and 17 more");
    }

    #[test]
    fn beyond_a_hundred_warnings_only_their_number_is_told() {
        let mut findings = Findings::new("keys.csv");
        for line in 2..=102 {
            findings.warning(WarningKind::TypeIgnored, line, "Type", "is odd".to_owned());
        }
        let warnings = findings.finish().expect("warnings refuse nothing");
        assert_eq!(warnings[100].to_string(), "keys.csv:102: … and 1 more");
        assert_eq!(warnings[100].kind, WarningKind::More(1));
    }

    #[test]
    fn a_quoted_cell_is_cut_and_its_control_characters_escaped() {
        assert_eq!(quoted("a\nb\u{202e}"), "'a\\nb\\u{202e}'");
        assert_eq!(quoted(&"x".repeat(61)), format!("'{}…'", "x".repeat(60)));
        assert_eq!(quoted("Köln \"Süd\""), "'Köln \"Süd\"'");
    }

    #[test]
    fn a_key_in_a_wrong_column_is_not_quoted() {
        for cell in ["MAK: qx3tj-7WKPD-9HMCV-2BRFG-84YNX!", "QX3TJ-7WKPD-9HMC-2BRFG", "QX3TJ7WKPD9HMCV2BRFG84YNX"] {
            assert_eq!(quoted(cell), "a text that looks like a product key");
        }
        assert_eq!(quoted("Office-2024"), "'Office-2024'");
    }

    #[test]
    fn a_whole_key_is_told_from_names_with_hyphens() {
        for text in
            ["QX3TJ-7WKPD-9HMCV-2BRFG-84YNX", "key: QX3TJ-7WKPD-9HMCV-2BRFG-84YNX!", "QX3TJ7WKPD9HMCV2BRFG84YNX"]
        {
            assert!(holds_key(text), "{text}");
        }
        for text in ["Alpha-Suite", "QX3TJ-7WKPD-9HMCV-2BRFG-84YN", "Internationalization Suite Ü"] {
            assert!(!holds_key(text), "{text}");
        }
    }

    #[test]
    fn a_file_name_cannot_forge_a_line() {
        let mut findings = Findings::new("a\n2:.csv");
        findings.error(1, None, "is empty");
        let errors = findings.finish().expect_err("one error");
        assert_eq!(errors[0].to_string(), "a\\n2:.csv:1: is empty");
    }
}
