//! The portal over HTTP.

mod addresses;
mod audit;
mod away;
mod contracts;
mod corrected;
mod hand;
pub mod matrix;
mod orders;
mod own;
mod people;
mod pools;
mod reference;
mod requests;
mod roles;
mod rows;
mod rules;
mod security;
mod summary;
mod tamper;
mod views;
pub mod walk;
pub mod world;
