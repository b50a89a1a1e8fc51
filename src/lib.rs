//! Keyward: the admin centre for volume licences that an organisation runs itself.
pub mod audit;
pub mod auth;
pub mod contracts;
pub mod exports;
pub mod imports;
pub mod orders;
pub mod people;
pub mod postgres;
pub mod products;
pub mod web;
