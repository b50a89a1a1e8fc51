//! Products and services.
pub mod list;
pub mod panel;
