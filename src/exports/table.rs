//! A small table as a file: lists that fit in memory.

use super::{Format, XlsxSheet, append_row, header_bytes};
use crate::error::{Error, Result};

/// The whole file, the headings first.
///
/// # Errors
/// When the spreadsheet can't be written.
pub fn write<const N: usize>(
    format: Format,
    columns: &[&str],
    rows: impl IntoIterator<Item = [String; N]>,
) -> Result<Vec<u8>> {
    let Some(text) = format.text() else { return sheet(columns, rows).map_err(Error::Internal) };
    let mut out = header_bytes(text, columns);
    for row in rows {
        append_row(&mut out, text, &row.each_ref().map(String::as_str));
    }
    Ok(out)
}

fn sheet<const N: usize>(columns: &[&str], rows: impl IntoIterator<Item = [String; N]>) -> anyhow::Result<Vec<u8>> {
    let mut sheet = XlsxSheet::new(columns)?;
    for row in rows {
        sheet.row(&row.each_ref().map(String::as_str))?;
    }
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut sheet.finish()?, &mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_written_in_each_format() {
        let file = |format| write(format, &["A", "B"], [["1".to_owned(), "=x".to_owned()]]).unwrap();
        assert_eq!(file(Format::Csv), b"\"A\",\"B\"\r\n\"1\",\"'=x\"\r\n");
        assert_eq!(file(Format::Tsv), "\u{feff}A\tB\r\n1\t'=x\r\n".as_bytes());
        assert!(file(Format::Xlsx).starts_with(b"PK"));
    }
}
