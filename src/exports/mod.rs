//! Export: key and contract lists as files that import again unchanged.
//!
//! Who may: keys need a role that reads keys and a recent password, and leave after their audit
//! events are committed; the contract list needs a role on each License ID; order lines and licence
//! summaries one that reads the licence position. No tables of its own.
//!
//! [`cells`] holds the one rule about dangerous cells that export and import share, [`columns`] the
//! shape of each file, [`writer`] the text formats, [`rows`] keys in them, [`sheet`] the spreadsheet, [`table`] either for what is small.
pub mod cells;
pub mod columns;
pub mod contracts;
pub mod db;
pub mod groups;
mod job;
pub mod keys;
mod orders;
pub mod rows;
pub mod sheet;
mod summary;
pub mod table;
pub mod writer;

pub use columns::{CONTRACT_COLUMNS, CellBuffer, ExportedKey, KEY_COLUMNS, KeyExportRow, NO_KEY_SENTENCE};
pub use sheet::{SheetError, XlsxSheet};
pub use writer::{Format, TextFormat, UnknownFormat, append_row, header_bytes};

use crate::web::registry::Routes;

/// The routes of this slice.
pub fn routes() -> Routes {
    Routes::default()
        .post("/exports/keys", keys::post)
        .post("/exports/contracts", contracts::post)
        .post("/exports/summary", summary::post)
        .post("/exports/orders", orders::post)
}
