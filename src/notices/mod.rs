//! Notices: what people are told, in the portal, by mail and by webhook.
//!
//! Any slice puts a notice with [`put`] in its own transaction; sending is a background task's work. Who
//! may: everybody reads and silences their own; Administrators name who looks after a License ID's dates;
//! site operators see what waits in the outbox and set the webhook. Tables: `notices`,
//! `notice_recipients`, `notice_choices`, `notice_snoozes`, `date_owners`, `webhooks`, `outbox`.

mod esu;
mod kind;
pub mod plan;
mod put;
mod schedule;
mod watch;
mod words;

pub use kind::Kind;
pub use put::{Notice, To, put};
