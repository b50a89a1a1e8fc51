//! A list with nothing in it says which of three reasons it has.
use super::Link;

/// Why there is nothing to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmptyKind {
    /// There is nothing yet.
    NothingYet,
    /// The filters leave nothing.
    NothingMatches,
    /// The person lacks a role.
    NotAllowed,
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

    /// Whether filters and commands make sense beside it: without a role there is nothing to filter.
    #[must_use]
    pub fn closed(&self) -> bool {
        self.kind == EmptyKind::NotAllowed
    }

    /// The icon of the reason.
    #[must_use]
    pub const fn icon(&self) -> &'static str {
        match self.kind {
            EmptyKind::NothingYet => "tray",
            EmptyKind::NothingMatches => "filter",
            EmptyKind::NotAllowed => "lock",
        }
    }
}

/// Something that is there, but not for this person: what is missing and whom to ask.
#[derive(Clone, Debug)]
pub struct Locked {
    /// The role that would open it.
    pub role: String,
    /// The License IDs it is missing on; all of them known to the person.
    pub license_ids: Vec<String>,
    /// Names of administrators; empty where the installation hides them.
    pub ask: Vec<String>,
}

impl Locked {
    /// A License ID on which nobody may do anything: "Organization not approved".
    #[must_use]
    pub fn not_approved(license_id: &str) -> Self {
        Self {
            role: String::new(),
            license_ids: vec![license_id.to_owned()],
            ask: vec!["the vendor".into(), "your reseller".into()],
        }
    }

    /// What is missing, in a sentence.
    #[must_use]
    pub fn missing(&self) -> String {
        if self.role.is_empty() {
            let license_id = self.license_ids.concat();
            return format!(
                "The vendor hasn’t approved the organisation of License ID {license_id}: its keys, downloads and roles rest until it has."
            );
        }
        let ids = self.license_ids.join(", ");
        let noun = if self.license_ids.len() == 1 { " on License ID " } else { " on License IDs " };
        ["You lack the role ", &self.role, noun, &ids, "."].concat()
    }

    /// Whom to ask, in a sentence.
    #[must_use]
    pub fn whom(&self) -> String {
        match self.ask.split_last() {
            None => "Ask an administrator of the License ID for it.".to_owned(),
            Some((only, [])) => ["Ask ", only, " for it."].concat(),
            Some((last, rest)) => ["Ask ", &rest.join(", "), " or ", last, " for it."].concat(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locked_part_says_what_is_missing_and_whom_to_ask() {
        let locked = |ask: &[&str]| Locked {
            role: "Product keys reader".into(),
            license_ids: vec!["8671204".into()],
            ask: ask.iter().map(ToString::to_string).collect(),
        };
        assert_eq!(locked(&[]).missing(), "You lack the role Product keys reader on License ID 8671204.");
        assert_eq!(locked(&["Mara"]).whom(), "Ask Mara for it.");
        assert_eq!(locked(&["Mara", "Ilya"]).whom(), "Ask Mara or Ilya for it.");
    }
}
