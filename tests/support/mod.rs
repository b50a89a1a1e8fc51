//! What the tests stand on.

pub mod cluster;
pub mod database;
pub mod estate;
