//! `/confirm`: the password again, before a key leaves the vault.
use askama::Template;

use crate::web::page::Shell;
use crate::web::view::Field;

/// The page that asks for the password again.
#[derive(Template)]
#[template(path = "auth/confirm.html")]
pub struct ConfirmPage {
    /// The frame.
    pub shell: Shell,
    /// What goes on afterwards, as a short sentence: "export 12 keys."
    pub doing: Option<String>,
    /// The path to go to afterwards, and for "Cancel".
    pub next: String,
    /// Hidden fields that carry the interrupted post along: names and values.
    pub carried: Vec<(String, String)>,
    /// Why it failed.
    pub error: Option<String>,
}

impl ConfirmPage {
    fn field(&self) -> Field {
        Field::new("password", "password", "Password").autocomplete("current-password").error(self.error.clone())
    }
}

#[cfg(test)]
impl ConfirmPage {
    /// An export interrupted.
    pub fn sample() -> Self {
        Self {
            shell: Shell::sample("/confirm"),
            doing: Some("export 12 keys as a workbook.".into()),
            next: "/products/windows-11-pro?tab=keys".into(),
            carried: vec![("then".into(), "/exports/keys".into())],
            error: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_what_goes_on_afterwards() {
        let html = ConfirmPage::sample().render().expect("renders");
        assert!(html.contains("After this: export 12 keys as a workbook."));
        assert!(html.contains("name=\"then\" value=\"/exports/keys\""));
    }

    #[test]
    fn a_wrong_password_is_said_at_the_field() {
        let error = Some("That isn’t your password.".to_owned());
        let html = ConfirmPage { error, ..ConfirmPage::sample() }.render().expect("renders");
        assert!(html.contains("aria-invalid=\"true\""));
        assert!(html.contains("That isn’t your password."));
    }
}
