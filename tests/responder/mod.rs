//! The responder over real TCP and a real database, and the rules of activation as a client meets them.

mod abuse;
mod enrolled;
mod hosts;
mod kms;
mod mak;
mod offline;
mod python;
mod race;
mod rights;
pub mod site;
