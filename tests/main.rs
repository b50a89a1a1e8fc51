//! The integration tests: one binary, since each further one would cost its own link and its own cluster.
#![allow(clippy::unwrap_used)]

mod agent;
mod browser;
mod cli;
mod ground;
mod imports;
mod migrations;
mod people;
mod responder;
mod support;
mod templates;
mod torture;
mod web;
