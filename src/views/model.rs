//! The lists of which views can be saved, and a saved view.

use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    audit, contracts, hand, orders, people, pools,
    postgres::Scoped,
    products, requests,
    web::{form::Pairs, page::NavItem, page::Shell, view::Address, visitor::Person},
};

/// A list that has filters. Views are of these and of nothing else, so that no saved text opens another address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List {
    /// Products and services.
    Products,
    /// Contracts.
    Contracts,
    /// Orders.
    Orders,
    /// Requests.
    Requests,
    /// Role assignments.
    People,
    /// Own applications.
    Activation,
    /// Changes by hand.
    Changes,
    /// The audit log.
    Audit,
}

impl List {
    /// All of them, in the order of the navigation.
    pub const ALL: [Self; 8] = [
        Self::Products,
        Self::Contracts,
        Self::Orders,
        Self::Requests,
        Self::People,
        Self::Activation,
        Self::Changes,
        Self::Audit,
    ];

    /// Where it is.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::Products => "/products",
            Self::Contracts => "/contracts",
            Self::Orders => "/orders",
            Self::Requests => "/requests",
            Self::People => "/people",
            Self::Activation => "/activation",
            Self::Changes => "/changes",
            Self::Audit => "/audit",
        }
    }

    /// As addresses name it: its path without the slash.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.path().trim_start_matches('/')
    }

    /// The list at a path, with its slash or without.
    #[must_use]
    pub fn at(path: &str) -> Option<Self> {
        let name = path.strip_prefix('/').unwrap_or(path);
        Self::ALL.into_iter().find(|list| list.name() == name)
    }

    fn item(self) -> Option<NavItem> {
        Shell::NAV.into_iter().find(|item| item.href == self.path())
    }

    /// Its name, as the navigation has it.
    #[must_use]
    pub fn label(self) -> &'static str {
        self.item().map_or("", |item| item.label)
    }

    /// Its icon there.
    #[must_use]
    pub fn icon(self) -> &'static str {
        self.item().map_or("bookmark", |item| item.icon)
    }

    /// The list's own reading of a query: parts that it doesn't know are gone, and so is the page.
    #[must_use]
    pub fn address(self, query: &Pairs) -> Address {
        let address = match self {
            Self::Products => products::address(query),
            Self::Contracts => contracts::address(query),
            Self::Orders => orders::address(query),
            Self::Requests => requests::address(query),
            Self::People => people::address(query),
            Self::Activation => pools::narrowed(query),
            Self::Changes => hand::address(query),
            Self::Audit => audit::address(query),
        };
        address.without("page")
    }

    /// How many rows the list shows this person at a query, on all its pages: by the list's own count, in this person's
    /// scope. `None` where the list is closed to them.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count(self, tx: &mut Scoped, person: &Person, query: &Pairs) -> sqlx::Result<Option<i64>> {
        match self {
            Self::Products => products::count(tx, query).await,
            Self::Contracts => contracts::count(tx, query).await,
            Self::Orders => orders::count(tx, query).await,
            Self::Requests => requests::count(tx, query).await.map(Some),
            Self::People => people::count(tx, person.site_operator, query).await.map(Some),
            Self::Activation => pools::count(tx, person.administers, query).await,
            Self::Changes => hand::count(tx, query).await.map(Some),
            Self::Audit => audit::count(tx, query).await.map(Some),
        }
    }
}

/// A saved view.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct View {
    /// The row.
    pub id: Uuid,
    /// The list's path.
    pub path: String,
    /// What the list shows, as its own address has it.
    pub query: String,
    /// What it is called.
    pub name: String,
    /// When it was deleted.
    pub removed_at: Option<OffsetDateTime>,
}

impl View {
    /// The list it is of; none for a list that isn't any more.
    #[must_use]
    pub fn list(&self) -> Option<List> {
        List::at(&self.path)
    }

    /// Its query, read.
    #[must_use]
    pub fn pairs(&self) -> Pairs {
        Pairs::parse(self.query.as_bytes())
    }

    /// As the log names it: `“Ending soon” of Contracts`.
    #[must_use]
    pub fn called(&self) -> String {
        called(&self.name, self.list().map_or("a list that is gone", List::label))
    }
}

/// As the log names a view.
#[must_use]
pub fn called(name: &str, list: &str) -> String {
    ["“", name, "” of ", list].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_list_stands_in_the_navigation_and_reads_its_own_address() {
        for list in List::ALL {
            assert!(!list.label().is_empty(), "{list:?}");
            assert_eq!(List::at(list.path()), Some(list));
            let address = list.address(&Pairs::parse(b"q=a&page=7&next=https%3A%2F%2Fevil.example&did=x"));
            assert_eq!(address.path(), list.path());
            assert!(!address.href().contains("evil") && !address.href().contains("page="), "{}", address.href());
        }
        for elsewhere in ["", "/", "//evil.example", "https://evil.example", "/sign-out", "/contracts/8671204"] {
            assert_eq!(List::at(elsewhere), None, "{elsewhere}");
        }
    }

    #[test]
    fn a_view_is_read_as_its_list_reads_it() {
        let read = |list: List, query: &str| list.address(&Pairs::parse(query.as_bytes())).query();
        assert_eq!(read(List::Contracts, "sort=end&status=Active&x=1&page=2"), "status=Active&sort=end");
        assert_eq!(read(List::Products, "keys=no-such-word&category=Servers"), "category=Servers");
        assert_eq!(read(List::Audit, "from=yesterday&person=mara"), "person=mara");
        assert_eq!(read(List::Activation, "show=waiting&domain=x"), "show=waiting");
    }
}
