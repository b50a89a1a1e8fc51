//! Products and services: what the person's License IDs cover, with a panel for each product.
//!
//! Who may: whoever holds a role sees the products of those License IDs; the Keys tab shows the
//! keys of License IDs where the role reads keys on the product's page (Administrator, Product
//! keys reader). Tables: `products`, `contract_products`; keys come from the slice `keys`.

pub mod classify;
pub mod db;
pub mod list;
pub mod model;
pub mod panel;
mod screens;

use crate::web::registry::Routes;

pub use screens::with_revealed;

/// The routes of this slice.
pub fn routes() -> Routes {
    Routes::default().get("/products", screens::list).get("/products/{slug}", screens::open)
}
