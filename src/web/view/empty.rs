//! A list with nothing in it says which of its reasons it has.
use super::{Link, contract_path};
use crate::auth::roles::Role;

/// Why there is nothing to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmptyKind {
    /// There is nothing yet.
    NothingYet,
    /// The filters leave nothing.
    NothingMatches,
    /// The person lacks a role.
    NotAllowed,
    /// All there is rests in the archive.
    Archived,
}

/// What stands in place of a list.
#[derive(Clone, Debug)]
pub struct Empty {
    /// The reason.
    pub kind: EmptyKind,
    /// The reason in a few words.
    pub title: String,
    /// What to do, in a sentence.
    pub text: String,
    /// The way out.
    pub action: Option<Link>,
}

impl Empty {
    /// An empty state.
    #[must_use]
    pub fn new(kind: EmptyKind, title: impl Into<String>, text: impl Into<String>) -> Self {
        Self { kind, title: title.into(), text: text.into(), action: None }
    }

    /// The same with a way out.
    #[must_use]
    pub fn action(mut self, label: &str, href: impl Into<String>) -> Self {
        self.action = Some(Link::new(label, href));
        self
    }

    /// Whether filters and commands make sense beside it: without a License ID there is nothing to filter.
    #[must_use]
    pub fn closed(&self) -> bool {
        matches!(self.kind, EmptyKind::NotAllowed | EmptyKind::Archived)
    }

    /// The icon of the reason.
    #[must_use]
    pub const fn icon(&self) -> &'static str {
        match self.kind {
            EmptyKind::NothingYet | EmptyKind::Archived => "tray",
            EmptyKind::NothingMatches => "filter",
            EmptyKind::NotAllowed => "lock",
        }
    }
}

/// A License ID on which a role is missing; known to the person.
#[derive(Clone, Debug)]
pub struct LockedPlace {
    /// The License ID.
    pub license_id: String,
    /// The person's open request for the role there.
    pub open: Option<Link>,
}

impl LockedPlace {
    /// Where the button asks for the role.
    #[must_use]
    pub fn action(&self) -> String {
        [&contract_path(&self.license_id), "/ask"].concat()
    }
}

/// Something that is there, but not for this person: what is missing, whom to ask, and the button that asks.
#[derive(Clone, Debug)]
pub struct Locked {
    /// The role that would open it; none where no role does, because the organisation isn't approved.
    pub role: Option<Role>,
    /// Where it is missing.
    pub places: Vec<LockedPlace>,
    /// Names of administrators; empty where the installation hides them.
    pub ask: Vec<String>,
}

impl Locked {
    /// Buttons that fit beside each other; more License IDs are asked for one by one on their own pages.
    const BUTTONS: usize = 6;

    /// A License ID on which nobody may do anything: "Organization not approved".
    #[must_use]
    pub fn not_approved(license_id: &str) -> Self {
        Self {
            role: None,
            places: vec![LockedPlace { license_id: license_id.to_owned(), open: None }],
            ask: Vec::new(),
        }
    }

    /// What is missing, in a sentence.
    #[must_use]
    pub fn missing(&self) -> String {
        let ids: Vec<&str> = self.places.iter().map(|place| place.license_id.as_str()).collect();
        let ids_text = ids.join(", ");
        let Some(role) = self.role else {
            return format!(
                "The vendor hasn’t approved the organisation of License ID {ids_text}: its keys, downloads and roles rest until it has."
            );
        };
        let noun = if ids.len() == 1 { " on License ID " } else { " on License IDs " };
        ["You lack the role ", role.label(), noun, &ids_text, "."].concat()
    }

    /// Whom to ask, in a sentence.
    #[must_use]
    pub fn whom(&self) -> String {
        if self.role.is_none() {
            return "The vendor or your reseller says what is still missing.".to_owned();
        }
        match self.ask.split_last() {
            None => "An administrator of the License ID gives it.".to_owned(),
            Some((only, [])) => [only, " can give it."].concat(),
            Some((last, rest)) => [&rest.join(", "), " or ", last, " can give it."].concat(),
        }
    }

    /// The places with a button.
    #[must_use]
    pub fn asked(&self) -> &[LockedPlace] {
        let most = if self.role.is_some() { Self::BUTTONS } else { 0 };
        &self.places[..self.places.len().min(most)]
    }

    /// Whether the buttons have to name their License ID.
    #[must_use]
    pub fn several(&self) -> bool {
        self.places.len() > 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locked_part_says_what_is_missing_and_whom_to_ask() {
        let locked = |ask: &[&str]| Locked {
            role: Some(Role::ProductKeysReader),
            places: vec![LockedPlace { license_id: "8671204".into(), open: None }],
            ask: ask.iter().map(ToString::to_string).collect(),
        };
        assert_eq!(locked(&[]).missing(), "You lack the role Product keys reader on License ID 8671204.");
        assert_eq!(locked(&[]).whom(), "An administrator of the License ID gives it.");
        assert_eq!(locked(&["Mara"]).whom(), "Mara can give it.");
        assert_eq!(locked(&["Mara", "Ilya"]).whom(), "Mara or Ilya can give it.");
        assert_eq!(locked(&[]).places[0].action(), "/contracts/8671204/ask");
    }
}
