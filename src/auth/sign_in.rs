//! `/sign-in`: the door, and the first steps of an installation without accounts.
use askama::Template;
use axum::{
    extract::{RawQuery, State},
    http::{StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use secrecy::SecretString;

use super::{
    db,
    proof::{Anyone, SignedIn},
    session,
    throttle::{Throttle, Verdict},
};
use crate::{
    app::AppState,
    audit::{Actor, Event},
    error::{Error, Result},
    postgres::Scope,
    web::{
        form::Pairs,
        page::{Html, Shell},
        view::Field,
        visitor::Visitor,
    },
};

/// The sign-in page.
#[derive(Template)]
#[template(path = "auth/sign_in.html")]
pub struct SignInPage {
    /// The frame, with nobody signed in.
    pub shell: Shell,
    /// The address that was typed, kept after a failure.
    pub email: String,
    /// The path to come back to.
    pub next: String,
    /// Why it failed and what to do; the same sentence for an unknown address and a wrong password.
    pub error: Option<String>,
    /// Whether this installation has no accounts yet.
    pub first_steps: bool,
}

impl SignInPage {
    fn fields(&self) -> [Field; 2] {
        [
            Field::new("email", "email", "Email").autocomplete("username").value(&*self.email),
            Field::new("password", "password", "Password").autocomplete("current-password"),
        ]
    }
}

/// Said for an unknown address and for a wrong password alike.
const NO_MATCH: &str = "That email and password don’t match an account. Check both, or ask your site operator.";

/// The form; who is signed in already goes on.
///
/// # Errors
/// When the database fails.
pub async fn get(anyone: Anyone, State(state): State<AppState>, RawQuery(query): RawQuery) -> Result<Response> {
    let query = Pairs::parse(query.unwrap_or_default().as_bytes());
    let next = own_path(query.one("next"));
    if anyone.visitor().person().is_some() {
        return Ok(Redirect::to(next).into_response());
    }
    page(&state, anyone.visitor(), "", next, None).await
}

async fn page(state: &AppState, visitor: &Visitor, email: &str, next: &str, error: Option<&str>) -> Result<Response> {
    // System scope: whether there are accounts at all.
    let mut tx = state.db.begin(Scope::System).await?;
    let first_steps = db::none_yet(&mut tx).await?;
    let page = SignInPage {
        shell: visitor.shell(state),
        email: email.to_owned(),
        next: next.to_owned(),
        error: error.map(str::to_owned),
        first_steps,
    };
    Ok(Html(page).into_response())
}

/// Signs in.
///
/// # Errors
/// 422 with the form again, 429 after too many failures, 503 when all hands are full.
pub async fn post(
    anyone: Anyone,
    State(state): State<AppState>,
    headers: axum::http::HeaderMap,
    form: Pairs,
) -> Result<Response> {
    let (email, next) = (form.one("email").trim().to_lowercase().replace('\0', ""), own_path(form.one("next")));
    let address = anyone.visitor().address();
    if state.throttle.verdict(address, &email) == Verdict::Wait {
        state.strangers.count(address);
        return Err(too_many());
    }
    // System scope: nobody is signed in yet.
    let mut tx = state.db.begin(Scope::System).await?;
    let account = db::account(&mut tx, &email).await?;
    drop(tx); // not held while the hash is worked out
    let stored = account.as_ref().and_then(|account| account.password_hash.clone());
    let right = state.passwords.verify(SecretString::from(form.one("password")), stored).await?;
    let Some(account) = account.filter(|_| right) else {
        state.strangers.count(address);
        if state.throttle.failed(address, &email) {
            return Err(too_many());
        }
        let again = page(&state, anyone.visitor(), &email, next, Some(NO_MATCH)).await?;
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, again).into_response());
    };
    let mut tx = state.db.begin(Scope::System).await?;
    let user_agent = headers.get(header::USER_AGENT).and_then(|text| text.to_str().ok()).unwrap_or_default();
    let token = session::begin(&mut tx, account.id, state.clock().now(), &address.to_string(), user_agent).await?;
    let actor = Actor { id: Some(account.id), name: email.clone(), ..anyone.visitor().actor() };
    state.record(&mut tx, &actor, Event::done("session.begin", email)).await?;
    tx.commit().await?;
    Ok(([(header::SET_COOKIE, token.cookie(state.web.secure()))], Redirect::to(next)).into_response())
}

fn too_many() -> Error {
    let retry_after = Throttle::retry_after();
    Error::TooMany {
        sentence: format!(
            "Several sign-ins from this address have failed. Wait {retry_after} seconds, then try again."
        ),
        retry_after,
    }
}

/// Signs out: the session ends, here and now.
///
/// # Errors
/// When the database fails.
pub async fn sign_out(person: SignedIn, State(state): State<AppState>) -> Result<Response> {
    let mut tx = person.begin(&state).await?;
    session::end(&mut tx, person.person().id, person.person().session_id, state.clock().now()).await?;
    person.record(&state, &mut tx, Event::done("session.end", person.person().email.clone())).await?;
    tx.commit().await?;
    Ok(([(header::SET_COOKIE, session::no_cookie(state.web.secure()))], Redirect::to("/sign-in")).into_response())
}

/// A path of this site and nothing else: no link can send people elsewhere through the sign-in page.
fn own_path(next: &str) -> &str {
    let own = next.starts_with('/') && !next.starts_with("//") && !next.contains(['\\', '\r', '\n', '\t']);
    if own { next } else { "/" }
}

#[cfg(test)]
impl SignInPage {
    /// A failed sign-in.
    pub fn sample() -> Self {
        Self {
            shell: Shell::new("/sign-in", None, Vec::new()),
            email: "mara.lindqvist@northwind.example".into(),
            next: "/contracts?q=8671204".into(),
            error: Some(
                "That email and password don’t match an account. Check both, or ask your site operator.".into(),
            ),
            first_steps: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_sign_in_keeps_the_address_and_drops_the_password() {
        let html = SignInPage::sample().render().expect("renders");
        assert!(html.contains("value=\"mara.lindqvist@northwind.example\""));
        assert!(html.contains("name=\"next\" value=\"/contracts?q=8671204\""));
        assert!(!html.contains("First steps"));
    }

    #[test]
    fn a_fresh_installation_shows_its_first_steps() {
        let page = SignInPage { first_steps: true, error: None, ..SignInPage::sample() };
        let html = page.render().expect("renders");
        for command in ["keyward user add EMAIL", "keyward grant EMAIL administrator --all", "keyward import FILE…"] {
            assert!(html.contains(command), "{command}");
        }
    }
}
