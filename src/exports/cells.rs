//! Cells that a spreadsheet would run as a formula.
//!
//! A cell of a CSV file that starts with `=`, `+`, `-`, `@` or certain control characters is
//! executed when the file is opened in a spreadsheet (OWASP, "CSV Injection"). Keyward writes an
//! apostrophe before such a cell, and its own importer takes exactly that apostrophe off again.
//!
//! To make that exact, a cell that already looks neutralised (apostrophes, then a dangerous
//! character) gets one more apostrophe too. Any other cell that starts with an apostrophe, such as
//! the town `'s-Hertogenbosch`, passes through both directions untouched.

/// What goes before a dangerous cell.
pub const PREFIX: u8 = b'\'';

/// Whether a first byte makes a spreadsheet treat the cell as something to execute.
const fn is_dangerous(byte: u8) -> bool {
    matches!(byte, b'=' | b'+' | b'-' | b'@' | b'\t' | b'\r' | b'\n' | b'\0')
}

/// Whether the cell is any number of prefixes (zero included) followed by a dangerous character.
fn is_prefixed_or_dangerous(cell: &[u8]) -> bool {
    // The first byte settles nearly every cell: this runs for each cell of each export.
    match cell.first() {
        Some(&PREFIX) => {}
        Some(&byte) => return is_dangerous(byte),
        None => return false,
    }
    cell.iter().find(|byte| **byte != PREFIX).is_some_and(|byte| is_dangerous(*byte))
}

/// Whether an exported cell needs the prefix.
pub fn needs_prefix(cell: &str) -> bool {
    is_prefixed_or_dangerous(cell.as_bytes())
}

/// The cell as it was before it was exported: takes off one prefix if that is Keyward's own.
pub fn strip(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(rest) if is_prefixed_or_dangerous(rest.as_bytes()) => rest,
        _ => cell,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The cell as the writers write it, which put the prefix in place.
    fn neutralise(cell: &str) -> String {
        if needs_prefix(cell) { format!("'{cell}") } else { cell.to_owned() }
    }

    #[test]
    fn every_dangerous_first_character_is_neutralised() {
        for first in ["=", "+", "-", "@", "\t", "\r", "\n", "\0"] {
            let cell = format!("{first}SUM(A1)");
            assert_eq!(neutralise(&cell), format!("'{cell}"));
        }
    }

    #[test]
    fn harmless_cells_stay_as_they_are() {
        for cell in ["", "8671204", "a=b", "'s-Hertogenbosch", "''", "42/50"] {
            assert_eq!(neutralise(cell), cell);
            assert_eq!(strip(cell), cell);
        }
    }

    #[test]
    fn a_cell_that_looks_neutralised_already_comes_back_whole() {
        assert_eq!(neutralise("'=1"), "''=1");
        assert_eq!(strip("''=1"), "'=1");
        assert_eq!(strip("'=1"), "=1");
    }

    proptest! {
        #[test]
        fn stripping_undoes_neutralising(cell in "['=+@\\-\t\r\n\u{0}a]{0,6}|\\PC*") {
            let neutral = neutralise(&cell);
            prop_assert_eq!(strip(&neutral), cell.as_str());
        }

        #[test]
        fn no_neutralised_cell_starts_dangerously(cell in "['=+@\\-\t\r\n\u{0}a]{0,6}") {
            let neutral = neutralise(&cell);
            prop_assert!(!neutral.bytes().next().is_some_and(is_dangerous));
        }
    }
}
