//! The integration tests: one binary, since each further one would cost its own link and its own cluster.
#![allow(clippy::unwrap_used)]

mod agent;
mod browser;
mod cli;
mod ground;
mod imports;
mod migrations;
mod notices;
mod people;
mod products;
mod requests;
mod responder;
mod structure;
mod support;
mod templates;
mod torture;
pub mod web;
