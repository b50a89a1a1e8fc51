//! Contracts: License IDs and what belongs to them.
pub mod list;
pub mod panel;
