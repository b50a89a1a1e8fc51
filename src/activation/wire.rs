//! What travels on the wire, for both ends: requests, answers, error lines. `docs/protocol.md` is their text.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

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

/// The outcome of a request that was understood: an HRESULT that administrators of the field know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Done.
    Done,
    /// Too few machines have asked within 30 days; this one is counted.
    CountInsufficient,
    /// The SKU isn't activated by count, or the application is closed.
    NotEnabled,
    /// No host key of the application can be used by this host.
    HostNotActivated,
    /// The application or the SKU isn't known here.
    UnknownSku,
    /// The client's clock is more than four hours off.
    ClockSkew,
    /// The key isn't valid: its check fails, nobody issued it, or it is of another SKU.
    KeyInvalid,
    /// The key was blocked.
    KeyBlocked,
    /// The host key's slots are spent. Told to hosts, never to clients.
    HostKeySpent,
    /// All activations of the key are spent.
    LimitReached,
    /// More of the hardware changed than the application tolerates.
    HardwareBeyondTolerance,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Done,
        Self::CountInsufficient,
        Self::NotEnabled,
        Self::HostNotActivated,
        Self::UnknownSku,
        Self::ClockSkew,
        Self::KeyInvalid,
        Self::KeyBlocked,
        Self::HostKeySpent,
        Self::LimitReached,
        Self::HardwareBeyondTolerance,
    ];

    /// As on the wire.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Done => "0x00000000",
            Self::CountInsufficient => "0xC004F038",
            Self::NotEnabled => "0xC004F039",
            Self::HostNotActivated => "0xC004F041",
            Self::UnknownSku => "0xC004F042",
            Self::ClockSkew => "0xC004F06C",
            Self::KeyInvalid => "0xC004C001",
            Self::KeyBlocked => "0xC004C003",
            Self::HostKeySpent => "0xC004C008",
            Self::LimitReached => "0xC004C020",
            Self::HardwareBeyondTolerance => "0xC004F00F",
        }
    }

    /// Reads a code of the wire.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.code() == code)
    }

    /// The sentence that goes with it.
    fn sentence(self, count: Option<(i64, i64)>) -> String {
        let text = match self {
            Self::Done => "Done.",
            Self::CountInsufficient => {
                let (count, needed) = count.unwrap_or_default();
                return format!(
                    "The count is {count} and has to reach {needed}: this machine is counted and is activated by its own next request after that."
                );
            }
            Self::NotEnabled => {
                "This edition isn't activated by count here: install a MAK, or ask whoever looks after it."
            }
            Self::HostNotActivated => "This host has no host key that it can use: ask whoever looks after it.",
            Self::UnknownSku => "This host doesn't know that application or edition: check where the client points.",
            Self::ClockSkew => "The clocks of client and host differ by more than 4 hours: set the client's clock.",
            Self::KeyInvalid => "The key isn't valid for this edition: compare it with the one that was issued.",
            Self::KeyBlocked => "The key was blocked: ask for another one.",
            Self::HostKeySpent => "The host key's activations are spent: request more host activations.",
            Self::LimitReached => "All activations of this key are spent: request a higher limit.",
            Self::HardwareBeyondTolerance => {
                "The hardware changed too much since the activation: activate again, which takes one activation."
            }
        };
        text.to_owned()
    }
}

impl Serialize for Outcome {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Outcome {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = String::deserialize(deserializer)?;
        Self::from_code(&code).ok_or_else(|| serde::de::Error::custom("unknown result"))
    }
}

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

/// Why a line wasn't taken as a request. The first two words are for programs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// No JSON object in UTF-8, or nested too deeply.
    Malformed(&'static str),
    /// A field is unknown, missing, double or not of its form.
    Field {
        /// Its name.
        field: String,
        /// What is wrong with it.
        why: String,
    },
    /// Another version of the protocol.
    Version,
    /// A line of more than [`LINE`] bytes. The connection ends.
    TooLong,
    /// A line that wasn't complete in time. The connection ends.
    TooSlow,
    /// Too many connections or requests wait. The connection ends.
    Busy,
    /// Too many faulty lines. The connection ends.
    TooManyFaults,
    /// The application takes enrolled devices only, and this isn't one.
    Enrolment(&'static str),
    /// The host can't write now: ask again with the same id.
    Unavailable,
}

impl Fault {
    /// Its word on the wire.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "malformed",
            Self::Field { .. } => "field",
            Self::Version => "version",
            Self::TooLong => "too-long",
            Self::TooSlow => "too-slow",
            Self::Busy => "busy",
            Self::TooManyFaults => "too-many-faults",
            Self::Enrolment(_) => "enrolment",
            Self::Unavailable => "unavailable",
        }
    }

    fn sentence(&self) -> String {
        match self {
            Self::Malformed(why) => format!("Not a request: {why}."),
            Self::Field { field, why } => format!("The field “{field}” {why}."),
            Self::Version => "This host speaks version 1 of the protocol.".to_owned(),
            Self::TooLong => format!("A line has {LINE} bytes at most, its line feed included."),
            Self::TooSlow => "The line didn't arrive in time.".to_owned(),
            Self::Busy => "This host is busy: try again in a minute.".to_owned(),
            Self::TooManyFaults => "Too many faulty lines on one connection.".to_owned(),
            Self::Enrolment(why) => format!("This application takes enrolled devices only: {why}."),
            Self::Unavailable => "This host can't answer now: send the same request again in a minute.".to_owned(),
        }
    }

    /// The error line, without its line feed.
    pub fn line(&self, id: Option<Uuid>) -> String {
        let field = match self {
            Self::Field { field, .. } => Some(field.as_str()),
            _ => None,
        };
        let line = ErrorLine {
            v: VERSION,
            id,
            error: self.word().into(),
            field: field.map(Into::into),
            message: self.sentence(),
        };
        serde_json::to_string(&line).unwrap_or_default()
    }
}

impl From<fields::Malformed> for Fault {
    fn from(fault: fields::Malformed) -> Self {
        match fault {
            fields::Malformed::NoObject(why) => Self::Malformed(why),
            fields::Malformed::Field { field, why } => Self::Field { field, why },
        }
    }
}

/// An error line as a client reads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorLine {
    /// Always [`VERSION`].
    pub v: i64,
    /// The request's id, where it could be read.
    pub id: Option<Uuid>,
    /// The fault's word.
    pub error: String,
    /// The field at fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The fault in words.
    pub message: String,
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
    fn codes_read_as_they_are_written() {
        for outcome in Outcome::ALL {
            assert_eq!(Outcome::from_code(outcome.code()), Some(outcome));
        }
    }

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
