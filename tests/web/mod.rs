//! The portal over HTTP.

mod matrix;
mod rows;
mod security;
mod tamper;
pub mod walk;
pub mod world;
