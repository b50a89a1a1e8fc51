//! The portal over HTTP.

mod audit;
mod corrected;
mod hand;
pub mod matrix;
mod orders;
mod own;
mod people;
mod pools;
mod reference;
mod requests;
mod rows;
mod security;
mod tamper;
pub mod walk;
pub mod world;
