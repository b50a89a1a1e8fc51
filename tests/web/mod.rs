//! The portal over HTTP.

mod audit;
pub mod matrix;
mod orders;
mod people;
mod reference;
mod requests;
mod rows;
mod security;
mod tamper;
pub mod walk;
pub mod world;
