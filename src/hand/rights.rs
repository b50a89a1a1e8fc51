//! Who may write what by hand, as a value: asked in the transaction that writes.

use uuid::Uuid;

use super::model::{Spec, Thing};
use crate::postgres::Scoped;

/// What a person may write on one License ID, or on what belongs to the site.
///
/// Writes by hand run in the program's own scope, because a person's hides what he may still correct or bring back: an
/// archived License ID rests, and a site operator sees no contract. So the right is asked here, in the same transaction
/// and by the person's id, and every write takes this value.
#[derive(Clone, Copy, Debug)]
pub struct Allowed {
    contract: Option<Uuid>,
    operator: bool,
    administers: bool,
}

impl Allowed {
    /// Asks. `None` for somebody who may write nothing there.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn on(tx: &mut Scoped, person: Uuid, contract: Option<Uuid>) -> sqlx::Result<Option<Self>> {
        let (operator, administers): (bool, bool) = sqlx::query_as(
            "SELECT EXISTS (SELECT FROM people p WHERE p.id = $1 AND p.site_operator AND p.disabled_at IS NULL),
                    EXISTS (SELECT FROM grants g JOIN people p ON p.id = g.person_id JOIN contracts c ON c.id = g.contract_id AND c.approved
                            WHERE g.person_id = $1 AND g.contract_id = $2 AND g.role = 'administrator' AND g.revoked_at IS NULL
                              AND (g.ends_at IS NULL OR g.ends_at > app_now()) AND p.disabled_at IS NULL)",
        )
        .bind(person)
        .bind(contract)
        .fetch_one(&mut **tx)
        .await?;
        Ok((operator || administers).then_some(Self { contract, operator, administers }))
    }

    /// Whether this thing may be changed at all, on the License ID this was asked for.
    #[must_use]
    pub fn may(self, thing: Thing, contract: Option<Uuid>) -> bool {
        let here = self.contract == contract;
        here && match thing {
            // What belongs to a License ID is its Administrators'; the License ID itself is an operator's too.
            Thing::Contract => self.operator || self.administers,
            Thing::Contact | Thing::Key | Thing::Order => self.administers,
            Thing::Organization | Thing::Agreement | Thing::Product => self.operator && contract.is_none(),
        }
    }

    /// Whether this field of it may be changed.
    #[must_use]
    pub fn may_field(self, spec: &Spec) -> bool {
        self.operator || !spec.structural
    }

    /// Whether the status of a License ID may go from one to the other: what blocks it and hides it from all others is
    /// a site operator's to set and to lift.
    #[must_use]
    pub fn may_set_status(self, before: &str, after: &str) -> bool {
        self.operator || before == after || (is_approved(before) && is_approved(after))
    }
}

/// What the column `contracts.approved` says of a status.
#[must_use]
pub fn is_approved(status: &str) -> bool {
    // Letter by letter, as the database's `lower` does it.
    let lower: String = status.chars().filter_map(|letter| letter.to_lowercase().next()).collect();
    lower != "organization not approved"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_thing_has_its_masters() {
        let here = Some(Uuid::from_u128(1));
        let administrator = Allowed { contract: here, operator: false, administers: true };
        let operator = Allowed { contract: here, operator: true, administers: false };
        let site = Allowed { contract: None, operator: true, administers: false };
        for thing in [Thing::Contract, Thing::Contact, Thing::Key, Thing::Order] {
            assert!(administrator.may(thing, here) && !administrator.may(thing, Some(Uuid::from_u128(2))));
            assert_eq!(operator.may(thing, here), thing == Thing::Contract, "{thing:?}");
            assert!(!site.may(thing, here));
        }
        for thing in [Thing::Organization, Thing::Agreement, Thing::Product] {
            assert!(site.may(thing, None) && !administrator.may(thing, None) && !administrator.may(thing, here));
        }
        let closed = "Organization Not Approved";
        for (before, after) in [("Active", closed), (closed, "Active")] {
            assert!(operator.may_set_status(before, after) && !administrator.may_set_status(before, after));
        }
        assert!(administrator.may_set_status("Active", "Expired"));
        let organization = Thing::Contract.field("organization_id").expect("known");
        assert!(operator.may_field(organization) && !administrator.may_field(organization));
    }
}
