//! Keyward: the admin centre for volume licences that an organisation runs itself.
//!
//! The map is in `docs/architecture.md`. Arrows run down: command line → application → feature
//! slices → vault and audit → database.

pub mod activation;
pub mod agent;
pub mod app;
pub mod audit;
pub mod auth;
pub mod cli;
pub mod clock;
pub mod config;
pub mod contracts;
pub mod error;
pub mod exports;
pub mod find;
pub mod hand;
pub mod imports;
pub mod keys;
pub mod lifecycle;
pub mod notices;
pub mod orders;
pub mod people;
pub mod pools;
pub mod postgres;
pub mod products;
pub mod reference;
pub mod requests;
pub mod responder;
pub mod simulate;
pub mod telemetry;
pub mod vault;
pub mod views;
pub mod web;
