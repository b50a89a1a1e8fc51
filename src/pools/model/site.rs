//! What the whole site does: its responders, and who comes to them.

use time::OffsetDateTime;

/// A responder.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Host {
    /// Its machine's name.
    pub host: String,
    /// The address that it listens on.
    pub listens: String,
    /// Its version.
    pub version: String,
    /// When it was started.
    pub started_at: OffsetDateTime,
    /// When it was seen last.
    pub seen_at: OffsetDateTime,
}

/// What responders did in the last hour.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Done {
    /// The operation.
    pub op: String,
    /// The result's code, or an error's word.
    pub result: String,
    /// How often.
    pub requests: i64,
}

/// A client of another protocol.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Foreign {
    /// Its address.
    pub address: String,
    /// When it came last.
    pub last_at: OffsetDateTime,
    /// How often.
    pub contacts: i64,
}
