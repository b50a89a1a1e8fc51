//! Product keys: their written form, kinds and counts, the rows that lists show, and the two posts
//! by which a single key leaves.
//!
//! Who may: whoever holds a role that reads keys on the key's License ID, with a recent password.
//! Tables: `product_keys`, `key_readings`. [`kind`] and [`product_key`] are pure.

pub mod db;
pub mod fullest;
pub mod kind;
pub mod model;
pub mod product_key;
mod release;
mod standing;
pub mod tab;
pub mod view;

pub use kind::{Activations, KeyKind, kind_of};
pub use product_key::{Malformed, ProductKey, masked};

use crate::web::registry::Routes;

/// The routes of this slice.
pub fn routes() -> Routes {
    Routes::default().post("/keys/{id}/reveal", release::reveal).post("/keys/{id}/copy", release::copy)
}
