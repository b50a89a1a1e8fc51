//! Export: key and contract lists as files that import again unchanged.
//!
//! Pure writing; who may export what, and the audit row before it, is decided by the callers.
//! [`cells`] holds the one rule about dangerous cells that export and import share, [`columns`] the
//! shape of each file, [`writer`] the text formats, [`sheet`] the spreadsheet.
pub mod cells;
pub mod columns;
pub mod sheet;
pub mod writer;

pub use columns::{
    CONTRACT_COLUMNS, CellBuffer, ExportedKey, KEY_COLUMNS, KeyExportRow, NO_KEY_SENTENCE,
};
pub use sheet::{SheetError, XlsxSheet};
pub use writer::{Format, TextFormat, UnknownFormat, append_row, header_bytes};
