//! What other slices may know of a License ID.

use time::Date;
use uuid::Uuid;

use crate::auth::roles::{Permission, Role};

/// A License ID with the roles that the asking person holds on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContractHead {
    /// The row.
    pub id: Uuid,
    /// As the vendor writes it, leading zeros and letters included.
    pub license_id: String,
    /// The person's roles in force, strongest first; never empty.
    pub roles: Vec<Role>,
}

impl ContractHead {
    /// Whether one of the roles carries the permission.
    pub fn may(&self, permission: Permission) -> bool {
        self.roles.iter().any(|role| role.may(permission))
    }
}

/// Everything recorded about one License ID itself.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Contract {
    /// The row.
    pub id: Uuid,
    /// As the vendor writes it.
    pub license_id: String,
    /// The organisation's name.
    pub organization: String,
    /// The organisations above it, nearest first.
    pub parents: Vec<String>,
    /// City, country.
    pub location: String,
    /// Programme: Enterprise, Open Value, …
    pub program: String,
    /// Agreement type within the programme.
    pub agreement_type: String,
    /// Number of the agreement above, or empty.
    pub agreement: String,
    /// Open License authorization number, or empty.
    pub authorization_number: String,
    /// MPSA purchase account number, or empty.
    pub purchase_account_number: String,
    /// First day.
    pub starts_on: Option<Date>,
    /// Last day.
    pub ends_on: Option<Date>,
    /// As the vendor writes it.
    pub status: String,
    /// Codes of the person's roles.
    pub roles: Vec<String>,
}

/// One line of a licence summary.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Offering {
    /// Product family.
    pub product_family: String,
    /// Version, or empty.
    pub version: String,
    /// Applications, Systems or Servers.
    pub product_pool: String,
    /// License, License/SA, Upgrade, …
    pub r#type: String,
    /// Licences in effect.
    pub effective_quantity: i64,
    /// Of these with Software Assurance; always 0 for online services.
    pub active_sa_quantity: i64,
}

/// Somebody named in the agreement.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Contact {
    /// The row.
    pub id: Uuid,
    /// Notices/Primary, Online, …
    pub role: String,
    /// Name.
    pub name: String,
    /// E-mail address.
    pub email: String,
}

/// What a list of License IDs is narrowed to.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Part of a License ID or of an organisation's name.
    pub q: String,
    /// A programme, or empty for all.
    pub program: String,
    /// A status, or empty for all.
    pub status: String,
    /// What becomes of License IDs that have ended.
    pub expired: Expired,
    /// Those alone that end within so many days from today.
    pub ending: Option<i32>,
}

/// What a list does with License IDs that have ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Expired {
    /// Leaves them out.
    #[default]
    Hidden,
    /// Shows them with the others.
    Shown,
    /// Shows only them.
    Only,
}

impl Expired {
    /// Whether License IDs that are in force, and those that have ended, are shown.
    pub fn shows(self) -> (bool, bool) {
        match self {
            Self::Hidden => (true, false),
            Self::Shown => (true, true),
            Self::Only => (false, true),
        }
    }
}

/// The order of a list of License IDs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// By License ID.
    LicenseId,
    /// By organisation.
    Organization,
    /// By location.
    Location,
    /// By programme.
    Program,
    /// By end date.
    End,
    /// By status.
    Status,
}
