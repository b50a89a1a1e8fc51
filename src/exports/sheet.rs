//! The spreadsheet export: text cells only, so that `10/50` stays no date and `0005512873` keeps
//! its zeros.
//!
//! Rows go to temporary files as they come, so memory doesn't grow with the list. Those files are
//! nameless (unlinked while open) but hold keys in clear until the sheet is dropped: hand in a
//! directory that only the server reads.
use std::fs::File;
use std::io::{BufWriter, Seek, SeekFrom, Write as _};
use std::path::Path;

use rust_xlsxwriter::{Format as CellFormat, IgnoreError, Workbook, XlsxError};

/// Rows of a worksheet, the header included (the format's own limit).
pub const ROW_LIMIT: u32 = 1_048_576;
/// Columns of a worksheet (the format's own limit).
const COLUMN_LIMIT: usize = 16_384;
/// Narrowest and widest column, in characters; longer cells run on.
const WIDTHS: (u16, u16) = (8, 60);

/// Why a spreadsheet wasn't written.
#[derive(Debug, thiserror::Error)]
pub enum SheetError {
    /// One row more than the format holds.
    #[error("a spreadsheet holds 1,048,575 rows below its header: export as csv or tsv, or narrow the selection")]
    Full,
    /// A row of more cells than the header, or more columns than the format holds.
    #[error("a spreadsheet row of {cells} cells doesn't fit {columns} columns")]
    Shape {
        /// Cells of the row.
        cells: usize,
        /// Columns of the sheet.
        columns: usize,
    },
    /// The library refused, for instance a cell above 32,767 characters.
    #[error("the spreadsheet couldn't be written")]
    Library(#[from] XlsxError),
    /// The temporary file failed.
    #[error("the temporary file of the spreadsheet couldn't be written")]
    File(#[from] std::io::Error),
}

/// A spreadsheet that is being written row by row.
///
/// Cells aren't neutralised as in the text formats: a text cell of a spreadsheet is never run.
pub struct XlsxSheet {
    workbook: Workbook,
    text: CellFormat,
    directory: std::path::PathBuf,
    /// Widest cell of each column so far, in characters, within `WIDTHS`.
    widths: Vec<u16>,
    next_row: u32,
}

impl XlsxSheet {
    /// Starts a sheet with a bold, frozen header; its temporary files are in the system's directory.
    ///
    /// # Errors
    /// [`SheetError`] if the temporary file can't be made or there are too many columns.
    pub fn new(columns: &[&str]) -> Result<Self, SheetError> {
        Self::new_in(&std::env::temp_dir(), columns)
    }

    /// As [`XlsxSheet::new`], with the temporary files in `directory`.
    ///
    /// # Errors
    /// [`SheetError`] if the temporary file can't be made or there are too many columns.
    pub fn new_in(directory: &Path, columns: &[&str]) -> Result<Self, SheetError> {
        if columns.is_empty() || columns.len() > COLUMN_LIMIT {
            return Err(SheetError::Shape { cells: columns.len(), columns: COLUMN_LIMIT });
        }
        let mut workbook = Workbook::new();
        workbook.set_tempdir(directory)?;
        let worksheet = workbook.add_worksheet_with_constant_memory()?;
        worksheet.set_freeze_panes(1, 0)?;
        let mut sheet = Self {
            workbook,
            // Built-in number format 49 is "text": an edited cell stays text too.
            text: CellFormat::new().set_num_format_index(49),
            directory: directory.to_owned(),
            widths: vec![WIDTHS.0; columns.len()],
            next_row: 0,
        };
        let bold = sheet.text.clone().set_bold();
        sheet.write(columns, &bold)?;
        Ok(sheet)
    }

    /// Appends a row; missing cells at its end stay empty.
    ///
    /// # Errors
    /// [`SheetError::Full`] beyond [`ROW_LIMIT`]; [`SheetError::Shape`] for more cells than columns.
    pub fn row(&mut self, cells: &[&str]) -> Result<(), SheetError> {
        let text = self.text.clone();
        self.write(cells, &text)
    }

    fn write(&mut self, cells: &[&str], format: &CellFormat) -> Result<(), SheetError> {
        if cells.len() > self.widths.len() {
            return Err(SheetError::Shape { cells: cells.len(), columns: self.widths.len() });
        }
        if self.next_row >= ROW_LIMIT {
            return Err(SheetError::Full);
        }
        let worksheet = self.workbook.worksheet_from_index(0)?;
        for ((column, cell), width) in (0u16..).zip(cells).zip(&mut self.widths) {
            if !cell.is_empty() {
                worksheet.write_string_with_format(self.next_row, column, *cell, format)?;
            }
            let length = u16::try_from(cell.chars().count()).unwrap_or(u16::MAX);
            *width = (*width).max(length.min(WIDTHS.1));
        }
        self.next_row += 1;
        Ok(())
    }

    /// Ends the sheet and answers the file, rewound, nameless and gone when it is closed.
    ///
    /// # Errors
    /// [`SheetError`] if the file can't be written.
    pub fn finish(mut self) -> Result<File, SheetError> {
        let last_row = self.next_row - 1;
        let last_column = u16::try_from(self.widths.len() - 1).unwrap_or(u16::MAX);
        let worksheet = self.workbook.worksheet_from_index(0)?;
        for (column, width) in (0u16..).zip(&self.widths) {
            // Two more than the text: room for the filter's arrow.
            worksheet.set_column_width(column, f64::from(width + 2))?;
        }
        worksheet.autofilter(0, 0, last_row, last_column)?;
        // License IDs and seats are text on purpose; no green corners for it.
        let warning = IgnoreError::NumberStoredAsText;
        worksheet.ignore_error_range(0, 0, last_row, last_column, warning)?;
        let mut out = BufWriter::new(tempfile::tempfile_in(&self.directory)?);
        self.workbook.save_to_writer(&mut out)?;
        out.flush()?;
        let mut file = out.into_inner().map_err(std::io::IntoInnerError::into_error)?;
        file.seek(SeekFrom::Start(0))?;
        Ok(file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;

    #[test]
    fn a_finished_sheet_is_a_zip_from_its_first_byte() {
        let mut sheet = XlsxSheet::new(&["License ID", "Seats"]).expect("temporary files work");
        sheet.row(&["0005512873", "=1+1"]).expect("fits");
        sheet.row(&["8671204"]).expect("a short row is fine");
        let mut bytes = Vec::new();
        let mut file = sheet.finish().expect("writes");
        file.read_to_end(&mut bytes).expect("reads");
        assert_eq!(&bytes[..4], b"PK\x03\x04");
    }

    #[test]
    fn a_row_wider_than_the_header_is_refused() {
        let mut sheet = XlsxSheet::new(&["License ID"]).expect("temporary files work");
        assert!(matches!(sheet.row(&["1", "2"]), Err(SheetError::Shape { cells: 2, columns: 1 })));
    }

    #[test]
    fn a_row_beyond_the_format_is_refused() {
        let mut sheet = XlsxSheet::new(&["License ID"]).expect("temporary files work");
        sheet.next_row = ROW_LIMIT;
        assert!(matches!(sheet.row(&["1"]), Err(SheetError::Full)));
    }
}
