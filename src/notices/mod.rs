//! Notices: what people are told, in the portal, by mail and by webhook.
//!
//! Any slice puts a notice with [`put`] in its own transaction; sending is a background task's work. Who
//! may: everybody reads and silences their own; Administrators name who looks after a License ID's dates;
//! site operators see what waits in the outbox and set the webhook. Tables: `notices`,
//! `notice_recipients`, `notice_choices`, `notice_snoozes`, `date_owners`, `webhooks`, `outbox`.

mod db;
mod kind;
mod list;
pub mod mail;
pub mod outbox;
pub mod plan;
mod put;
mod schedule;
mod screens;
mod settings;
mod watch;
pub mod webhook;
mod words;

pub use kind::Kind;
pub use put::{Notice, To, put};

use crate::web::registry::Routes;

/// The routes of this slice.
pub fn routes() -> Routes {
    Routes::default()
        .get("/notices", screens::list)
        .post("/notices/read", screens::read)
        .post("/notices/send", screens::send)
        .post("/notices/snooze", screens::snooze)
        .post("/notices/owner", screens::owner)
        .get("/notices/settings", settings::get)
        .post("/notices/settings", settings::choose)
        .post("/notices/retry", settings::retry)
        .post("/notices/webhook", settings::set_webhook)
        .post("/notices/webhook/secret", settings::show_secret)
}
