//! What travels on the wire, for both ends: requests, answers, error lines. `docs/protocol.md` is their text.

mod fault;
mod outcome;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

pub use fault::{ErrorLine, Fault};
pub use outcome::Outcome;

use super::{fields, hardware::Hardware};

/// The protocol's version.
pub const VERSION: i64 = 1;
/// Bytes of a line at most, its line feed included; of requests and of answers.
pub const LINE: usize = 4_096;
/// Requests on one connection that may wait for their answers.
pub const PIPELINE: usize = 64;
/// Minutes until a client that isn't activated asks again (DOMAIN §3).
pub const ACTIVATION_INTERVAL: u32 = 120;
/// Minutes until a client that is activated renews (DOMAIN §3).
pub const RENEWAL_INTERVAL: u32 = 10_080;
/// Characters of a machine's name at most.
pub const MACHINE: usize = 64;

/// A request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Request {
    /// Always [`VERSION`].
    pub v: i64,
    /// Which one.
    #[serde(flatten)]
    pub op: Op,
    /// Made by the client; two requests with one id are one request.
    pub id: Uuid,
}

impl Request {
    /// The line, without its line feed.
    pub fn line(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "op", rename_all = "lowercase")]
pub enum Op {
    /// Who is there; enrols a device where it brings a code.
    Hello {
        /// The enrolment.
        #[serde(skip_serializing_if = "Option::is_none")]
        enrol: Option<Enrol>,
    },
    /// Activates or renews by count.
    Activate(Ask),
    /// Activates by a counted key.
    Mak {
        /// Who asks for what.
        #[serde(flatten)]
        ask: Ask,
        /// The key as it was typed, 29 characters.
        key: String,
        /// The machine's components.
        hardware: Hardware,
    },
    /// How it stands; counts nothing and spends nothing.
    Status {
        /// Who asks about what.
        #[serde(flatten)]
        ask: Ask,
        /// The machine's components, where the client was activated by a key.
        #[serde(skip_serializing_if = "Option::is_none")]
        hardware: Option<Hardware>,
    },
}

impl Op {
    /// Its name on the wire.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Hello { .. } => "hello",
            Self::Activate(_) => "activate",
            Self::Mak { .. } => "mak",
            Self::Status { .. } => "status",
        }
    }

    /// Who asks, except for a `hello`.
    pub fn ask(&self) -> Option<&Ask> {
        match self {
            Self::Hello { .. } => None,
            Self::Activate(ask) | Self::Mak { ask, .. } | Self::Status { ask, .. } => Some(ask),
        }
    }
}

/// Who asks for what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Ask {
    /// The pool of one count.
    pub application: Uuid,
    /// The edition.
    pub sku: Uuid,
    /// The client's machine id.
    pub cmid: Uuid,
    /// The id that the client had before, where it was given a new one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_cmid: Option<Uuid>,
    /// The machine's name.
    pub machine: String,
    /// Whether it is a virtual machine. Counts like any other.
    pub r#virtual: bool,
    /// The client's clock.
    #[serde(serialize_with = "write_moment")]
    pub time: OffsetDateTime,
}

/// A device that wants its key known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Enrol {
    /// The application that takes enrolled devices only.
    pub application: Uuid,
    /// The device.
    pub cmid: Uuid,
    /// Its name.
    pub machine: String,
    /// The code that an administrator handed out.
    pub code: String,
}

fn write_moment<S: serde::Serializer>(at: &OffsetDateTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&fields::moment(*at))
}

/// The answer to a request that was understood. Holds no time and nothing random but the lease, so that one
/// state of affairs has one text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Always [`VERSION`].
    pub v: i64,
    /// The request's.
    pub id: Uuid,
    /// The outcome.
    pub result: Outcome,
    /// The outcome in words.
    pub message: String,
    /// Machines counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<i64>,
    /// Machines needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needed: Option<i64>,
    /// Minutes until an unactivated client asks again.
    pub activation_interval: u32,
    /// Minutes until an activated client renews.
    pub renewal_interval: u32,
    /// The activation that was spent or found again, for a `mak`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmation: Option<Uuid>,
    /// The lease.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<String>,
    /// What a `hello` tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<Site>,
}

/// What a `hello` tells of the site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Site {
    /// The issuer of its leases.
    pub iss: String,
    /// Public keys that leases may be signed with.
    pub keys: Vec<PublicKey>,
    /// Bytes of a line.
    pub line: usize,
    /// Requests that may wait for their answers on one connection.
    pub pipeline: usize,
}

/// A public key of the site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicKey {
    /// Its RFC 7638 thumbprint.
    pub kid: String,
    /// The Ed25519 key, base64url.
    pub x: String,
}

impl Answer {
    /// An answer without more.
    pub fn new(id: Uuid, result: Outcome) -> Self {
        Self {
            v: VERSION,
            id,
            result,
            message: result.sentence(None),
            count: None,
            needed: None,
            activation_interval: ACTIVATION_INTERVAL,
            renewal_interval: RENEWAL_INTERVAL,
            confirmation: None,
            lease: None,
            site: None,
        }
    }

    /// With both numbers of a count.
    #[must_use]
    pub fn counted(mut self, count: i64, needed: i64) -> Self {
        (self.count, self.needed) = (Some(count), Some(needed));
        self.message = self.result.sentence(Some((count, needed)));
        self
    }

    /// With a lease.
    #[must_use]
    pub fn leased(mut self, lease: impl Into<String>) -> Self {
        self.lease = Some(lease.into());
        self
    }

    /// With the activation that was spent or found again.
    #[must_use]
    pub fn confirmed(mut self, activation: Uuid) -> Self {
        self.confirmation = Some(activation);
        self
    }

    /// The line, without its line feed.
    pub fn line(&self) -> String {
        // Most hold a lease: room for one from the start.
        let mut line = Vec::with_capacity(1024);
        serde_json::to_writer(&mut line, self)
            .map_or_else(|_| String::new(), |()| String::from_utf8(line).unwrap_or_default())
    }
}

/// What a client reads: an answer or an error line.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Reply {
    /// The request was understood.
    Answer(Box<Answer>),
    /// It wasn't, or couldn't be served.
    Error(ErrorLine),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_insufficient_count_is_told_with_both_numbers() {
        let answer = Answer::new(Uuid::from_u128(1), Outcome::CountInsufficient).counted(24, 25);
        assert!(answer.message.contains("24") && answer.message.contains("25"));
        let reply: Reply = serde_json::from_str(&answer.line()).unwrap();
        assert_eq!(reply, Reply::Answer(Box::new(answer)));
    }

    #[test]
    fn an_error_line_names_the_field() {
        let line = Fault::Field { field: "sku".into(), why: "is missing".into() }.line(None);
        assert_eq!(line, r#"{"v":1,"id":null,"error":"field","field":"sku","message":"The field “sku” is missing."}"#);
        let Reply::Error(error) = serde_json::from_str(&line).unwrap() else { panic!("it is an error line") };
        assert_eq!(error.field.as_deref(), Some("sku"));
    }
}
