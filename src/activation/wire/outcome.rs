//! What comes of a request that was understood: a code and its sentence.

use serde::{Deserialize, Serialize};

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
    pub(super) fn sentence(self, count: Option<(i64, i64)>) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_read_as_they_are_written() {
        for outcome in Outcome::ALL {
            assert_eq!(Outcome::from_code(outcome.code()), Some(outcome));
        }
    }
}
