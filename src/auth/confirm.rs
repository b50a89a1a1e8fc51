//! `/confirm`: the password again, before a key leaves the vault.
use askama::Template;
use axum::{
    Extension, Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use secrecy::SecretString;
use tower::ServiceExt;

use super::{
    db,
    proof::SignedIn,
    session,
    throttle::{Throttle, Verdict},
};
use crate::{
    app::AppState,
    audit::Event,
    error::{Error, Result},
    postgres::Scope,
    web::{
        form::Pairs,
        page::{Html, Shell},
        view::Field,
        visitor::Visitor,
    },
};

/// The page that asks for the password again.
#[derive(Template)]
#[template(path = "auth/confirm.html")]
pub struct ConfirmPage {
    /// The frame.
    pub shell: Shell,
    /// What goes on afterwards, as a short sentence: "export 12 keys."
    pub doing: Option<String>,
    /// The path to go to afterwards, and for "Cancel".
    pub next: String,
    /// Why it failed.
    pub error: Option<String>,
}

impl ConfirmPage {
    fn field(&self) -> Field {
        Field::new("password", "password", "Password").autocomplete("current-password").error(self.error.clone())
    }
}

/// All routes, to send a post again that waited for the password.
#[derive(Clone)]
pub struct Replay(Router);

impl Replay {
    /// Takes the routes without their layers: the post has passed those once.
    pub fn new(routes: Router) -> Self {
        Self(routes)
    }
}

/// What a path does, for "After this".
fn doing(path: &str) -> &'static str {
    match path {
        "/exports/keys" => "export the keys you chose.",
        path if path.ends_with("/reveal") => "show the key.",
        path if path.ends_with("/copy") => "show the key for copying.",
        path if path.ends_with("/decision") => "decide the request.",
        path if path.ends_with("/apply") => "write the import.",
        _ => "go on with what you asked for.",
    }
}

/// The form.
///
/// # Errors
/// When the database fails.
pub async fn get(person: SignedIn, State(state): State<AppState>, headers: HeaderMap) -> Result<Response> {
    let mut tx = person.begin(&state).await?;
    let pending = db::pending_path(&mut tx, person.person().session_id).await?;
    let page = page(&state, &person, pending.as_deref(), None);
    Ok(Html(ConfirmPage { next: came_from(&state, &headers), ..page }).into_response())
}

/// The page of ours that the interrupted form stood on, for "Cancel".
fn came_from(state: &AppState, headers: &HeaderMap) -> String {
    let referer =
        headers.get(header::REFERER).and_then(|text| text.to_str().ok()).and_then(|text| url::Url::parse(text).ok());
    let own = referer.filter(|url| url.origin() == state.web.base_url.origin() && url.path() != "/confirm");
    own.map_or_else(|| "/".to_owned(), |url| url[url::Position::BeforePath..url::Position::AfterQuery].to_owned())
}

fn page(state: &AppState, person: &SignedIn, pending: Option<&str>, error: Option<&str>) -> ConfirmPage {
    ConfirmPage {
        shell: person.visitor().shell(state),
        doing: pending.map(|path| doing(path).to_owned()),
        next: "/".to_owned(),
        error: error.map(str::to_owned),
    }
}

/// Takes the password; then sends the post that waited, and answers with its answer.
///
/// # Errors
/// 422 with the form again, 429 after too many failures.
pub async fn post(
    person: SignedIn,
    State(state): State<AppState>,
    Extension(replay): Extension<Replay>,
    form: Pairs,
) -> Result<Response> {
    let me = person.person();
    let address = person.visitor().address();
    if state.throttle.verdict(address, &me.email) == Verdict::Wait {
        return Err(too_many());
    }
    // System scope: a person's own scope doesn't show password hashes to handlers by habit.
    let mut tx = state.db.begin(Scope::System).await?;
    let stored = db::password_hash(&mut tx, me.id).await?;
    drop(tx);
    if !state.passwords.verify(SecretString::from(form.one("password")), stored).await? {
        if state.throttle.failed(address, &me.email) {
            return Err(too_many());
        }
        return refuse(&state, &person).await;
    }
    let now = state.clock().now();
    let mut tx = person.begin(&state).await?;
    let token = session::refresh(&mut tx, me.session_id, now).await?;
    let pending = if person.visitor().wants_json() { None } else { db::take_pending(&mut tx, me.session_id).await? };
    person.record(&state, &mut tx, Event::done("session.confirm", me.email.clone())).await?;
    tx.commit().await?;
    let mut response = match pending {
        Some((path, body)) => send_again(&replay, person.visitor().refreshed(now, &path), &path, body).await?,
        None if person.visitor().wants_json() => StatusCode::NO_CONTENT.into_response(),
        None => Redirect::to("/").into_response(),
    };
    response.headers_mut().insert(header::SET_COOKIE, token.cookie(state.web.secure()));
    Ok(response)
}

async fn refuse(state: &AppState, person: &SignedIn) -> Result<Response> {
    const WRONG: &str = "That isn’t your password.";
    if person.visitor().wants_json() {
        return Ok((
            StatusCode::UNPROCESSABLE_ENTITY,
            axum::Json(serde_json::json!({ "error": "wrong-password", "message": WRONG })),
        )
            .into_response());
    }
    let mut tx = person.begin(state).await?;
    let pending = db::pending_path(&mut tx, person.person().session_id).await?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(page(state, person, pending.as_deref(), Some(WRONG)))).into_response())
}

fn too_many() -> Error {
    let retry_after = Throttle::retry_after();
    Error::TooMany {
        sentence: format!(
            "Several passwords from this address were wrong. Wait {retry_after} seconds, then try again."
        ),
        retry_after,
    }
}

async fn send_again(replay: &Replay, visitor: Visitor, path: &str, body: Vec<u8>) -> Result<Response> {
    let mut request = Request::builder()
        .method(Method::POST)
        .uri(path)
        .header(header::CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"))
        .body(Body::from(body))
        .map_err(|fault| Error::Internal(fault.into()))?;
    request.extensions_mut().insert(visitor);
    replay.0.clone().oneshot(request).await.map_err(|never| match never {})
}

#[cfg(test)]
impl ConfirmPage {
    /// An export interrupted.
    pub fn sample() -> Self {
        Self {
            shell: Shell::sample("/confirm"),
            doing: Some("export 12 keys as a workbook.".into()),
            next: "/products/windows-11-pro?tab=keys".into(),
            error: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_what_goes_on_afterwards() {
        let html = ConfirmPage::sample().render().expect("renders");
        assert!(html.contains("After this: export 12 keys as a workbook."));
    }

    #[test]
    fn a_wrong_password_is_said_at_the_field() {
        let error = Some("That isn’t your password.".to_owned());
        let html = ConfirmPage { error, ..ConfirmPage::sample() }.render().expect("renders");
        assert!(html.contains("aria-invalid=\"true\""));
        assert!(html.contains("That isn’t your password."));
    }
}
