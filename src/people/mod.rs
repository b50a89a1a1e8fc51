//! People, and who holds which role on which License ID.
//!
//! Who may: an Administrator gives and takes roles on his License IDs and sees who holds one there; a
//! site operator sees all people and grants, and may name an Administrator, never himself, where a
//! License ID has none. [`plan`] says what many roles at once would come to, [`change`] writes it, [`undo`] takes it back;
//! [`paths`] answers who sees what and why; [`tell`] tells whose roles changed. Accounts ([`accounts`]) are made on the
//! command line and by the slice `hand`. Rules for License IDs to come are given on the command line, and passed on and
//! ended here by whoever holds one ([`rules`], [`rule_plan`], [`rule_change`]). Tables: `people`, `grants`, `grant_rules`,
//! `role_changes`, `role_change_grants`, `role_change_rules`, `access_settings`.

pub mod access;
pub mod accounts;
mod alone;
mod assign;
pub mod change;
pub mod check_page;
pub mod choose;
pub mod db;
pub mod give_page;
pub mod grants;
pub mod leaver;
pub mod list;
pub mod model;
mod offered;
mod pass_on;
pub mod pass_on_page;
mod passing;
pub mod paths;
pub mod person;
pub mod plan;
pub mod rule_change;
mod rule_end;
pub mod rule_plan;
pub mod rules;
pub mod saved;
mod screens;
pub mod settings;
pub mod tell;
pub mod undo;
mod wizard;

pub use screens::{address, count};

use crate::web::registry::Routes;

/// The routes of this slice.
pub fn routes() -> Routes {
    Routes::default()
        .get("/people", screens::list)
        .get("/people/alone", alone::get)
        .post("/people/grants", assign::give)
        .post("/people/grants/{id}/revoke", assign::revoke)
        .get("/people/give", wizard::get)
        .post("/people/give", wizard::post)
        .get("/people/copy", pass_on::copy)
        .post("/people/copy", pass_on::copy_post)
        .get("/people/hand-over", pass_on::hand_over)
        .post("/people/hand-over", pass_on::hand_over_post)
        .post("/people/changes/{change}/undo", undo::post)
        .get("/people/settings", settings::get)
        .post("/people/settings", settings::post)
        .post("/people/rules/{id}/end", rule_end::post)
        .get("/people/{id}", person::get)
        .get("/people/{id}/leaver", leaver::get)
        .post("/people/{id}/leaver", leaver::export)
        .get("/keys/{id}/access", access::get)
}
