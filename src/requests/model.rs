//! What is known of a request.

use time::{Date, OffsetDateTime};
use uuid::Uuid;

use super::machine::{Course, Kind, Standing, State};
use crate::web::view::number;

/// Whose turn it is, as addresses and the list's filter name it; anybody's first.
pub const TURNS: [(&str, &str); 5] = [
    ("", "Anybody’s"),
    ("decide", "Waits for my decision"),
    ("answer", "Waits for my answer"),
    ("me", "Asked by me"),
    ("late", "Overdue"),
];

/// A request in full, as somebody who may see it sees it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Request {
    /// The row.
    pub id: Uuid,
    /// What people call it by.
    pub number: i64,
    /// What is asked for.
    #[sqlx(try_from = "String")]
    pub kind: Kind,
    /// Where it is.
    #[sqlx(try_from = "String")]
    pub state: State,
    /// `vendor` or `own`.
    pub estate: String,
    /// The License ID's row; none where there is no such License ID. Never shown to the asker of access.
    pub contract_id: Option<Uuid>,
    /// The License ID, for access as it was typed.
    pub license_id: String,
    /// The key.
    pub key_id: Option<Uuid>,
    /// The product's row.
    pub product_id: Option<Uuid>,
    /// The product with version and edition.
    pub product: String,
    /// The last five characters of the key.
    pub last_five: Option<String>,
    /// Who asks.
    pub asker_id: Uuid,
    /// Their name then.
    pub asker_name: String,
    /// Their address then.
    pub asker_email: String,
    /// How many more.
    pub quantity: Option<i64>,
    /// The limit when it was submitted.
    pub total_before: Option<i64>,
    /// What it shall be.
    pub wanted_total: Option<i64>,
    /// Why.
    pub justification: String,
    /// Authorization or agreement number.
    pub authorization_number: String,
    /// How many computers there are (KMS exception).
    pub computers: Option<i64>,
    /// The role's code (access).
    pub role: Option<String>,
    /// The role's last day.
    pub until: Option<Date>,
    /// When it should be settled.
    pub due_on: Option<Date>,
    /// Whether somebody else has to decide.
    pub second_person: bool,
    /// When it was begun.
    pub created_at: OffsetDateTime,
    /// When it was submitted.
    pub submitted_at: Option<OffsetDateTime>,
    /// When it was sent to the vendor.
    pub sent_on: Option<Date>,
    /// The vendor's case number.
    pub vendor_reference: String,
    /// The total that was read back.
    pub total_read: Option<i64>,
    /// Whether the person asking this is its asker.
    pub mine: bool,
    /// Whether they administer its License ID.
    pub administers: bool,
    /// Whether they may ask on its License ID.
    pub may_ask: bool,
    /// Whether they see its License ID at all.
    pub sees: bool,
}

impl Request {
    /// What its way depends on.
    pub fn course(&self) -> Course {
        Course { vendor: self.estate == "vendor", second_person: self.second_person }
    }

    /// What whoever looks at it is to it.
    pub fn standing(&self) -> Standing {
        Standing { asker: self.mine, administers: self.administers, may_ask: self.may_ask }
    }

    /// `200 more activations of Windows 11 Pro (AB12C)`, or `Product keys reader on License ID 8671204`.
    pub fn title(&self) -> String {
        match (&self.role, self.quantity) {
            (Some(role), _) => {
                format!("{} on License ID {}", crate::people::model::role_label(role), self.license_id)
            }
            (None, Some(quantity)) if self.kind == Kind::KmsException => {
                format!("KMS key for {}, {} host activations", self.product, number(quantity))
            }
            (None, quantity) => {
                let key = self.last_five.as_ref().map(|five| format!(" ({five})")).unwrap_or_default();
                format!("{} more {} of {}{key}", number(quantity.unwrap_or(0)), self.kind.unit(), self.product)
            }
        }
    }

    /// Its page.
    pub fn href(&self) -> String {
        href(self.number)
    }

    /// Whether there is a form of the vendor's to fill in.
    pub fn has_packet(&self) -> bool {
        self.kind != Kind::Access && self.estate == "vendor"
    }

    /// Whether its asker may be told nothing of the License ID: access to one that the asker doesn't see.
    pub fn is_blind(&self) -> bool {
        self.kind == Kind::Access && self.mine && !self.sees
    }
}

/// The page of a request.
pub fn href(number: i64) -> String {
    format!("/requests/{number}")
}

/// A line of a request's history.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Entry {
    /// When.
    pub at: OffsetDateTime,
    /// Who; empty for the program itself.
    pub who: String,
    /// What was done.
    pub action: String,
    /// The state's code afterwards.
    pub state: String,
    /// What was said.
    pub comment: String,
}

/// An attached file without its bytes.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Attached {
    /// The row.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// Its type, as its content shows.
    pub media_type: String,
    /// Bytes.
    pub size: i64,
    /// Who attached it.
    pub who: String,
    /// When.
    pub added_at: OffsetDateTime,
}

/// A key that more can be asked for, with what the vendor's form wants to know.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Askable {
    /// The row.
    pub id: Uuid,
    /// Its product with version and edition.
    pub product: String,
    /// `vendor` or `own`.
    pub estate: String,
    /// MAK or KMS.
    pub kind: String,
    /// The last five characters.
    pub last_five: String,
    /// Activations used.
    pub used: Option<i64>,
    /// The limit.
    pub total: Option<i64>,
}

/// A License ID on which the person may ask.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Place {
    /// The row.
    pub id: Uuid,
    /// The License ID.
    pub license_id: String,
    /// Its organisation.
    pub organization: String,
    /// Its programme.
    pub program: String,
    /// Number of the agreement above, or empty.
    pub agreement: String,
    /// Open License authorization number, or empty.
    pub authorization_number: String,
    /// Whether vendor requests are decided by a second person.
    pub second_person: bool,
    /// Whether somebody other than the person can decide there.
    pub other_administrator: bool,
}

impl Place {
    /// What the vendor's form has beside the License ID: the authorization number, else the agreement's.
    pub fn authorization(&self) -> &str {
        if self.authorization_number.is_empty() { &self.agreement } else { &self.authorization_number }
    }
}

/// A count read at some time.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub struct Reading {
    /// When.
    pub read_at: OffsetDateTime,
    /// `import`, `typed`, `request`, …
    pub source: String,
    /// Activations used.
    pub used: Option<i64>,
    /// The limit.
    pub total: Option<i64>,
}
