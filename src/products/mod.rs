//! Products and services: what the person's License IDs cover, with a panel for each product.
//!
//! Who may: whoever holds a role sees the products of those License IDs; the Keys tab shows the
//! keys of License IDs where the role reads keys on the product's page (Administrator, Product
//! keys reader), the Downloads tab files of those where it carries downloads ([`downloads`]). A site operator sets from
//! when a year of ESU can be used, an Administrator a key. Tables: `products`, `contract_products`, `esu_years`; keys
//! come from the slice `keys`.

pub mod about;
mod away;
pub mod classify;
mod days;
pub mod db;
pub mod downloads;
pub mod esu;
pub mod list;
pub mod model;
pub mod panel;
pub mod rules;
mod screens;

use crate::web::registry::Routes;

pub use screens::{address, count, with_revealed};

/// The routes of this slice.
pub fn routes() -> Routes {
    Routes::default()
        .get("/products", screens::list)
        .get("/products/{slug}", screens::open)
        .get("/products/esu", days::get)
        .post("/products/esu", days::set_year)
        .post("/keys/{id}/usable-from", days::set_key)
        .post_streamed("/products/{slug}/downloads", downloads::upload::add)
        .get("/downloads/{id}", downloads::give::get)
        .post("/downloads/{id}", downloads::give::begin)
        .post("/downloads/{id}/remove", downloads::give::remove)
        .post("/downloads/{id}/restore", downloads::give::restore)
}
