//! What every page needs besides its own content: who is signed in, where one can go, what is wrong.
//!
//! Plain data: a handler fills it, a template reads it.
use askama::Template;
use askama::filters::HtmlSafe;
use axum::response::{IntoResponse, Response};

use super::assets::Assets;
use super::view::{Link, Undo};
use crate::error::Error;

/// The signed-in person, as the account menu shows them.
#[derive(Clone, Debug)]
pub struct Person {
    /// Display name.
    pub name: String,
    /// The address they sign in with.
    pub email: String,
}

impl Person {
    /// Up to two letters for the round mark in the top bar.
    #[must_use]
    pub fn initials(&self) -> String {
        let mut words = self.name.split_whitespace().filter_map(|word| word.chars().next());
        let first = words.next();
        let last = words.next_back();
        first.into_iter().chain(last).flat_map(char::to_uppercase).collect()
    }
}

/// One entry of the left navigation.
#[derive(Clone, Debug)]
pub struct NavItem {
    /// What it says.
    pub label: &'static str,
    /// Where it leads.
    pub href: &'static str,
    /// An id in `static/icons.svg`.
    pub icon: &'static str,
}

impl NavItem {
    /// An entry.
    #[must_use]
    pub const fn new(label: &'static str, href: &'static str, icon: &'static str) -> Self {
        Self { label, href, icon }
    }
}

/// What kind of news a notice brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Something to know.
    Info,
    /// It worked.
    Good,
    /// It needs a look.
    Warn,
    /// It failed.
    Bad,
}

impl Tone {
    /// The class in the style sheet.
    #[must_use]
    pub const fn class(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Good => "good",
            Self::Warn => "warn",
            Self::Bad => "bad",
        }
    }

    /// The icon that says the same without colour.
    #[must_use]
    pub const fn icon(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Good => "check",
            Self::Warn => "warn",
            Self::Bad => "stop",
        }
    }
}

/// One sentence at the top of a page about what just happened.
#[derive(Clone, Debug)]
pub struct Notice {
    /// Its kind.
    pub kind: Tone,
    /// The sentence.
    pub text: String,
}

/// An icon of our own sheet; decoration only, words stand beside it.
#[derive(Template)]
#[template(
    source = r#"<svg class="icon" aria-hidden="true" focusable="false"><use href="{{ sheet }}#{{ name }}"></use></svg>"#,
    ext = "html"
)]
pub struct Icon<'a> {
    sheet: &'a str,
    name: &'a str,
}

impl HtmlSafe for Icon<'_> {}

/// The frame of a page.
#[derive(Clone, Debug)]
pub struct Shell {
    /// The path of this page, for the current entry of the navigation and the way back.
    pub path: String,
    /// Who is signed in; `None` on the sign-in page.
    pub person: Option<Person>,
    /// The left navigation, cut to what this person may open.
    pub nav: Vec<NavItem>,
    /// The vault has no key-encryption key: pages work, secrets don't.
    pub sealed: bool,
    /// What just happened.
    pub notice: Option<Notice>,
    /// What just happened and can be taken back.
    pub undo: Option<Undo>,
    /// When the page was made, exactly, for paper; empty on the sign-in page.
    pub made: String,
    /// Notices not read yet; 100 stands for more.
    pub unread: i64,
    icons: String,
}

impl Shell {
    /// Every entry of the navigation; a handler leaves out what the person may not open.
    pub const NAV: [NavItem; 12] = [
        NavItem::new("Overview", "/", "home"),
        NavItem::new("Saved views", "/views", "bookmark"),
        NavItem::new("Products and services", "/products", "box"),
        NavItem::new("Contracts", "/contracts", "file"),
        NavItem::new("Orders", "/orders", "cart"),
        NavItem::new("Requests", "/requests", "tray"),
        NavItem::new("Role assignments", "/people", "people"),
        NavItem::new("Activation", "/activation", "pulse"),
        NavItem::new("Organisations", "/organizations", "sites"),
        NavItem::new("Imports", "/imports", "upload"),
        NavItem::new("Changes by hand", "/changes", "edit"),
        NavItem::new("Audit", "/audit", "history"),
    ];

    /// The second part of the navigation, for everybody who is signed in: help and reference.
    pub const HELP: [NavItem; 4] = [
        NavItem::new("Which key?", "/products/which-key", "help"),
        NavItem::new("Setup keys", "/setup-keys", "key"),
        NavItem::new("Error codes", "/error-codes", "stop"),
        NavItem::new("Guides", "/guides", "book"),
    ];

    /// The style sheets, in the order they are layered.
    pub const SHEETS: [&'static str; 14] = [
        "css/tokens.css",
        "css/base.css",
        "css/shell.css",
        "css/controls.css",
        "css/forms.css",
        "css/table.css",
        "css/panel.css",
        "css/pages.css",
        "css/plot.css",
        "css/reference.css",
        "css/activation.css",
        "css/requests.css",
        "css/hand.css",
        "css/print.css",
    ];

    /// A frame for the page at `path`.
    #[must_use]
    pub fn new(path: &str, person: Option<Person>, nav: Vec<NavItem>) -> Self {
        let icons = Assets::address("icons.svg");
        Self {
            path: path.to_owned(),
            person,
            nav,
            sealed: false,
            notice: None,
            undo: None,
            made: String::new(),
            unread: 0,
            icons,
        }
    }

    /// The same frame with the banner that says the vault is sealed, or without.
    #[must_use]
    pub fn sealed(mut self, sealed: bool) -> Self {
        self.sealed = sealed;
        self
    }

    /// The same frame, made at `now`.
    #[must_use]
    pub fn made(mut self, now: time::OffsetDateTime) -> Self {
        self.made = super::view::When::moment(now, now).exact;
        self
    }

    /// The same frame with so many notices at the bell.
    #[must_use]
    pub fn bell(mut self, unread: i64) -> Self {
        self.unread = unread;
        self
    }

    /// What the bell shows: `3`, or `99+`.
    #[must_use]
    pub fn unread_text(&self) -> String {
        if self.unread > 99 { "99+".to_owned() } else { self.unread.to_string() }
    }

    /// The same frame with one sentence about what just happened.
    #[must_use]
    pub fn notice(mut self, kind: Tone, text: impl Into<String>) -> Self {
        self.notice = Some(Notice { kind, text: text.into() });
        self
    }

    /// The same frame with the offer to take back what just happened.
    #[must_use]
    pub fn undo(mut self, offer: Undo) -> Self {
        self.undo = Some(offer);
        self
    }

    /// Whether somebody is signed in.
    #[must_use]
    pub const fn signed_in(&self) -> bool {
        self.person.is_some()
    }

    /// Whether this person may correct anything by hand; the pages ask again for each thing.
    #[must_use]
    pub fn edits(&self) -> bool {
        self.nav.iter().any(|item| item.href == "/changes")
    }

    /// Whether this person looks after what belongs to the site.
    #[must_use]
    pub fn operates(&self) -> bool {
        self.nav.iter().any(|item| item.href == "/organizations")
    }

    /// Whether a navigation entry is the current one: its own page or one below it, unless another
    /// entry is nearer to the page.
    #[must_use]
    pub fn is_current(&self, href: &str) -> bool {
        let holds = |href: &str| {
            self.path == href || (href != "/" && self.path.strip_prefix(href).is_some_and(|rest| rest.starts_with('/')))
        };
        let nearer = |item: &NavItem| item.href.len() > href.len() && holds(item.href);
        holds(href) && !Self::HELP.iter().any(nearer)
    }

    /// The versioned address of a file under `static/`.
    #[must_use]
    pub fn asset(&self, path: &str) -> String {
        Assets::address(path)
    }

    /// An icon of the sheet.
    #[must_use]
    pub fn icon<'a>(&'a self, name: &'a str) -> Icon<'a> {
        Icon { sheet: &self.icons, name }
    }
}

/// A page to answer with; one that doesn't render is a fault of ours.
pub struct Html<T>(pub T);

impl<T: Template> IntoResponse for Html<T> {
    fn into_response(self) -> Response {
        match self.0.render() {
            Ok(html) => axum::response::Html(html).into_response(),
            Err(fault) => Error::from(fault).into_response(),
        }
    }
}

/// The page shown instead of the one that was asked for.
#[derive(Template)]
#[template(path = "error.html")]
pub struct ErrorPage {
    /// The frame.
    pub shell: Shell,
    /// What happened, as a heading.
    pub title: String,
    /// Why, in a sentence.
    pub why: String,
    /// What to do now, in a sentence.
    pub what_to_do: String,
    /// The id to give to whoever looks into it.
    pub request_id: Option<String>,
    /// Where to go from here.
    pub links: Vec<Link>,
}

#[cfg(test)]
impl Shell {
    /// A frame for a test, signed in.
    pub fn sample(path: &str) -> Self {
        let person = Person { name: "Mara Lindqvist".into(), email: "mara.lindqvist@northwind.example".into() };
        Self::new(path, Some(person), Self::NAV.to_vec())
    }
}

#[cfg(test)]
impl ErrorPage {
    /// A page that wasn't found.
    pub fn sample() -> Self {
        Self {
            shell: Shell::sample("/contracts/0000000"),
            title: "There is nothing here for you".into(),
            why: "No page has this address, or it belongs to a License ID you hold no role on.".into(),
            what_to_do: "Check the address, or ask an administrator of the License ID.".into(),
            request_id: Some("01936f2e-5a70".into()),
            links: vec![Link::new("Contracts", "/contracts"), Link::new("Overview", "/")],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_current_entry_is_the_page_or_a_page_below_it() {
        let shell = Shell::sample("/products/windows-11-pro");
        assert!(shell.is_current("/products"));
        assert!(!shell.is_current("/"));
        assert!(!Shell::sample("/productsx").is_current("/products"));
        assert!(Shell::sample("/").is_current("/"));
        let nearer = Shell::sample("/products/which-key");
        assert!(nearer.is_current("/products/which-key") && !nearer.is_current("/products"));
    }

    #[test]
    fn the_mark_of_a_person_has_one_or_two_letters() {
        let named = |name: &str| Person { name: name.into(), email: String::new() }.initials();
        assert_eq!(named("Mara Elin Lindqvist"), "ML");
        assert_eq!(named("operator"), "O");
        assert_eq!(named(""), "");
    }

    #[test]
    fn the_error_page_says_what_why_and_what_to_do() {
        let html = ErrorPage::sample().render().expect("renders");
        for part in ["There is nothing here for you", "No page has", "Check the address", "01936f2e-5a70"] {
            assert!(html.contains(part), "{part}");
        }
    }
}
