//! `/account`: one's own name, roles, password and sessions.
use askama::Template;

use crate::web::page::Shell;
use crate::web::view::{Field, When};

/// One of the person's sessions.
#[derive(Clone, Debug)]
pub struct SessionRow {
    /// The id in `/account/sessions/{id}/end`.
    pub id: String,
    /// When it began.
    pub started: When,
    /// When it was last used.
    pub last_used: When,
    /// The network address it came from.
    pub address: String,
    /// The browser, as far as it tells.
    pub browser: String,
    /// Whether this page was asked for in it.
    pub current: bool,
}

/// A role and where it holds.
#[derive(Clone, Debug)]
pub struct RoleSummary {
    /// The role's name.
    pub role: String,
    /// Where it holds: "on 12 License IDs".
    pub scope: String,
}

/// The account page.
#[derive(Template)]
#[template(path = "auth/account.html")]
pub struct AccountPage {
    /// The frame; its person is the one shown.
    pub shell: Shell,
    /// What they may do.
    pub roles: Vec<RoleSummary>,
    /// Their open sessions, this one first.
    pub sessions: Vec<SessionRow>,
    /// What is wrong with the current password given.
    pub current_error: Option<String>,
    /// What is wrong with the new password.
    pub new_error: Option<String>,
    /// What is wrong with its repetition.
    pub again_error: Option<String>,
}

impl AccountPage {
    fn fields(&self) -> [Field; 3] {
        [
            Field::new("password", "current", "Current password")
                .autocomplete("current-password")
                .error(self.current_error.clone()),
            Field::new("password", "new", "New password")
                .autocomplete("new-password")
                .help("At least 15 characters. Any characters will do: four or five unrelated words are strong and easy to keep.")
                .error(self.new_error.clone()),
            Field::new("password", "again", "New password again")
                .autocomplete("new-password")
                .error(self.again_error.clone()),
        ]
    }

    fn has_others(&self) -> bool {
        self.sessions.iter().any(|session| !session.current)
    }
}

#[cfg(test)]
impl AccountPage {
    /// Two sessions.
    pub fn sample() -> Self {
        use time::macros::datetime;
        let now = datetime!(2026-11-22 14:13 UTC);
        let session = |id: &str, started, last, browser: &str, current| SessionRow {
            id: id.into(),
            started: When::moment(started, now),
            last_used: When::moment(last, now),
            address: "10.20.4.17".into(),
            browser: browser.into(),
            current,
        };
        Self {
            shell: Shell::sample("/account"),
            roles: vec![
                RoleSummary { role: "Administrator".into(), scope: "on 11 License IDs".into() },
                RoleSummary { role: "Auditor".into(), scope: "the whole audit log".into() },
            ],
            sessions: vec![
                session("1", datetime!(2026-11-22 08:02 UTC), now, "Firefox on Linux", true),
                session(
                    "2",
                    datetime!(2026-11-20 17:40 UTC),
                    datetime!(2026-11-22 11:02 UTC),
                    "Safari on iPhone",
                    false,
                ),
            ],
            current_error: None,
            new_error: None,
            again_error: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_sessions_can_be_ended() {
        let html = AccountPage::sample().render().expect("renders");
        assert!(html.contains("action=\"/account/sessions/2/end\""));
        assert!(html.contains("action=\"/account/sessions/end-others\""));
        assert!(html.contains("This one"));
        let mut page = AccountPage::sample();
        page.sessions.truncate(1);
        assert!(!page.render().expect("renders").contains("end-others"));
    }

    #[test]
    fn a_password_that_is_too_short_is_said_at_the_field_and_at_the_top() {
        let error = "This has 9 characters; it needs at least 15.".to_owned();
        let page = AccountPage { new_error: Some(error.clone()), ..AccountPage::sample() };
        assert_eq!(page.render().expect("renders").matches(&*error).count(), 2);
    }
}
