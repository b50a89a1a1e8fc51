//! What is said of a line that can't be served: a word for programs, and a sentence.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{super::fields, LINE, VERSION};

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
