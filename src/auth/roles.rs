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
            Self::ProductDownloadManager => permission == P::See,
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
        Role::ALL.into_iter().filter(|role| role.may(self)).map(Role::code).collect()
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
        let may = |role: Role| [See, ReadKeys, ReadProductKeys, ReadPosition, Administer].map(|p| role.may(p));
        assert_eq!(may(Role::Administrator), [true; 5]);
        assert_eq!(may(Role::ProductKeysReader), [true, true, true, false, false]);
        assert_eq!(may(Role::LicensePositionReader), [true, true, false, true, false]);
        assert_eq!(may(Role::ProductDownloadManager), [true, false, false, false, false]);
    }

    #[test]
    fn codes_read_back_and_others_are_refused_with_the_list() {
        for role in Role::ALL {
            assert_eq!(role.code().parse(), Ok(role));
        }
        assert!("root".parse::<Role>().unwrap_err().contains("product-keys-reader"));
    }
}
