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
    /// The vault is sealed.
    Sealed(String),
    /// A malformed request that no form of ours sends.
    Malformed(String),
    /// More than a request may carry.
    TooLarge(String),
    /// It was changed by someone else in between, or is in a state that doesn't allow it.
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
        let plain = |status, code, title, sentence: &str| Failure {
            status,
            code,
            title,
            sentence: sentence.to_owned(),
            redirect: None,
        };
        match self {
            Self::NotFound => plain(
                StatusCode::NOT_FOUND,
                "not-found",
                "Nothing here for you",
                "There is no such page, or it belongs to a License ID that you hold no role on. Check the address, or ask an Administrator of the License ID for a role.",
            ),
            Self::SignIn { next } => Failure {
                redirect: Some(next.map_or_else(|| "/sign-in".to_owned(), |next| sign_in_path(&next))),
                ..plain(
                    StatusCode::UNAUTHORIZED,
                    "sign-in",
                    "Sign in first",
                    "You aren't signed in, or your session has ended. Sign in and try again.",
                )
            },
            Self::Lacking(sentence) => plain(StatusCode::FORBIDDEN, "role-missing", "A role is missing", &sentence),
            Self::Stale => Failure {
                redirect: Some("/confirm".to_owned()),
                ..plain(
                    StatusCode::FORBIDDEN,
                    "confirm",
                    "Your password, once more",
                    "Some minutes have passed since you gave your password. Give it once more to go on.",
                )
            },
            Self::SetPassword => Failure {
                redirect: Some("/account".to_owned()),
                ..plain(
                    StatusCode::FORBIDDEN,
                    "set-password",
                    "Your own password first",
                    "Somebody else was shown your password when the account was made. Change it on your account page, then go on.",
                )
            },
            Self::CrossSite => plain(
                StatusCode::FORBIDDEN,
                "cross-site",
                "This form came from another site",
                "Keyward takes forms only from its own pages. Open the page at the address that Keyward is set up for (its base URL) and send it again.",
            ),
            Self::TooMany { sentence, .. } => {
                plain(StatusCode::TOO_MANY_REQUESTS, "too-many", "Too many in a short time", &sentence)
            }
            Self::Sealed(sentence) => {
                plain(StatusCode::SERVICE_UNAVAILABLE, "sealed", "The vault is sealed", &sentence)
            }
            Self::Malformed(sentence) => {
                plain(StatusCode::BAD_REQUEST, "malformed", "This request can't be read", &sentence)
            }
            Self::TooLarge(sentence) => plain(StatusCode::PAYLOAD_TOO_LARGE, "too-large", "Too large", &sentence),
            Self::Conflict(sentence) => plain(StatusCode::CONFLICT, "conflict", "It has changed in between", &sentence),
            Self::Busy => plain(
                StatusCode::SERVICE_UNAVAILABLE,
                "busy",
                "Too many at once",
                "Keyward is busy for the moment. Try again in some seconds.",
            ),
            Self::Internal(fault) => {
                tracing::error!(error = format!("{fault:#}"), "a request failed");
                plain(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "internal",
                    "Something went wrong",
                    "This is a fault of Keyward or its database, and nothing was changed. Try again; if it stays, give your operator the request id below.",
                )
            }
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
