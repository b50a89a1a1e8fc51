//! A small table as a file: lists that fit in memory.

use axum::response::{IntoResponse, Response};
use time::{Date, macros::format_description};

use super::{Format, UnknownFormat, XlsxSheet, append_row, header_bytes, keys::attachment};
use crate::{
    app::AppState,
    audit::Event,
    auth::proof::SignedIn,
    error::{Error, Result},
    postgres::Scoped,
    web::form::Pairs,
};

/// The format that a form asks for.
///
/// # Errors
/// 400 for an unknown one.
pub(super) fn format(form: &Pairs) -> Result<Format> {
    form.one("format").parse().map_err(|unknown: UnknownFormat| Error::Malformed(unknown.to_string()))
}

/// Records that a list leaves, with its event, and then answers with it as a file of this name; see [`write`].
///
/// # Errors
/// When the database fails.
pub(super) async fn send<const N: usize>(
    person: &SignedIn,
    state: &AppState,
    (mut tx, event): (Scoped, Event),
    (format, name): (Format, &str),
    columns: &[&str],
    rows: impl IntoIterator<Item = [impl AsRef<str>; N]>,
) -> Result<Response> {
    person.record(state, &mut tx, event).await?;
    tx.commit().await?;
    let file = write(format, columns, rows)?;
    Ok((attachment(format, name, state.clock().now())?, file).into_response())
}

/// A day as files write it; empty for none.
pub(super) fn iso(day: Option<Date>) -> String {
    day.and_then(|day| day.format(format_description!("[year]-[month]-[day]")).ok()).unwrap_or_default()
}

/// The whole file, the headings first. Cells of a row beyond the columns are left out.
///
/// # Errors
/// When the spreadsheet can't be written.
pub fn write<const N: usize>(
    format: Format,
    columns: &[&str],
    rows: impl IntoIterator<Item = [impl AsRef<str>; N]>,
) -> Result<Vec<u8>> {
    let Some(text) = format.text() else { return sheet(columns, rows).map_err(Error::Internal) };
    let mut out = header_bytes(text, columns);
    for row in rows {
        append_row(&mut out, text, &row.each_ref().map(AsRef::as_ref)[..columns.len().min(N)]);
    }
    Ok(out)
}

fn sheet<const N: usize>(
    columns: &[&str],
    rows: impl IntoIterator<Item = [impl AsRef<str>; N]>,
) -> anyhow::Result<Vec<u8>> {
    let mut sheet = XlsxSheet::new(columns)?;
    for row in rows {
        sheet.row(&row.each_ref().map(AsRef::as_ref)[..columns.len().min(N)])?;
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
