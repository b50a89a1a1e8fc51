//! Sessions: a random token in a cookie, its hash in the database.

use axum::http::{HeaderMap, HeaderValue, header};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::{
    app::AppState,
    postgres::{Scope, Scoped},
    vault::envelope::fill_random,
};

/// Without a request for so long, a session ends.
pub const IDLE: Duration = Duration::minutes(60);
/// However busy, a session ends after so long.
pub const ABSOLUTE: Duration = Duration::hours(12);
/// For so long after the password was given, secrets may be asked for (SECURITY, "Stolen session").
pub const FRESH: Duration = Duration::minutes(5);
/// `last_seen_at` is written at most so often.
const SEEN_EVERY: Duration = Duration::minutes(1);

/// A signed-in person, as of this request.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Person {
    /// Row in `people`.
    pub id: Uuid,
    /// Sign-in name.
    pub email: String,
    /// Display name.
    pub name: String,
    /// Site role: people, settings, imports; no key.
    pub site_operator: bool,
    /// Site role: the whole audit log.
    pub auditor: bool,
    /// Administrator of at least one License ID.
    pub administers: bool,
    /// Row in `sessions`.
    pub session_id: Uuid,
    /// When the password was last given in this session.
    pub fresh_at: OffsetDateTime,
    /// When this session was last written as seen.
    pub last_seen_at: OffsetDateTime,
    /// Notices not read yet; 100 stands for more.
    pub unread: i64,
    /// Whether somebody else was shown the password: then it is changed before anything else.
    pub password_set_by_other: bool,
}

/// What the browser holds: 256 random bits.
pub struct Token(String);

impl Token {
    /// A new one.
    pub fn random() -> Self {
        let mut bytes = [0; 32];
        fill_random(&mut bytes);
        Self(BASE64_URL_SAFE_NO_PAD.encode(bytes))
    }

    fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_bytes()).into()
    }

    /// The `Set-Cookie` that hands it to the browser.
    pub fn cookie(&self, secure: bool) -> HeaderValue {
        let text = format!(
            "{}={}; Path=/; HttpOnly; SameSite=Lax{}",
            cookie_name(secure),
            self.0,
            if secure { "; Secure" } else { "" }
        );
        HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static(""))
    }
}

/// The `Set-Cookie` that takes it back.
pub fn no_cookie(secure: bool) -> HeaderValue {
    HeaderValue::from_static(if secure {
        "__Host-keyward=; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=0"
    } else {
        "keyward=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0"
    })
}

/// `__Host-` makes browsers refuse the cookie from anywhere but this host over TLS.
fn cookie_name(secure: bool) -> &'static str {
    if secure { "__Host-keyward" } else { "keyward" }
}

/// The token in a request's cookies.
pub fn token_of(headers: &HeaderMap, secure: bool) -> Option<Token> {
    let name = cookie_name(secure);
    let cookies = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'));
    cookies
        .filter_map(|cookie| cookie.trim().split_once('='))
        .find(|(left, _)| *left == name)
        .map(|(_, token)| Token(token.to_owned()))
}

/// The person behind a token, while session and person are in force.
///
/// # Errors
/// When the database fails.
pub async fn find(state: &AppState, token: &Token) -> sqlx::Result<Option<Person>> {
    let now = state.clock().now();
    let person: Option<Person> = state.db.session(&token.hash(), now, now - IDLE, now - ABSOLUTE).await?;
    if let Some(person) = person.as_ref().filter(|p| now - p.last_seen_at > SEEN_EVERY) {
        // System scope: not the person does this, the program does.
        let mut tx = state.db.begin(Scope::System).await?;
        sqlx::query("UPDATE sessions SET last_seen_at = $2 WHERE id = $1")
            .bind(person.session_id)
            .bind(now)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
    }
    Ok(person)
}

/// Begins a session; it stands when `tx` (system scope) commits.
///
/// # Errors
/// When the database fails.
pub async fn begin(
    tx: &mut Scoped,
    person: Uuid,
    now: OffsetDateTime,
    address: &str,
    user_agent: &str,
) -> sqlx::Result<Token> {
    let token = Token::random();
    sqlx::query("INSERT INTO sessions (id, person_id, token_hash, created_at, last_seen_at, fresh_at, address, user_agent) VALUES ($1, $2, $3, $4, $4, $4, $5, $6)")
        .bind(Uuid::now_v7())
        .bind(person)
        .bind(token.hash())
        .bind(now)
        .bind(address)
        .bind(user_agent.chars().filter(|c| !c.is_control()).take(300).collect::<String>())
        .execute(&mut **tx)
        .await?;
    Ok(token)
}

/// Ends one of a person's sessions.
///
/// # Errors
/// When the database fails.
pub async fn end(tx: &mut Scoped, person: Uuid, session: Uuid, now: OffsetDateTime) -> sqlx::Result<()> {
    sqlx::query("UPDATE sessions SET ended_at = $3, pending_path = NULL, pending_body = NULL WHERE id = $2 AND person_id = $1 AND ended_at IS NULL")
        .bind(person)
        .bind(session)
        .bind(now)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Ends all of a person's sessions but one; how many.
///
/// # Errors
/// When the database fails.
pub async fn end_others(tx: &mut Scoped, person: Uuid, but: Option<Uuid>, now: OffsetDateTime) -> sqlx::Result<u64> {
    let ended = sqlx::query("UPDATE sessions SET ended_at = $3, pending_path = NULL, pending_body = NULL WHERE person_id = $1 AND id IS DISTINCT FROM $2 AND ended_at IS NULL")
        .bind(person)
        .bind(but)
        .bind(now)
        .execute(&mut **tx)
        .await?;
    Ok(ended.rows_affected())
}

/// Notes that the password was just given, under a new token (rotated, as at sign-in).
///
/// # Errors
/// When the database fails.
pub async fn refresh(tx: &mut Scoped, session: Uuid, now: OffsetDateTime) -> sqlx::Result<Token> {
    let token = Token::random();
    sqlx::query("UPDATE sessions SET fresh_at = $2, token_hash = $3 WHERE id = $1")
        .bind(session)
        .bind(now)
        .bind(token.hash())
        .execute(&mut **tx)
        .await?;
    Ok(token)
}
