//! Requests: more MAK activations, more KMS host activations, a KMS exception, access; asked, decided,
//! tracked to the new number.
//!
//! Who may: Administrator and Product keys reader ask on their License IDs, anybody signed in asks for
//! access; Administrators decide, never what they asked for themselves where it is granted here. A
//! request is seen by whoever may ask on its License ID; access by its asker and the Administrators.
//! [`machine`] is the life of a request, pure; the database draws the same.
//! Tables: `requests`, `request_entries`, `request_files`, `request_settings`; a decision raises
//! `product_keys.total` of an own product or makes the grant; a reading writes `key_readings`.

mod act;
pub mod ask;
pub mod beside;
pub mod db;
mod fields;
mod files;
pub mod form;
pub mod input;
pub mod list;
pub mod machine;
pub mod model;
pub mod new;
pub mod packet;
pub mod page;
pub mod plot;
pub mod read_back;
mod screens;
mod settings;
mod show;
mod tell;
pub mod write;

pub use screens::{address, count};

use crate::web::registry::Routes;

/// The routes of this slice.
pub fn routes() -> Routes {
    Routes::default()
        .get("/requests", screens::list)
        .post("/requests", new::post)
        .get("/requests/new", new::get)
        .get("/requests/{number}", show::get)
        .get("/requests/{number}/edit", new::edit)
        .post("/requests/{number}/edit", new::save)
        .post("/requests/{number}/decision", act::decide)
        .post("/requests/{number}/step", act::take)
        .post("/requests/{number}/comment", act::comment)
        .post("/requests/{number}/due", act::due)
        .post("/requests/{number}/reading", act::reading)
        .post_large("/requests/{number}/files", files::BODY_LIMIT, files::attach)
        .get("/requests/{number}/files/{id}", files::download)
        .get("/requests/{number}/packet", packet::get)
        .post("/contracts/{license_id}/second-person", settings::post)
        .post("/contracts/{license_id}/ask", ask::post)
}
