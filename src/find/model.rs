//! What is found.

/// The kinds of things, in the order in which they are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A page of the portal.
    Page,
    /// A view that the person has saved.
    View,
    /// A product.
    Product,
    /// A License ID.
    Contract,
    /// A key, by its last five characters.
    Key,
    /// An order.
    Order,
    /// A person.
    Person,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Page, Self::View, Self::Product, Self::Contract, Self::Key, Self::Order, Self::Person];

    /// What `db` calls it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::View => "view",
            Self::Product => "product",
            Self::Contract => "contract",
            Self::Key => "key",
            Self::Order => "order",
            Self::Person => "person",
        }
    }

    /// The heading over those found.
    pub const fn heading(self) -> &'static str {
        match self {
            Self::Page => "Pages",
            Self::View => "Saved views",
            Self::Product => "Products",
            Self::Contract => "License IDs",
            Self::Key => "Keys by their last five characters",
            Self::Order => "Orders",
            Self::Person => "People",
        }
    }

    /// An id in `static/icons.svg`.
    pub const fn icon(self) -> &'static str {
        match self {
            Self::Page => "home",
            Self::View => "bookmark",
            Self::Product => "box",
            Self::Contract => "file",
            Self::Key => "key",
            Self::Order => "cart",
            Self::Person => "person",
        }
    }
}

/// One thing found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// What it is.
    pub kind: Kind,
    /// Its name.
    pub title: String,
    /// What tells it from others of that name.
    pub detail: String,
    /// Where it is.
    pub href: String,
}
