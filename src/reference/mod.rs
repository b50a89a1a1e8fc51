//! Help and reference: the setup keys the vendor publishes, activation error codes, guides, and two
//! helpers that lead from a situation to the right key or number.
//!
//! Who may: whoever is signed in. Setup keys, codes and guides are the same for everybody; "Which
//! key?" and the RDS helper show what the person sees anyway, in the scope of their roles. Tables:
//! none of its own; the data is in `reference/`, part of the program.

mod advice;
mod codes;
mod commands;
mod db;
mod error_codes;
mod events;
mod guides;
pub mod gvlk;
mod rds;
mod rds_number;
mod resemblance;
mod setup_keys;
mod which_key;
mod which_key_form;

use crate::web::registry::Routes;

pub use guides::Guide;

/// The routes of this slice.
pub fn routes() -> Routes {
    Routes::default()
        .get("/setup-keys", setup_keys::get)
        .get("/error-codes", error_codes::list)
        .get("/error-codes/{code}", error_codes::one)
        .get("/guides", guides::list)
        .get("/guides/{slug}", guides::one)
        .get("/products/which-key", which_key::get)
        .get("/products/rds", rds::get)
}
