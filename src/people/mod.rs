//! Role assignments.
pub mod list;
