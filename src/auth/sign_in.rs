//! `/sign-in`: the door, and the first steps of an installation without accounts.
use askama::Template;

use crate::web::page::Shell;
use crate::web::view::Field;

/// The sign-in page.
#[derive(Template)]
#[template(path = "auth/sign_in.html")]
pub struct SignInPage {
    /// The frame, with nobody signed in.
    pub shell: Shell,
    /// The address that was typed, kept after a failure.
    pub email: String,
    /// The path to come back to.
    pub next: String,
    /// Why it failed and what to do; the same sentence for an unknown address and a wrong password.
    pub error: Option<String>,
    /// Whether this installation has no accounts yet.
    pub first_steps: bool,
}

impl SignInPage {
    fn fields(&self) -> [Field; 2] {
        [
            Field::new("email", "email", "Email").autocomplete("username").value(&*self.email),
            Field::new("password", "password", "Password").autocomplete("current-password"),
        ]
    }
}

#[cfg(test)]
impl SignInPage {
    /// A failed sign-in.
    pub fn sample() -> Self {
        Self {
            shell: Shell::new("/sign-in", None, Vec::new()),
            email: "mara.lindqvist@northwind.example".into(),
            next: "/contracts?q=8671204".into(),
            error: Some(
                "That email and password don’t match an account. Check both, or ask your site operator.".into(),
            ),
            first_steps: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_sign_in_keeps_the_address_and_drops_the_password() {
        let html = SignInPage::sample().render().expect("renders");
        assert!(html.contains("value=\"mara.lindqvist@northwind.example\""));
        assert!(html.contains("name=\"next\" value=\"/contracts?q=8671204\""));
        assert!(!html.contains("First steps"));
    }

    #[test]
    fn a_fresh_installation_shows_its_first_steps() {
        let page = SignInPage { first_steps: true, error: None, ..SignInPage::sample() };
        let html = page.render().expect("renders");
        for command in ["keyward user add EMAIL", "keyward grant EMAIL administrator --all", "keyward import FILE…"] {
            assert!(html.contains(command), "{command}");
        }
    }
}
