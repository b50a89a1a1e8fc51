//! The web shell: the route registry and the layers around it, the frame of each page and the parts
//! that pages are made of, the overview, static files and health.
//!
//! Who may: health and static files are for anyone; the overview for whoever is signed in, cut to
//! their License IDs. No tables of its own.

mod assets;
pub mod attachment;
pub mod failure;
pub mod form;
pub mod health;
pub mod layers;
pub mod overview;
pub mod page;
pub mod paging;
pub mod registry;
pub mod server;
pub mod statics;
pub mod strangers;
pub mod view;
pub mod visitor;

use registry::Routes;

/// The routes of the shell.
pub fn routes() -> Routes {
    Routes::default()
        .get("/", overview::get)
        .get("/healthz", health::process)
        .get("/readyz", health::ready)
        .get("/static/{*path}", statics::get)
}
