//! Product keys: their written form, their kinds and their counts.
//!
//! What stands here is pure: no database, no HTTP.
pub mod kind;
pub mod product_key;

pub use kind::{Activations, KeyKind};
pub use product_key::{Malformed, ProductKey, masked};
