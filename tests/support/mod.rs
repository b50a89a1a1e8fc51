//! What the tests stand on.

pub mod app;
pub mod cluster;
pub mod database;
pub mod estate;
pub mod log;
pub mod people;
