//! What sort of product key it is, and how far a counted one is used up.
use std::fmt;

/// The sorts of product key that Keyward records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KeyKind {
    /// Multiple Activation Key: each activation takes one from a counted pool.
    Mak,
    /// The key of a Key Management Service host; it belongs on hosts only.
    KmsHost,
    /// Volume licence key without a count: the product just asks for it.
    Vlk,
    /// Online Service Activation: a single-use key that is redeemed once.
    Osa,
    /// Generic setup key (GVLK): published by the vendor, makes a client look for a KMS host.
    Setup,
}

/// Every accepted spelling of a kind. The first of each kind is the one Keyward writes.
const SPELLINGS: [(&str, KeyKind); 10] = [
    ("MAK", KeyKind::Mak),
    ("KMS", KeyKind::KmsHost),
    ("KMS host", KeyKind::KmsHost),
    ("KMS host key", KeyKind::KmsHost),
    ("VLK", KeyKind::Vlk),
    ("OSA", KeyKind::Osa),
    ("GVLK", KeyKind::Setup),
    ("Setup", KeyKind::Setup),
    ("Setup key", KeyKind::Setup),
    ("KMS client", KeyKind::Setup),
];

impl KeyKind {
    /// Every kind, in the order in which messages list them.
    pub const ALL: [Self; 5] = [Self::Mak, Self::KmsHost, Self::Vlk, Self::Osa, Self::Setup];

    /// Reads a `Type` cell; letter case doesn't matter. `None` for a word that names no kind.
    pub fn from_label(text: &str) -> Option<Self> {
        let text = text.trim();
        SPELLINGS.iter().find(|(spelling, _)| spelling.eq_ignore_ascii_case(text)).map(|&(_, kind)| kind)
    }

    /// The word that the vendor's key export has in its `Type` column.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Mak => "MAK",
            Self::KmsHost => "KMS",
            Self::Vlk => "VLK",
            Self::Osa => "OSA",
            Self::Setup => "GVLK",
        }
    }
}

/// The kind that a row of `product_keys` names; `None` for `NONE` (no key needed).
pub fn kind_of(code: &str) -> Option<KeyKind> {
    KeyKind::ALL.into_iter().find(|kind| kind.code() == code)
}

impl KeyKind {
    /// The word in `product_keys.kind`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Mak => "MAK",
            Self::KmsHost => "KMS",
            Self::Vlk => "VLK",
            Self::Osa => "OSA",
            Self::Setup => "SETUP",
        }
    }
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

/// How many activations of a key are used, out of how many. Written `42/50`.
///
/// The numbers are the vendor's reading: `used` above `limit` happens (an extension was granted)
/// and is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Activations {
    /// Activations used so far.
    pub used: u32,
    /// Activations granted in all.
    pub limit: u32,
}

impl Activations {
    /// Whether more are used than were granted.
    pub const fn above_limit(self) -> bool {
        self.used > self.limit
    }
}

impl fmt::Display for Activations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.used, self.limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_reads_back_from_its_label() {
        for kind in KeyKind::ALL {
            assert_eq!(KeyKind::from_label(kind.label()), Some(kind));
        }
    }

    #[test]
    fn synonyms_and_letter_case_are_accepted() {
        assert_eq!(KeyKind::from_label(" kms HOST "), Some(KeyKind::KmsHost));
        assert_eq!(KeyKind::from_label("setup"), Some(KeyKind::Setup));
        assert_eq!(KeyKind::from_label("gvlk"), Some(KeyKind::Setup));
    }

    #[test]
    fn an_unknown_word_is_no_kind() {
        assert_eq!(KeyKind::from_label("retail"), None);
        assert_eq!(KeyKind::from_label(""), None);
    }

    #[test]
    fn activations_read_used_of_limit() {
        let activations = Activations { used: 42, limit: 50 };
        assert_eq!(activations.to_string(), "42/50");
        assert!(!activations.above_limit());
    }
}
