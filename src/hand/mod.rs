//! Adding and correcting by hand: License IDs, their keys, orders and contacts, products, organisations and agreements;
//! what was changed, by whom and why; the archive, and the way back from each.
//!
//! Who may: Administrators what belongs to their License IDs; site operators what belongs to the site, and License IDs
//! with their place in its structure, and accounts, without seeing a key. [`rights`] asks, in the transaction that writes. Tables:
//! `changes`; writes to the whole estate and to `people`. [`model`] lists every column that can be written here.

pub mod accounts;
pub mod archive;
pub mod away;
pub mod beside;
mod bulk;
pub mod db;
mod form;
mod history;
mod input;
mod key;
mod list;
pub mod model;
pub mod organizations;
mod reading;
pub mod rights;
mod rows;
mod select_plus;
mod typed;
mod undo;
mod way_back;
mod words;
pub mod write;

pub use key::with_revealed;
pub use list::{address, count};
pub use rights::is_approved;
pub use way_back::offered;

use rows::{Agreement, Contact, Contract, Made, Order, Organization, Product};

use crate::web::registry::Routes;

/// The routes of this slice.
pub fn routes() -> Routes {
    Routes::default()
        .get("/keys/{id}", key::get)
        .post("/keys/{id}/edit", key::edit)
        .post("/keys/{id}/reading", reading::post)
        .get("/keys/new", typed::get)
        .post("/keys/new", typed::post)
        .get("/keys/bulk", bulk::get)
        .post("/keys/bulk", bulk::post)
        .merge(of::<Contract>(Contract::NEW, "/contracts/{license_id}/edit"))
        .merge(of::<Contact>(Contact::NEW, "/contacts/{id}/edit"))
        .merge(of::<Order>(Order::NEW, "/orders/{id}/edit"))
        .merge(of::<Organization>(Organization::NEW, "/organizations/{id}/edit"))
        .merge(of::<Agreement>(Agreement::NEW, "/agreements/{id}/edit"))
        .merge(of::<Product>(Product::NEW, "/products/{slug}/edit"))
        .get("/organizations", organizations::get)
        .get("/accounts", accounts::get)
        .post("/accounts", accounts::add)
        .post("/accounts/{id}/name", accounts::rename)
        .post("/accounts/{id}/disable", accounts::disable)
        .post("/accounts/{id}/enable", accounts::enable)
        .get("/changes", list::get)
        .get("/changes/{id}", undo::get)
        .post("/changes/{id}/undo", undo::post)
        .get("/archive", archive::get)
        .post("/archive", archive::put_away)
        .post("/archive/restore", archive::restore)
}

fn of<T: Made>(new: &'static str, edit: &'static str) -> Routes {
    Routes::default()
        .get(new, form::new::<T>)
        .post(new, form::add::<T>)
        .get(edit, form::get::<T>)
        .post(edit, form::save::<T>)
}
