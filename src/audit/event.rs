//! What the log holds: who did what, and what came of it.

use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

/// Name of the chain for what belongs to no License ID.
pub const SITE: &str = "site";

/// Who did it and from where.
#[derive(Clone, Debug)]
pub struct Actor {
    /// The person, or none for the program and for strangers.
    pub id: Option<Uuid>,
    /// E-mail address, or `system:import` and the like.
    pub name: String,
    /// Address of the client; empty on the command line.
    pub address: String,
    /// Id of the request, as in the server's log.
    pub request_id: String,
}

impl Actor {
    /// The program itself; `what` is the command, e.g. `import`.
    pub fn system(what: &str) -> Self {
        Self { id: None, name: format!("system:{what}"), address: String::new(), request_id: String::new() }
    }
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was done.
    Done,
    /// It was asked for and refused.
    Denied,
    /// It failed for another reason.
    Failed,
}

impl Outcome {
    /// As stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Denied => "denied",
            Self::Failed => "failed",
        }
    }
}

/// One thing that happened. Never holds a secret.
#[derive(Clone, Debug)]
pub struct Event {
    /// Dotted, most general first: `key.reveal`, `session.begin`.
    pub action: &'static str,
    /// What came of it.
    pub outcome: Outcome,
    /// The License ID it belongs to; decides the chain and who may read it.
    pub contract: Option<Uuid>,
    /// What it was done to, in words for a person.
    pub subject: String,
    /// More, as an object of strings and integers.
    pub detail: Value,
    /// The keys that left, for exports.
    pub keys: Vec<Uuid>,
}

impl Event {
    /// A thing that was done, on the site's chain until [`Event::on`] says otherwise.
    pub fn done(action: &'static str, subject: impl Into<String>) -> Self {
        Self {
            action,
            outcome: Outcome::Done,
            contract: None,
            subject: subject.into(),
            detail: Value::Object(Default::default()),
            keys: Vec::new(),
        }
    }

    /// A thing that was refused.
    pub fn denied(action: &'static str, subject: impl Into<String>) -> Self {
        Self { outcome: Outcome::Denied, ..Self::done(action, subject) }
    }

    /// Puts it on a License ID's chain.
    pub fn on(mut self, contract: Uuid) -> Self {
        self.contract = Some(contract);
        self
    }

    /// Adds detail.
    pub fn with(mut self, detail: Value) -> Self {
        self.detail = detail;
        self
    }

    /// Names the keys that left.
    pub fn keys(mut self, keys: Vec<Uuid>) -> Self {
        self.keys = keys;
        self
    }

    pub(super) fn chain(&self) -> String {
        self.contract.map_or_else(|| SITE.to_owned(), |id| id.to_string())
    }
}

/// An event as it stands in its chain: a row of `audit_events`, its fields in the order of the table's columns.
#[derive(Clone, Debug, sqlx::FromRow, sqlx::Type)]
#[sqlx(type_name = "audit_events")]
pub struct Stored {
    /// Which chain.
    pub chain: String,
    /// The place in it, from 1.
    pub seq: i64,
    /// When, in UTC.
    pub at: OffsetDateTime,
    /// The person, if it was one.
    pub actor_id: Option<Uuid>,
    /// Who, by name.
    pub actor: String,
    /// What was done.
    pub action: String,
    /// What came of it.
    pub outcome: String,
    /// The License ID it belongs to.
    pub contract_id: Option<Uuid>,
    /// What it was done to.
    pub subject: String,
    /// More.
    pub detail: Value,
    /// The keys that left.
    pub key_ids: Vec<Uuid>,
    /// From where.
    pub address: String,
    /// In which request.
    pub request_id: String,
    /// The HMAC over the link before and all of the above.
    pub link: Vec<u8>,
}
