//! Files in: read, planned, written.

mod apply;
mod files;
mod property;
mod rights;
mod web;
