//! `/account`: one's own name, roles, password and sessions.
use askama::Template;
use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use secrecy::SecretString;

use super::{
    db, password,
    proof::{OnSession, SignedIn},
    roles::Role,
    session,
};
use crate::{
    app::AppState,
    audit::Event,
    error::Result,
    postgres::Scope,
    web::{
        form::Pairs,
        page::{Html, Shell, Tone},
        view::{Field, When, count},
    },
};

/// Said to somebody whose password another was shown.
const MADE: &str = "Whoever made your account was shown its password. Change it here: then everything else opens.";

/// One of the person's sessions.
#[derive(Clone, Debug)]
pub struct SessionRow {
    /// The id in `/account/sessions/{id}/end`.
    pub id: String,
    /// When it began.
    pub started: When,
    /// When it was last used.
    pub last_used: When,
    /// The network address it came from.
    pub address: String,
    /// The browser, as far as it tells.
    pub browser: String,
    /// Whether this page was asked for in it.
    pub current: bool,
}

/// A role and where it holds.
#[derive(Clone, Debug)]
pub struct RoleSummary {
    /// The role's name.
    pub role: String,
    /// Where it holds: "on 12 License IDs".
    pub scope: String,
}

/// The account page.
#[derive(Template)]
#[template(path = "auth/account.html")]
pub struct AccountPage {
    /// The frame; its person is the one shown.
    pub shell: Shell,
    /// What they may do.
    pub roles: Vec<RoleSummary>,
    /// Their open sessions, this one first.
    pub sessions: Vec<SessionRow>,
    /// What is wrong with the current password given.
    pub current_error: Option<String>,
    /// What is wrong with the new password.
    pub new_error: Option<String>,
    /// What is wrong with its repetition.
    pub again_error: Option<String>,
}

impl AccountPage {
    fn fields(&self) -> [Field; 3] {
        [
            Field::new("password", "current", "Current password")
                .autocomplete("current-password")
                .error(self.current_error.clone()),
            Field::new("password", "new", "New password")
                .autocomplete("new-password")
                .help("At least 15 characters. Any characters will do: four or five unrelated words are strong and easy to keep.")
                .error(self.new_error.clone()),
            Field::new("password", "again", "New password again")
                .autocomplete("new-password")
                .error(self.again_error.clone()),
        ]
    }

    fn has_others(&self) -> bool {
        self.sessions.iter().any(|session| !session.current)
    }
}

/// What is wrong with a change of password, field by field.
#[derive(Default)]
struct Faults {
    current: Option<String>,
    new: Option<String>,
    again: Option<String>,
}

/// The page.
///
/// # Errors
/// When the database fails.
pub async fn get(person: SignedIn, State(state): State<AppState>) -> Result<Response> {
    Ok(Html(page(&state, &person, Faults::default()).await?).into_response())
}

async fn page(state: &AppState, person: &SignedIn, faults: Faults) -> Result<AccountPage> {
    let mut tx = person.begin(state).await?;
    let now = tx.now();
    let me = person.person();
    let mut shell = person.visitor().shell(state);
    if me.password_set_by_other {
        shell = shell.notice(Tone::Warn, MADE);
    }
    let mut roles: Vec<RoleSummary> = db::role_counts(&mut tx)
        .await?
        .into_iter()
        .filter_map(|(code, on)| {
            let role: Role = code.parse().ok()?;
            Some(RoleSummary {
                role: role.label().to_owned(),
                scope: ["on ", &count(on.unsigned_abs(), "License ID", "License IDs")].concat(),
            })
        })
        .collect();
    for (has, role, scope) in [
        (me.site_operator, "Site operator", "people, settings and imports; no key"),
        (me.auditor, "Auditor", "the whole audit log"),
    ] {
        if has {
            roles.push(RoleSummary { role: role.to_owned(), scope: scope.to_owned() });
        }
    }
    let mut sessions = db::sessions(&mut tx, me.id, now - session::IDLE, now - session::ABSOLUTE).await?;
    sessions.sort_by_key(|session| session.id != me.session_id);
    Ok(AccountPage {
        shell,
        roles,
        sessions: sessions
            .into_iter()
            .map(|session| SessionRow {
                id: session.id.to_string(),
                started: When::moment(session.created_at, now),
                last_used: When::moment(session.last_seen_at, now),
                address: session.address,
                browser: browser(&session.user_agent),
                current: session.id == me.session_id,
            })
            .collect(),
        current_error: faults.current,
        new_error: faults.new,
        again_error: faults.again,
    })
}

/// Browser and system as far as a user agent tells; its whole text where it tells neither.
fn browser(user_agent: &str) -> String {
    let find = |known: &[(&str, &'static str)]| {
        known.iter().find(|(word, _)| user_agent.contains(word)).map(|(_, name)| *name)
    };
    // Order matters: Chrome calls itself Safari too, and Edge calls itself both.
    let name = find(&[("Edg/", "Edge"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari")]);
    let system = find(&[
        ("Windows", "Windows"),
        ("iPhone", "iPhone"),
        ("Android", "Android"),
        ("Mac OS", "macOS"),
        ("Linux", "Linux"),
    ]);
    match (name, system) {
        (Some(name), Some(system)) => [name, " on ", system].concat(),
        (Some(name), None) => name.to_owned(),
        _ if user_agent.is_empty() => "Unknown".to_owned(),
        _ => user_agent.chars().take(40).collect(),
    }
}

/// Changes one's own password and ends one's other sessions.
///
/// # Errors
/// 422 with what is wrong at its field.
pub async fn change_password(person: SignedIn, State(state): State<AppState>, form: Pairs) -> Result<Response> {
    let me = person.person();
    // System scope, as in `confirm`.
    let mut tx = state.db.begin(Scope::System).await?;
    let stored = db::password_hash(&mut tx, me.id).await?;
    drop(tx);
    let mut faults = Faults::default();
    if !state.passwords.verify(SecretString::from(form.one("current")), stored).await? {
        faults.current = Some("That isn’t your password.".to_owned());
    }
    let new = SecretString::from(form.one("new"));
    faults.new = password::check(&new, &[&me.email, &me.name]).err().map(|unfit| unfit.to_string());
    if me.password_set_by_other && form.one("new") == form.one("current") {
        faults.new = Some("Whoever made your account knows this one. Choose another.".to_owned());
    }
    if form.one("new") != form.one("again") {
        faults.again = Some("The two don’t match. Type the new password again.".to_owned());
    }
    if faults.current.is_some() || faults.new.is_some() || faults.again.is_some() {
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(page(&state, &person, faults).await?)).into_response());
    }
    let hash = state.passwords.hash(new).await?;
    let mut tx = state.db.begin(Scope::System).await?;
    db::set_password(&mut tx, me.id, &hash).await?;
    session::end_others(&mut tx, me.id, Some(me.session_id), state.clock().now()).await?;
    person.record(&state, &mut tx, Event::done("password.change", me.email.clone())).await?;
    tx.commit().await?;
    Ok(Redirect::to("/account").into_response())
}

/// Ends one of one's own sessions.
///
/// # Errors
/// When the database fails.
pub async fn end_session(own: OnSession, State(state): State<AppState>) -> Result<Response> {
    let mut tx = own.begin(&state).await?;
    session::end(&mut tx, own.person().id, own.session, state.clock().now()).await?;
    own.record(&state, &mut tx, Event::done("session.end", own.person().email.clone())).await?;
    tx.commit().await?;
    Ok(Redirect::to("/account").into_response())
}

/// Ends all of one's sessions but this one.
///
/// # Errors
/// When the database fails.
pub async fn end_others(person: SignedIn, State(state): State<AppState>) -> Result<Response> {
    let mut tx = person.begin(&state).await?;
    let me = person.person();
    let ended = session::end_others(&mut tx, me.id, Some(me.session_id), state.clock().now()).await?;
    person
        .record(
            &state,
            &mut tx,
            Event::done("session.end-others", me.email.clone()).with(serde_json::json!({ "ended": ended })),
        )
        .await?;
    tx.commit().await?;
    Ok(Redirect::to("/account").into_response())
}

#[cfg(test)]
impl AccountPage {
    /// Two sessions.
    pub fn sample() -> Self {
        use time::macros::datetime;
        let now = datetime!(2026-11-22 14:13 UTC);
        let session = |id: &str, started, last, browser: &str, current| SessionRow {
            id: id.into(),
            started: When::moment(started, now),
            last_used: When::moment(last, now),
            address: "10.20.4.17".into(),
            browser: browser.into(),
            current,
        };
        Self {
            shell: Shell::sample("/account"),
            roles: vec![
                RoleSummary { role: "Administrator".into(), scope: "on 11 License IDs".into() },
                RoleSummary { role: "Auditor".into(), scope: "the whole audit log".into() },
            ],
            sessions: vec![
                session("1", datetime!(2026-11-22 08:02 UTC), now, "Firefox on Linux", true),
                session(
                    "2",
                    datetime!(2026-11-20 17:40 UTC),
                    datetime!(2026-11-22 11:02 UTC),
                    "Safari on iPhone",
                    false,
                ),
            ],
            current_error: None,
            new_error: None,
            again_error: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_sessions_can_be_ended() {
        let html = AccountPage::sample().render().expect("renders");
        assert!(html.contains("action=\"/account/sessions/2/end\""));
        assert!(html.contains("action=\"/account/sessions/end-others\""));
        assert!(html.contains("This one"));
        let mut page = AccountPage::sample();
        page.sessions.truncate(1);
        assert!(!page.render().expect("renders").contains("end-others"));
    }

    #[test]
    fn a_password_that_is_too_short_is_said_at_the_field_and_at_the_top() {
        let error = "This has 9 characters; it needs at least 15.".to_owned();
        let page = AccountPage { new_error: Some(error.clone()), ..AccountPage::sample() };
        assert_eq!(page.render().expect("renders").matches(&*error).count(), 2);
    }
}
