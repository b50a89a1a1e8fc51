//! What each list says of itself: how it reads an address, and how many rows it shows.

use super::model::List;
use crate::{
    app::AppState,
    audit, contracts,
    error::Result,
    hand, orders, people, pools,
    postgres::Scoped,
    products, requests,
    web::{form::Pairs, view::Address, visitor::Person},
};

impl List {
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
            Self::Organizations => hand::organizations::address(query),
            Self::Accounts => hand::accounts::address(query),
            Self::Changes => hand::address(query),
            Self::Archive => hand::archive::address(query),
            Self::Audit => audit::address(query),
        };
        address.without("page")
    }

    /// How many rows the list shows this person at a query, on all its pages, those of the archive with it where the
    /// query asks for them: by the list's own count, in this person's scope. `None` where the list is closed to them.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count(self, state: &AppState, tx: &mut Scoped, person: &Person, query: &Pairs) -> Result<Option<i64>> {
        Ok(match self {
            Self::Products => products::count(tx, query).await?,
            Self::Contracts => contracts::count(tx, query).await?,
            Self::Orders => orders::count(tx, query).await?,
            Self::Requests => Some(requests::count(tx, query).await?),
            Self::People => Some(people::count(tx, person.site_operator, query).await?),
            Self::Activation => pools::count(tx, person.administers, query).await?,
            Self::Organizations => hand::organizations::count(state, tx, person, query).await?,
            Self::Accounts => Some(hand::accounts::count(tx, query).await?),
            Self::Changes => Some(hand::count(tx, query).await?),
            Self::Archive => Some(hand::archive::count(tx, query).await?),
            Self::Audit => Some(audit::count(tx, query).await?),
        })
    }
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
