//! How keys stand, as lists are narrowed by it and the overview counts it.

/// How keys stand: what lists of products and keys are narrowed to, and the overview counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Any key, whatever it is.
    Any,
    /// MAKs of which nothing is left.
    UsedUp,
    /// MAKs from 80 % on, where their meter changes colour, that aren't used up.
    Low,
    /// Keys whose day hasn't come: ESU before its coverage.
    NotYet,
}

impl Standing {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Any, Self::UsedUp, Self::Low, Self::NotYet];

    /// Reads the address's `keys`; anything unknown narrows nothing.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|standing| standing.code() == text)
    }

    /// As addresses name it.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::UsedUp => "used-up",
            Self::Low => "low",
            Self::NotYet => "not-yet",
        }
    }

    /// As a chip names it.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Any => "Keys you may read",
            Self::UsedUp => "MAKs used up",
            Self::Low => "MAKs running low",
            Self::NotYet => "Keys not usable yet",
        }
    }

    /// The condition on a key in force, in a statement where `k` is the key's row.
    #[must_use]
    pub const fn condition(self) -> &'static str {
        match self {
            Self::Any => "k.kind <> 'NONE'",
            Self::UsedUp => "(k.kind = 'MAK' AND k.used >= k.total)",
            Self::Low => "(k.kind = 'MAK' AND k.used < k.total AND k.used * 5 >= k.total * 4)",
            Self::NotYet => {
                "CASE WHEN k.usable_from IS NULL THEN k.product_id IN (SELECT own.id FROM products own WHERE own.usable_from > (app_now() AT TIME ZONE 'UTC')::date)
                 ELSE k.usable_from > (app_now() AT TIME ZONE 'UTC')::date END"
            }
        }
    }
}
