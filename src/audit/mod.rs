//! The audit log: what happened, by whom, to what, in hash chains.
//!
//! One chain per License ID, one per own key (which many machines activate at once), and one, `site`, for the
//! rest. Each link is an HMAC over the link
//! before and the event, under a key the database doesn't hold: an edited, moved or missing row
//! shows in [`verify`]. Rows are only ever added; the server's role may not change them.
//! Who may read: auditors all, Administrators the events of their License IDs. Tables:
//! `audit_events`, `audit_heads`.

pub mod chain;
pub mod db;
mod event;
pub mod export;
pub mod heads;
pub mod list;
mod screens;
pub mod verify;
mod words;

pub use event::{Actor, Event, Outcome, SITE, Stored};
pub use screens::{address, count};
pub use words::action as action_in_words;

/// The routes of this slice.
pub fn routes() -> crate::web::registry::Routes {
    crate::web::registry::Routes::default().get("/audit", screens::list).post("/exports/audit", export::post)
}
