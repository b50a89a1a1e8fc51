//! Orders.
pub mod list;
