//! The pages of activation: own applications with their counts and keys, the machines, the hosts, and the
//! offline desk. The rules themselves are in `activation`, which knows no page.
//!
//! Who may: Administrators of the License ID that an application belongs to, everything of it; nobody else
//! knows that it is there. Hosts, the last hour and the records to publish are the site's: whoever administers
//! anything and site operators see them. Readers see what is used of an own key where they see other keys;
//! auditors find every act in the log (docs/decisions/0022). Tables: `applications`, `skus`, `own_keys`,
//! `activations`, `mak_answers`, `kms_*`, `devices`, `enrolment_codes`, `responder_*`, `host_*`.

mod application;
mod codes;
pub mod db;
mod dns;
mod editions;
mod forecast;
mod frame;
mod input;
mod keys;
mod keys_post;
mod list;
mod machines;
pub mod model;
mod offline;
mod panel;
mod plot;
mod register;
mod screens;
mod typed;
mod words;

pub use screens::{count, narrowed};

use crate::web::registry::Routes;

/// The routes of this slice.
pub fn routes() -> Routes {
    Routes::default()
        .get("/activation", screens::list)
        .post("/activation", register::add)
        .get("/activation/offline", offline::get)
        .post_large("/activation/offline", offline::BODY_LIMIT, offline::post)
        .post("/activation/offline/codes", typed::post)
        .post("/activation/offline/file", offline::file)
        .get("/activation/{application}", application::get)
        .post("/activation/{application}/close", register::close)
        .post("/activation/{application}/editions", editions::add)
        .get("/activation/{application}/editions/{sku}", editions::open)
        .post("/activation/{application}/editions/{sku}", editions::change)
        .get("/activation/{application}/machines", machines::list)
        .get("/activation/{application}/machines/{cmid}", machines::open)
        .post("/activation/{application}/machines/{cmid}/revoke", machines::revoke)
        .get("/activation/{application}/keys", keys::list)
        .post("/activation/{application}/keys", keys_post::issue)
        .get("/activation/{application}/keys/{key}", keys::open)
        .post("/activation/{application}/keys/{key}/block", keys_post::block)
        .post("/activation/{application}/keys/{key}/limit", keys_post::limit)
        .get("/activation/{application}/devices", codes::list)
        .post("/activation/{application}/devices", codes::add)
        .post("/activation/{application}/devices/{enrolment}/revoke", codes::revoke)
}
