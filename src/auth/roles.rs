//! Roles and what each may: pure, and the same table as the `app_*` functions of the first
//! migration. Source: the vendor's role table (DOMAIN §1), cut to what an organisation can hold.

use std::{fmt, str::FromStr};

/// A role on one License ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Everything on the License ID, people included.
    Administrator,
    /// Contract details and keys, on the product's and on the contract's page.
    ProductKeysReader,
    /// Contract details, orders, licence summaries, and the keys on the contract's page.
    LicensePositionReader,
    /// Contract details and downloads; no key.
    ProductDownloadManager,
}

/// What `app_grants()` calls an Administrator of a License ID whose organisation the vendor hasn't approved: no role that
/// can be given.
pub const NOT_APPROVED: &str = "not-approved";

/// What one may do with a License ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// See the License ID, its contract details, its contacts and its products.
    See,
    /// See and read its keys, on the contract's page.
    ReadKeys,
    /// See its keys on the product's page too.
    ReadProductKeys,
    /// See its orders and licence summary.
    ReadPosition,
    /// Have the files of the products that it covers.
    Download,
    /// Grant and revoke roles, import, read its audit log.
    Administer,
}

impl Role {
    /// All roles, strongest first.
    pub const ALL: [Self; 4] =
        [Self::Administrator, Self::ProductKeysReader, Self::LicensePositionReader, Self::ProductDownloadManager];

    /// Whether this role carries the permission.
    pub fn may(self, permission: Permission) -> bool {
        use Permission as P;
        match self {
            Self::Administrator => true,
            Self::ProductKeysReader => matches!(permission, P::See | P::ReadKeys | P::ReadProductKeys),
            Self::LicensePositionReader => matches!(permission, P::See | P::ReadKeys | P::ReadPosition),
            Self::ProductDownloadManager => matches!(permission, P::See | P::Download),
        }
    }

    /// The name on the command line and in the database.
    pub fn code(self) -> &'static str {
        match self {
            Self::Administrator => "administrator",
            Self::ProductKeysReader => "product-keys-reader",
            Self::LicensePositionReader => "license-position-reader",
            Self::ProductDownloadManager => "product-download-manager",
        }
    }

    /// The name on a page.
    pub fn label(self) -> &'static str {
        match self {
            Self::Administrator => "Administrator",
            Self::ProductKeysReader => "Product keys reader",
            Self::LicensePositionReader => "License position reader",
            Self::ProductDownloadManager => "Product download manager",
        }
    }
}

impl Role {
    /// What it opens, in words: the same table as [`Role::may`].
    pub fn opens(self) -> &'static str {
        match self {
            Self::Administrator => "everything on the License ID, its people included",
            Self::ProductKeysReader => "contract and keys, on the product’s page and on the contract’s",
            Self::LicensePositionReader => "contract, orders, licence summary, and the keys on the contract’s page",
            Self::ProductDownloadManager => "contract and downloads; no key",
        }
    }
}

impl Permission {
    /// The codes of the roles that carry it, for a query's `= ANY(…)`.
    pub fn roles(self) -> Vec<&'static str> {
        let carried = Role::ALL.into_iter().filter(|role| role.may(self)).map(Role::code);
        carried.chain(self.rests_not().then_some(NOT_APPROVED)).collect()
    }

    /// Whether Administrators keep it where the vendor hasn't approved the organisation: that blocks downloads, keys and
    /// user management (DOMAIN §1, Status), and hides the License ID from everybody else.
    pub fn rests_not(self) -> bool {
        matches!(self, Self::See | Self::ReadPosition)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

impl FromStr for Role {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|role| role.code() == text).ok_or_else(|| {
            let known: Vec<_> = Self::ALL.into_iter().map(Self::code).collect();
            format!("there is no role “{text}”: use one of {}", known.join(", "))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// DOMAIN §1, "Roles": the table row by row.
    #[test]
    fn manage_user_roles_vl_role_table() {
        use Permission::*;
        let may =
            |role: Role| [See, ReadKeys, ReadProductKeys, ReadPosition, Download, Administer].map(|p| role.may(p));
        assert_eq!(may(Role::Administrator), [true; 6]);
        assert_eq!(may(Role::ProductKeysReader), [true, true, true, false, false, false]);
        assert_eq!(may(Role::LicensePositionReader), [true, true, false, true, false, false]);
        assert_eq!(may(Role::ProductDownloadManager), [true, false, false, false, true, false]);
    }

    #[test]
    fn organization_not_approved_blocks_downloads_keys_and_user_management() {
        use Permission::*;
        let kept = [See, ReadKeys, ReadProductKeys, ReadPosition, Download, Administer]
            .map(|p| p.roles().contains(&NOT_APPROVED));
        assert_eq!(kept, [true, false, false, true, false, false]);
        assert!(NOT_APPROVED.parse::<Role>().is_err(), "nobody can be given it");
    }

    #[test]
    fn codes_read_back_and_others_are_refused_with_the_list() {
        for role in Role::ALL {
            assert_eq!(role.code().parse(), Ok(role));
        }
        assert!("root".parse::<Role>().unwrap_err().contains("product-keys-reader"));
    }
}
