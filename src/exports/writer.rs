//! The export formats, and the two that are text.
//!
//! A text export is a growing buffer that the caller sends on in pieces: rows are appended without
//! an allocation per cell.
use std::fmt;
use std::str::FromStr;

use super::cells;

/// A format that a person or script may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// The vendor admin centre's own shape, see [`TextFormat::Tsv`].
    Tsv,
    /// RFC 4180, see [`TextFormat::Csv`].
    Csv,
    /// A spreadsheet of text cells, see [`super::XlsxSheet`].
    Xlsx,
}

/// The formats that are written as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TextFormat {
    /// Tab-delimited UTF-8 with BOM and CRLF, quoted only where a cell needs it. The vendor names
    /// such a file `.csv`; so does Keyward, since scripts expect it.
    Tsv,
    /// RFC 4180: comma, CRLF, every cell quoted; UTF-8 without BOM.
    Csv,
}

/// The word for a format wasn't one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an export is written as tsv, csv or xlsx")]
pub struct UnknownFormat;

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(text: &str) -> Result<Self, UnknownFormat> {
        match text {
            "tsv" => Ok(Self::Tsv),
            "csv" => Ok(Self::Csv),
            "xlsx" => Ok(Self::Xlsx),
            _ => Err(UnknownFormat),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tsv => "tsv",
            Self::Csv => "csv",
            Self::Xlsx => "xlsx",
        })
    }
}

impl Format {
    /// The text format behind it; `None` for a spreadsheet.
    pub const fn text(self) -> Option<TextFormat> {
        match self {
            Self::Tsv => Some(TextFormat::Tsv),
            Self::Csv => Some(TextFormat::Csv),
            Self::Xlsx => None,
        }
    }

    /// The value of the `Content-Type` header.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Tsv => "text/tab-separated-values; charset=utf-8",
            Self::Csv => "text/csv; charset=utf-8",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        }
    }

    /// The file name extension, without a dot.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Tsv | Self::Csv => "csv",
            Self::Xlsx => "xlsx",
        }
    }
}

/// The first bytes of a text file: the byte order mark where the format has one, and the header.
pub fn header_bytes(format: TextFormat, columns: &[&str]) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    if format == TextFormat::Tsv {
        out.extend_from_slice("\u{feff}".as_bytes());
    }
    append_row(&mut out, format, columns);
    out
}

/// Appends one row with its line end. Dangerous cells are neutralised ([`cells`]).
pub fn append_row(out: &mut Vec<u8>, format: TextFormat, row: &[&str]) {
    if format == TextFormat::Tsv && row == [""] {
        // An empty line is no row, so a row of one empty cell is quoted.
        append_cell(out, "", true);
    } else {
        for (index, cell) in row.iter().enumerate() {
            if index > 0 {
                out.push(format.delimiter());
            }
            append_cell(out, cell, format == TextFormat::Csv);
        }
    }
    out.extend_from_slice(LINE_END);
}

pub(super) const LINE_END: &[u8] = b"\r\n";

impl TextFormat {
    pub(super) const fn delimiter(self) -> u8 {
        match self {
            Self::Tsv => b'\t',
            Self::Csv => b',',
        }
    }
}

/// Appends a cell, neutralised; quoted if asked for, or where it would not be one cell otherwise.
pub(super) fn append_cell(out: &mut Vec<u8>, cell: &str, quote: bool) {
    let bytes = cell.as_bytes();
    let quote = quote || bytes.iter().any(|byte| breaks_out(*byte));
    if quote {
        out.push(b'"');
    }
    if cells::needs_prefix(cell) {
        out.push(cells::PREFIX);
    }
    if quote {
        let mut rest = bytes;
        while let Some(at) = memchr::memchr(b'"', rest) {
            out.extend_from_slice(&rest[..=at]);
            out.push(b'"');
            rest = &rest[at + 1..];
        }
        out.extend_from_slice(rest);
        out.push(b'"');
    } else {
        out.extend_from_slice(bytes);
    }
}

/// Whether a byte would end an unquoted tab-delimited cell or be read as a quote.
const fn breaks_out(byte: u8) -> bool {
    matches!(byte, b'\t' | b'"' | b'\r' | b'\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(format: TextFormat, cells: &[&str]) -> String {
        let mut out = Vec::new();
        append_row(&mut out, format, cells);
        String::from_utf8(out).expect("cells are text")
    }

    #[test]
    fn csv_quotes_every_cell() {
        assert_eq!(
            row(TextFormat::Csv, &["007", "", "Wide World \"Imports\", Inc."]),
            "\"007\",\"\",\"Wide World \"\"Imports\"\", Inc.\"\r\n"
        );
    }

    #[test]
    fn tsv_quotes_only_where_a_cell_needs_it() {
        assert_eq!(
            row(TextFormat::Tsv, &["007", "", "a, b; c", "a\tb", "say \"x\"", "two\r\nlines"]),
            "007\t\ta, b; c\t\"a\tb\"\t\"say \"\"x\"\"\"\t\"two\r\nlines\"\r\n"
        );
    }

    #[test]
    fn dangerous_cells_are_neutralised_in_both() {
        assert_eq!(row(TextFormat::Tsv, &["=1+1", "\tx"]), "'=1+1\t\"'\tx\"\r\n");
        assert_eq!(row(TextFormat::Csv, &["=1+1"]), "\"'=1+1\"\r\n");
    }

    #[test]
    fn only_tsv_starts_with_a_byte_order_mark() {
        assert_eq!(header_bytes(TextFormat::Tsv, &["a", "b"]), b"\xef\xbb\xbfa\tb\r\n");
        assert_eq!(header_bytes(TextFormat::Csv, &["a", "b"]), b"\"a\",\"b\"\r\n");
    }

    #[test]
    fn formats_read_back_from_their_names() {
        for format in [Format::Tsv, Format::Csv, Format::Xlsx] {
            assert_eq!(format.to_string().parse(), Ok(format));
        }
        assert_eq!("pdf".parse::<Format>(), Err(UnknownFormat));
    }

    #[test]
    fn tsv_is_named_csv() {
        assert_eq!(Format::Tsv.extension(), "csv");
        assert_eq!(Format::Xlsx.extension(), "xlsx");
    }
}
