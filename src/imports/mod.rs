//! Import.
pub mod list;
pub mod preview;
