//! What is known of people and of what they hold.

use time::{Date, OffsetDateTime, Time};
use uuid::Uuid;

use crate::{auth::roles::Role, web::view::Address};

/// A person, as far as giving and taking a role needs.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Named {
    /// The row.
    pub id: Uuid,
    /// The address they sign in with.
    pub email: String,
    /// Display name.
    pub name: String,
    /// Whether the account can't sign in any more: then it takes no role.
    pub disabled: bool,
    /// Who added the account in the browser and so was shown its first password.
    pub added_by: Option<Uuid>,
}

/// An account, as `keyward user list` prints one.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Account {
    /// The row.
    pub id: Uuid,
    /// The address they sign in with.
    pub email: String,
    /// Display name.
    pub name: String,
    /// Site role: people, settings, imports.
    pub site_operator: bool,
    /// Site role: the whole audit log.
    pub auditor: bool,
    /// Whether a password is set; without one nobody signs in.
    pub has_password: bool,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// When it was closed.
    pub disabled_at: Option<OffsetDateTime>,
    /// On how many License IDs it holds a role now.
    pub license_ids: i64,
}

/// Where a role is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// On one License ID.
    Contract(Uuid),
    /// On the License IDs of an organisation and of those below it, those to come included.
    Organization(Uuid),
    /// On the License IDs under a parent agreement, those to come included.
    Agreement(Uuid),
    /// On all License IDs, those to come included.
    All,
}

impl Target {
    /// What a rule covers, from two of its columns.
    #[must_use]
    pub const fn of(organization: Option<Uuid>, agreement: Option<Uuid>) -> Self {
        match (organization, agreement) {
            (Some(id), _) => Self::Organization(id),
            (None, Some(id)) => Self::Agreement(id),
            (None, None) => Self::All,
        }
    }

    /// What a rule covers, as its three columns say it: `covers`, organisation, agreement.
    #[must_use]
    pub const fn covers(self) -> (&'static str, Option<Uuid>, Option<Uuid>) {
        match self {
            Self::Organization(id) => ("organization", Some(id), None),
            Self::Agreement(id) => ("agreement", None, Some(id)),
            Self::All | Self::Contract(_) => ("all", None, None),
        }
    }
}

/// A role to be given.
#[derive(Clone, Debug)]
pub struct Grant<'a> {
    /// To whom.
    pub person: &'a Named,
    /// Which.
    pub role: Role,
    /// Where.
    pub on: Target,
    /// The last day it holds, in UTC; without one it holds until somebody takes it away.
    pub until: Option<Date>,
    /// Who gives it; nobody on the command line.
    pub by: Option<Uuid>,
}

/// A grant as the address of its revocation names it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct GrantHead {
    /// The row.
    pub id: Uuid,
    /// The License ID's row.
    pub contract_id: Uuid,
    /// The License ID.
    pub license_id: String,
    /// The role's code.
    pub role: String,
    /// When it ends by itself.
    pub ends_at: Option<OffsetDateTime>,
    /// Who holds it.
    pub person_id: Uuid,
    /// Their address.
    pub email: String,
    /// Their name.
    pub name: String,
    /// What the rule it is inherited from covers: `all`, `organization`, `agreement`, `mbsa`; empty when given on the
    /// License ID.
    pub covers: String,
    /// The name of the organisation, or the number of the agreement.
    pub source: String,
    /// Whether the asking person administers the License ID.
    pub administered: bool,
    /// Whether it still holds.
    pub in_force: bool,
}

impl GrantHead {
    /// The role's name.
    #[must_use]
    pub fn role_label(&self) -> String {
        role_label(&self.role)
    }
}

/// The name of a role by its code; a code that this program doesn't know as it stands.
#[must_use]
pub fn role_label(code: &str) -> String {
    code.parse::<Role>().map_or_else(|_| code.to_owned(), |role| role.label().to_owned())
}

/// Where an inherited grant comes from, in words; empty for one given on the License ID itself.
#[must_use]
pub fn source_words(covers: &str, name: &str) -> String {
    match covers {
        "" => String::new(),
        "all" => "a role on all License IDs".to_owned(),
        "organization" => format!("the organisation {name}"),
        "contract" => format!("License ID {name}"),
        "mbsa" => format!("MBSA {name}"),
        _ => format!("agreement {name}"),
    }
}

/// The moment a grant ends whose last day is `until`.
#[must_use]
pub fn end_of(until: Date) -> OffsetDateTime {
    until.next_day().unwrap_or(until).with_time(Time::MIDNIGHT).assume_utc()
}

/// The last day of a grant that ends at `ends_at`.
#[must_use]
pub fn last_day(ends_at: OffsetDateTime) -> Date {
    (ends_at - time::Duration::MICROSECOND).to_offset(time::UtcOffset::UTC).date()
}

/// A License ID and who alone administers it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Alone {
    /// The License ID.
    pub license_id: String,
    /// The Administrator's name.
    pub name: String,
    /// The address they sign in with.
    pub email: String,
}

impl Alone {
    /// Who holds what there, where a second one is named.
    pub(super) fn href(&self) -> String {
        Address::new("/people").with("license_id", self.license_id.clone()).href()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::{date, datetime};

    #[test]
    fn a_grant_holds_through_its_last_day() {
        assert_eq!(end_of(date!(2026 - 12 - 31)), datetime!(2027-01-01 00:00 UTC));
        assert_eq!(last_day(end_of(date!(2026 - 12 - 31))), date!(2026 - 12 - 31));
    }
}
