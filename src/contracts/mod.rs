//! Contracts: the License IDs that a person holds a role on, with a panel for each.
//!
//! Who may: any role sees its License ID; keys need a role that reads keys, offerings one that
//! reads the licence position, and so does the licence summary of several. A License ID whose organisation isn't approved is seen by its
//! Administrators alone. Tables: `contracts`, `agreements`, `license_summaries`, `contacts`.

mod actions;
mod away;
mod chosen;
pub mod db;
mod ends;
pub mod list;
pub mod model;
mod ownership;
pub mod panel;
mod screens;
mod summary;
mod used;

use crate::web::registry::Routes;

pub use chosen::{Asked, Choice};
#[cfg(test)]
pub(crate) use ends::sample_of_all as sample_of_ends;
pub use ends::{month_in_words, of_all as when_they_end};
pub use screens::{address, count, filter, with_revealed};

/// The routes of this slice.
pub fn routes() -> Routes {
    Routes::default()
        .get("/contracts", screens::list)
        .get("/contracts/summary", summary::get)
        .get("/contracts/{license_id}", screens::open)
}
