//! Machines that asked: the list, and all that is known of one.

use time::OffsetDateTime;
use uuid::Uuid;

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
    /// When its lease ends; none for one that waits for the count, or where that isn't known.
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

impl Filter {
    /// What was searched, where it is an id.
    pub fn id(&self) -> Option<Uuid> {
        self.q.parse().ok()
    }

    /// Whether it leaves anything out.
    pub fn narrows(&self) -> bool {
        !(self.q.is_empty() && self.state.is_empty() && self.way.is_empty())
    }
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
    /// When the lease ends that was told then; none where that isn't known.
    pub lease_ends_at: Option<OffsetDateTime>,
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
