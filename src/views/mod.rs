//! Saved views: a list with its filter under a name of one's own, and how many rows match now.
//!
//! Who may: everybody who is signed in, their own alone. A view gives nobody anything: it is an address of a list, and
//! the list cuts itself to whoever opens or counts it. Table: `saved_views`.

pub mod db;
mod lists;
pub mod model;
mod page;
mod save;
mod screens;
mod words;

use crate::web::registry::Routes;

/// The routes of this slice.
pub fn routes() -> Routes {
    Routes::default()
        .get("/views", screens::get)
        .post("/views", save::post)
        .post("/views/{id}/rename", save::rename)
        .post("/views/{id}/move", screens::shift)
        .post("/views/{id}/delete", screens::delete)
        .post("/views/{id}/restore", screens::restore)
}
