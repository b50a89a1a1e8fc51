//! The activation of the organisation's own software: what is said on the wire, keys, leases, hardware
//! binding, and the ledger. No sockets and no HTML: the responder, the agent and the portal stand on this.
//!
//! The protocol is written down in `docs/protocol.md`. It is Keyward's own and signs with this site's key
//! alone; no vendor's software can be activated by it.

pub mod administration;
pub mod carried;
pub mod code;
pub mod config;
pub mod count;
pub mod db;
pub mod enrol;
pub mod fields;
pub mod hardware;
pub mod jws;
pub mod kms;
pub mod lease;
pub mod ledger;
pub mod mak;
pub mod offline;
pub mod policy;
pub mod product_key;
pub mod request;
pub mod typed;
pub mod wire;

#[cfg(test)]
mod vectors;
