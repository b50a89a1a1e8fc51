//! The lists of which views can be saved, and a saved view.

use time::OffsetDateTime;
use uuid::Uuid;

use crate::web::{
    form::Pairs,
    page::{NavItem, Shell},
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
    /// Organisations, and what else of the site's structure stands beside them.
    Organizations,
    /// Accounts.
    Accounts,
    /// Changes by hand.
    Changes,
    /// What was put away.
    Archive,
    /// The audit log.
    Audit,
}

impl List {
    /// All of them, in the order of the navigation.
    pub const ALL: [Self; 11] = [
        Self::Products,
        Self::Contracts,
        Self::Orders,
        Self::Requests,
        Self::People,
        Self::Activation,
        Self::Organizations,
        Self::Accounts,
        Self::Changes,
        Self::Archive,
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
            Self::Organizations => "/organizations",
            Self::Accounts => "/accounts",
            Self::Changes => "/changes",
            Self::Archive => "/archive",
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

    /// The page of the navigation that leads to it: itself, or the one beside which it stands.
    const fn entry(self) -> &'static str {
        match self {
            Self::Accounts => "/organizations",
            Self::Archive => "/changes",
            _ => self.path(),
        }
    }

    /// Whether this person may open it: what the navigation leaves out, its page refuses.
    #[must_use]
    pub fn opens(self, shell: &Shell) -> bool {
        shell.nav.iter().any(|item| item.href == self.entry())
    }

    /// Whether this person brings back what of it rests in the archive, so that the list shows that.
    #[must_use]
    pub fn restores(self, shell: &Shell) -> bool {
        if self == Self::Products { shell.operates() } else { shell.edits() }
    }

    fn item(self) -> Option<NavItem> {
        Shell::NAV.into_iter().find(|item| item.href == self.path())
    }

    /// Its name, as the navigation has it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Accounts => "Accounts",
            Self::Archive => "Archive",
            _ => self.item().map_or("", |item| item.label),
        }
    }

    /// Its icon there.
    #[must_use]
    pub fn icon(self) -> &'static str {
        match self {
            Self::Accounts => "person",
            Self::Archive => "tray",
            _ => self.item().map_or("bookmark", |item| item.icon),
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
