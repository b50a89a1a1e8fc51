//! Files to install a product from: put here by an Administrator of a License ID that covers it, or linked.
//!
//! Who may: have a file, whoever's role carries downloads on a License ID that covers the product (Administrator,
//! Product download manager), under an ended agreement what was released until its last day; add and remove, an
//! Administrator of such a License ID. Tables: `downloads`, `download_tickets`; the bytes are in the data directory
//! under the row's id and are never served by path (docs/decisions/0029).

pub mod db;
pub mod give;
mod pace;
pub mod ranges;
pub mod store;
pub mod tab;
pub mod upload;
