//! People, and who holds which role on which License ID.
//!
//! Who may: an Administrator gives and takes roles on his License IDs and sees who holds one there; a
//! site operator sees all people and grants, and may name an Administrator, never himself, where a
//! License ID has none. Accounts are made on the command line. Tables: `people`, `grants`, `grant_rules`.

pub mod accounts;
mod alone;
mod assign;
pub mod db;
pub mod grants;
pub mod list;
pub mod model;
mod screens;

use crate::web::registry::Routes;

/// The routes of this slice.
pub fn routes() -> Routes {
    Routes::default()
        .get("/people", screens::list)
        .get("/people/alone", alone::get)
        .post("/people/grants", assign::give)
        .post("/people/grants/{id}/revoke", assign::revoke)
}
