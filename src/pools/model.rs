//! What is known of own applications, as read for their pages.

use time::OffsetDateTime;
use uuid::Uuid;

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

    /// `MAK ending in AB12C`.
    pub fn called(&self) -> String {
        format!("{} ending in {}", if self.is_mak() { "MAK" } else { "Host key" }, self.last_five)
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

/// A machine in the list; one that is activated by count and by key stands there twice.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Machine {
    /// The client machine id.
    pub cmid: Uuid,
    /// Its name.
    pub machine: String,
    /// `count`, `key` or `none`.
    pub way: String,
    /// A [`State`].
    pub state: String,
    /// Whether it is virtual.
    pub is_virtual: bool,
    /// When it asked first.
    pub first_seen_at: OffsetDateTime,
    /// When it asked last.
    pub seen_at: OffsetDateTime,
    /// When the lease ends that it got by count.
    pub lease_ends_at: Option<OffsetDateTime>,
    /// Whether it is in the count now.
    pub counted: bool,
    /// Whether two machines were seen with its id.
    pub cloned: bool,
    /// The edition it asked for last; empty for one that isn't verified.
    pub edition: String,
}

/// How a machine stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Holds a lease, or an activation of a key.
    Activated,
    /// Asked, and waits for the count.
    Waiting,
    /// Its lease has ended.
    Ended,
    /// The machine has another id by now.
    Replaced,
    /// Its device lost its trust.
    Revoked,
    /// Its key was blocked.
    Blocked,
    /// Asked without being enrolled.
    Unverified,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Activated, Self::Waiting, Self::Ended, Self::Replaced, Self::Revoked, Self::Blocked, Self::Unverified];

    /// As in the address and in the queries.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Activated => "activated",
            Self::Waiting => "waiting",
            Self::Ended => "ended",
            Self::Replaced => "replaced",
            Self::Revoked => "revoked",
            Self::Blocked => "blocked",
            Self::Unverified => "unverified",
        }
    }

    /// Reads a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }

    /// As on the page.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Activated => "Activated",
            Self::Waiting => "Waits for the count",
            Self::Ended => "Lease ended",
            Self::Replaced => "Has a new id",
            Self::Revoked => "Trust taken away",
            Self::Blocked => "Key blocked",
            Self::Unverified => "Not verified",
        }
    }
}

/// What the list of machines is narrowed to.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Part of a name, or an id.
    pub q: String,
    /// A [`State`]'s word, `cloned`, `counted`, or empty.
    pub state: String,
    /// `count`, `key`, `none`, or empty.
    pub way: String,
}

/// A machine of the count, in full.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Counted {
    /// Its name.
    pub machine: String,
    /// Names it had before.
    pub former_names: Vec<String>,
    /// When two machines were seen with its id.
    pub cloned_at: Option<OffsetDateTime>,
    /// Whether it is virtual.
    pub is_virtual: bool,
    /// When it asked first.
    pub first_seen_at: OffsetDateTime,
    /// When it asked last.
    pub asked_at: OffsetDateTime,
    /// How often.
    pub requests: i64,
    /// Whether it is in the count now.
    pub counted: bool,
    /// The id that the machine has now.
    pub superseded_by: Option<Uuid>,
    /// When its lease ends.
    pub lease_ends_at: Option<OffsetDateTime>,
    /// From where it asked last.
    pub address: String,
    /// What it was answered last.
    pub result: String,
    /// The count then.
    pub count: i64,
    /// What was needed.
    pub needed: i64,
    /// The edition.
    pub edition: String,
}

/// An activation that a machine holds by a key.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Held {
    /// The activation.
    pub id: Uuid,
    /// The name it gave.
    pub machine: String,
    /// Whether it is virtual.
    pub is_virtual: bool,
    /// When the activation was spent.
    pub at: OffsetDateTime,
    /// When it was told last.
    pub told_at: OffsetDateTime,
    /// `online` or `offline`.
    pub way: String,
    /// From where.
    pub address: String,
    /// The edition.
    pub edition: String,
    /// The key.
    pub key_id: Uuid,
    /// Its last group.
    pub last_five: String,
    /// Whether it was blocked.
    pub blocked: bool,
    /// Digests of the components, in the order of `COMPONENTS`.
    pub hardware: Vec<Option<String>>,
}

/// An enrolled device.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Device {
    /// The name it gave.
    pub machine: String,
    /// When it enrolled.
    pub enrolled_at: OffsetDateTime,
    /// When its trust was taken away.
    pub revoked_at: Option<OffsetDateTime>,
    /// What the code was noted for.
    pub note: String,
    /// Its public key.
    pub public_key: Vec<u8>,
}

/// Somebody who asked without being enrolled.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Unverified {
    /// The name it gave.
    pub machine: String,
    /// From where.
    pub address: String,
    /// When it asked first.
    pub first_seen_at: OffsetDateTime,
    /// When it asked last.
    pub asked_at: OffsetDateTime,
    /// How often.
    pub requests: i64,
}

/// All that is known of one machine.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// In the count.
    pub counted: Option<Counted>,
    /// By keys, the latest first.
    pub held: Vec<Held>,
    /// Enrolled.
    pub device: Option<Device>,
    /// Not enrolled.
    pub unverified: Option<Unverified>,
}

impl Known {
    /// Its name, from whoever knows it; none where nothing is known.
    pub fn name(&self) -> Option<&str> {
        let counted = self.counted.as_ref().map(|counted| counted.machine.as_str());
        let held = self.held.first().map(|held| held.machine.as_str());
        let device = self.device.as_ref().map(|device| device.machine.as_str());
        counted.or(held).or(device).or(self.unverified.as_ref().map(|other| other.machine.as_str()))
    }
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
