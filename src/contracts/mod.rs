//! Contracts: the License IDs that a person holds a role on, with a panel for each.
//!
//! Who may: any role sees its License ID; keys need a role that reads keys, offerings one that
//! reads the licence position. A License ID whose organisation isn't approved is seen by its
//! Administrators alone. Tables: `contracts`, `agreements`, `license_summaries`, `contacts`.

pub mod db;
pub mod list;
pub mod model;
pub mod panel;
mod screens;

use crate::web::registry::Routes;

pub use screens::{filter, with_revealed};

/// The routes of this slice.
pub fn routes() -> Routes {
    Routes::default().get("/contracts", screens::list).get("/contracts/{license_id}", screens::open)
}
