//! Orders: what was bought under the person's License IDs, line by line.
//!
//! Who may: roles that read the licence position (Administrator, License position reader) see the
//! orders of their License IDs. Tables: `orders`.

mod away;
pub mod db;
mod esu;
mod filter;
pub mod list;
pub mod model;
mod panel;
mod screens;

use crate::web::registry::Routes;

pub use filter::{Narrowed, address, filter};
pub use screens::count;

/// The routes of this slice.
pub fn routes() -> Routes {
    Routes::default().get("/orders", screens::list).get("/orders/{id}", screens::open)
}
