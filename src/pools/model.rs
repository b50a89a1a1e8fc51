//! What is known of own applications, as read for their pages.

mod machines;
mod site;

use time::OffsetDateTime;
use uuid::Uuid;

pub use machines::{Counted, Device, Filter, Held, Known, Machine, State, Unverified};
pub use site::{Done, Foreign, Host};

/// An application that the person administers.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Application {
    /// Its id, which clients name.
    pub id: Uuid,
    /// The License ID's row.
    pub contract_id: Uuid,
    /// The License ID.
    pub license_id: String,
    /// Its name.
    pub name: String,
    /// Whether only enrolled devices are believed.
    pub enrolled: bool,
    /// What may change of a machine's hardware, by weight.
    pub tolerance: i16,
    /// When it was registered.
    pub created_at: OffsetDateTime,
    /// When it was closed.
    pub closed_at: Option<OffsetDateTime>,
    /// Machines counted now.
    pub count: i64,
    /// What a genuine host would show: it keeps twice the largest number needed (DOMAIN §3).
    pub capped: i64,
}

impl Application {
    /// Its page.
    pub fn href(&self) -> String {
        format!("/activation/{}", self.id)
    }
}

/// An edition.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Sku {
    /// The activation id.
    pub id: Uuid,
    /// Its name.
    pub edition: String,
    /// `client`, `server`, `office` or `custom`.
    pub kind: String,
    /// Whether it is activated by count.
    pub by_count: bool,
    /// Machines needed.
    pub needed: i32,
    /// Days that a lease lasts.
    pub lease_days: i32,
    /// The product that it is an edition of.
    pub product: String,
    /// That product's address.
    pub slug: String,
    /// Machines that asked for it within 30 days.
    pub machines: i64,
    /// Keys that activate it.
    pub keys: i64,
}

/// A key of an application.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct OwnKey {
    /// The row in `product_keys`.
    pub id: Uuid,
    /// `MAK` or `KMS`.
    pub kind: String,
    /// The last group.
    pub last_five: String,
    /// Activations spent.
    pub used: i64,
    /// The limit.
    pub total: i64,
    /// When it was blocked.
    pub blocked_at: Option<OffsetDateTime>,
    /// When it was issued.
    pub created_at: OffsetDateTime,
    /// The edition that a MAK activates; empty for a host key.
    pub edition: String,
    /// The product it is listed under.
    pub product: String,
    /// That product's address.
    pub slug: String,
    /// Activations by week before now, the latest whole week last; weeks since it was issued, 12 at most.
    pub weeks: Vec<i64>,
}

impl OwnKey {
    /// Whether it is a counted key.
    pub fn is_mak(&self) -> bool {
        self.kind == "MAK"
    }
}

/// A place of a host key.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Slot {
    /// The key.
    pub key_id: Uuid,
    /// The host's name.
    pub host: String,
    /// Activations of this host: the first and its reactivations.
    pub activations: i16,
    /// When it took the place.
    pub first_at: OffsetDateTime,
    /// When it activated last.
    pub last_at: OffsetDateTime,
    /// When its responder was seen last.
    pub seen_at: OffsetDateTime,
}

/// An enrolment code, without the code.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Code {
    /// The row.
    pub id: Uuid,
    /// What it is for.
    pub note: String,
    /// Devices enrolled with it.
    pub uses: i32,
    /// Devices that it enrols.
    pub most_uses: i32,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// Until when it holds.
    pub ends_at: OffsetDateTime,
    /// When it was taken back.
    pub revoked_at: Option<OffsetDateTime>,
}

/// Which applications a list shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Show {
    /// All of them.
    #[default]
    All,
    /// Open ones whose count hasn't reached what an edition needs.
    Waiting,
    /// Open ones with a MAK of which nothing is left.
    Spent,
}

impl Show {
    /// Reads the address's `show`; anything unknown narrows nothing.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        match text {
            "waiting" => Self::Waiting,
            "spent" => Self::Spent,
            _ => Self::All,
        }
    }

    /// As addresses name it; empty for all.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::All => "",
            Self::Waiting => "waiting",
            Self::Spent => "spent",
        }
    }

    /// As a chip names it; empty for all.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::All => "",
            Self::Waiting => "Waiting for the count",
            Self::Spent => "With a MAK that is used up",
        }
    }
}
