//! What can go wrong in a request, and what the person is told. Internals go to the log under the
//! request's id; the page shows the id.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::{auth::password::Busy, vault::VaultError};

/// Why a request has no better answer. Invalid input is not here: it is the same page again, 422.
#[derive(Debug)]
pub enum Error {
    /// Not there, or not for this person: nobody can tell which.
    NotFound,
    /// There, but not for this method: what a form sends to was opened as a page, or the other way round.
    Method,
    /// Nobody is signed in. The path to come back to, for a GET.
    SignIn {
        /// Path and query asked for.
        next: Option<String>,
    },
    /// Signed in, and known to hold something here, but lacking the role; says whom to ask.
    Lacking(String),
    /// The password was last given too long ago.
    Stale,
    /// Somebody else was shown the password: it is changed before anything else.
    SetPassword,
    /// A form sent from another site.
    CrossSite,
    /// Over a limit; seconds until it is worth trying again.
    TooMany {
        /// What was too much, and the way out.
        sentence: String,
        /// Seconds.
        retry_after: u64,
    },
    /// The vault is sealed; the sentence is for commands, and names the file.
    Sealed(String),
    /// A malformed request that no form of ours sends.
    Malformed(String),
    /// More than a request may carry.
    TooLarge(String),
    /// It was changed by someone else in between, or is in a state that doesn't allow it. The sentence says which: the
    /// page's heading is true of both.
    Conflict(String),
    /// All hands full.
    Busy,
    /// A fault of ours or of the database.
    Internal(anyhow::Error),
}

/// Result of a handler.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What the outer layer renders as a page or as JSON; travels in the response's extensions.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The status.
    pub status: StatusCode,
    /// Stable word for programs: `not-found`, `confirm`, `too-many`, …
    pub code: &'static str,
    /// The page's heading.
    pub title: &'static str,
    /// What happened, why, and what to do now.
    pub sentence: String,
    /// Where to go, where a redirect is the answer for a browser.
    pub redirect: Option<String>,
}

impl Error {
    /// As an error of a command or of a task, which has no page to show.
    pub fn plain(self) -> anyhow::Error {
        match self {
            Self::Internal(fault) => fault,
            Self::Sealed(sentence) => anyhow::anyhow!(sentence),
            other => anyhow::anyhow!("{other:?}"),
        }
    }

    fn failure(self) -> Failure {
        if let Self::Internal(fault) = &self {
            tracing::error!(error = format!("{fault:#}"), "a request failed");
        }
        let (status, code, title) = self.heading();
        let redirect = self.redirect();
        Failure { status, code, title, sentence: self.sentence(), redirect }
    }

    /// The status, the word for programs, the page's heading.
    fn heading(&self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::NotFound => (StatusCode::NOT_FOUND, "not-found", "Nothing here for you"),
            Self::Method => (StatusCode::METHOD_NOT_ALLOWED, "method", "No page is at this address"),
            Self::SignIn { .. } => (StatusCode::UNAUTHORIZED, "sign-in", "Sign in first"),
            Self::Lacking(_) => (StatusCode::FORBIDDEN, "role-missing", "A role is missing"),
            Self::Stale => (StatusCode::FORBIDDEN, "confirm", "Your password, once more"),
            Self::SetPassword => (StatusCode::FORBIDDEN, "set-password", "Your own password first"),
            Self::CrossSite => (StatusCode::FORBIDDEN, "cross-site", "This form came from another site"),
            Self::TooMany { .. } => (StatusCode::TOO_MANY_REQUESTS, "too-many", "Too many in a short time"),
            Self::Sealed(_) => (StatusCode::SERVICE_UNAVAILABLE, "sealed", "The vault is sealed"),
            Self::Malformed(_) => (StatusCode::BAD_REQUEST, "malformed", "This request can't be read"),
            Self::TooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, "too-large", "Too large"),
            Self::Conflict(_) => (StatusCode::CONFLICT, "conflict", "This can’t be done as things stand"),
            Self::Busy => (StatusCode::SERVICE_UNAVAILABLE, "busy", "Too many at once"),
            Self::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, "internal", "Something went wrong"),
        }
    }

    /// What happened, why, and what to do now.
    fn sentence(self) -> String {
        match self {
            Self::Lacking(sentence)
            | Self::TooMany { sentence, .. }
            | Self::Malformed(sentence)
            | Self::TooLarge(sentence)
            | Self::Conflict(sentence) => return sentence,
            Self::NotFound => {
                "There is no such page, or it belongs to a License ID that you hold no role on. Check the address, or ask an Administrator of the License ID for a role."
            }
            Self::Method => {
                "It only takes what a form or a button of another page sends. Nothing was changed. Go back, or start from the overview."
            }
            Self::SignIn { .. } => "You aren't signed in, or your session has ended. Sign in and try again.",
            Self::Stale => "Some minutes have passed since you gave your password. Give it once more to go on.",
            Self::SetPassword => {
                "Somebody else was shown your password when the account was made. Change it on your account page, then go on."
            }
            Self::CrossSite => {
                "Keyward takes forms only from its own pages. Open the page at the address that Keyward is set up for (its base URL) and send it again."
            }
            // Where the file should be is for commands and the log.
            Self::Sealed(_) => {
                "The vault is sealed: Keyward started without its key-encryption key, so no key can be shown, copied or exported. Whoever runs Keyward puts the file back and restarts it."
            }
            Self::Busy => "Keyward is busy for the moment. Try again in some seconds.",
            Self::Internal(_) => {
                "This is a fault of Keyward or its database, and nothing was changed. Try again; if it stays, give your operator the request id below."
            }
        }
        .to_owned()
    }

    /// Where a browser is sent instead of being shown a page.
    fn redirect(&self) -> Option<String> {
        match self {
            Self::SignIn { next: None } => Some("/sign-in".to_owned()),
            Self::SignIn { next: Some(next) } => Some(sign_in_path(next)),
            Self::Stale => Some("/confirm".to_owned()),
            Self::SetPassword => Some("/account".to_owned()),
            _ => None,
        }
    }
}

/// `/sign-in` that comes back to `next` afterwards.
fn sign_in_path(next: &str) -> String {
    if next == "/" {
        return "/sign-in".to_owned();
    }
    let query: String = url::form_urlencoded::Serializer::new(String::new()).append_pair("next", next).finish();
    format!("/sign-in?{query}")
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let retry_after = match &self {
            Self::TooMany { retry_after, .. } => Some(*retry_after),
            Self::Busy => Some(5),
            _ => None,
        };
        let failure = self.failure();
        let mut response = failure.status.into_response();
        if let Some(seconds) = retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(failure);
        response
    }
}

impl From<sqlx::Error> for Error {
    fn from(fault: sqlx::Error) -> Self {
        match fault {
            sqlx::Error::RowNotFound => Self::NotFound,
            sqlx::Error::PoolTimedOut => Self::Busy,
            other => Self::Internal(other.into()),
        }
    }
}

impl From<VaultError> for Error {
    fn from(fault: VaultError) -> Self {
        match fault {
            VaultError::Sealed(_) => Self::Sealed(fault.to_string()),
            VaultError::Database(fault) => fault.into(),
            other => Self::Internal(other.into()),
        }
    }
}

impl From<Busy> for Error {
    fn from(_: Busy) -> Self {
        Self::Busy
    }
}

impl From<anyhow::Error> for Error {
    fn from(fault: anyhow::Error) -> Self {
        Self::Internal(fault)
    }
}

impl From<askama::Error> for Error {
    fn from(fault: askama::Error) -> Self {
        Self::Internal(fault.into())
    }
}
