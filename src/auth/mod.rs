//! Who somebody is and what they may do: roles (pure), proofs (permission as a value), sessions,
//! passwords, and the screens for signing in, confirming and one's own account.
//!
//! Who may: signing in is for anyone; the account is one's own. Tables: `people`, `sessions`.

pub mod account;
pub mod confirm;
pub mod db;
pub mod password;
pub mod pending;
pub mod proof;
pub mod roles;
pub mod session;
pub mod sign_in;
pub mod throttle;

use crate::web::registry::Routes;

/// The routes of this slice.
pub fn routes() -> Routes {
    Routes::default()
        .get("/sign-in", sign_in::get)
        .post("/sign-in", sign_in::post)
        .post("/sign-out", sign_in::sign_out)
        .get("/confirm", confirm::get)
        .post("/confirm", confirm::post)
        .get("/account", account::get)
        .post("/account/password", account::change_password)
        .post("/account/sessions/end-others", account::end_others)
        .post("/account/sessions/{id}/end", account::end_session)
}
