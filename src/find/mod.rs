//! One field that finds everything: pages, saved views, products, License IDs, orders, people, and keys by their last five
//! characters. It leads to things and never holds a secret.
//!
//! Who may: whoever is signed in; each kind is cut to what its own pages show this person. Tables: none of its own.

mod db;
mod model;
mod page;
mod places;
mod screens;

use crate::web::registry::Routes;

/// The routes of this slice.
pub fn routes() -> Routes {
    Routes::default().get("/find", screens::get)
}
