//! The portal over HTTP.

mod matrix;
pub mod walk;
pub mod world;
