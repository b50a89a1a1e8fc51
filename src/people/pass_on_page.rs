//! `/people/copy` and `/people/hand-over`: from whom, to whom.
use askama::Template;

use crate::web::page::Shell;
use crate::web::view::Field;

/// The form.
#[derive(Template)]
#[template(path = "people/pass_on.html")]
pub struct PassOnPage {
    /// The frame.
    pub shell: Shell,
    /// Its heading.
    pub title: &'static str,
    /// What comes of it.
    pub lead: &'static str,
    /// Where the form goes.
    pub action: &'static str,
    /// `from` and `to`.
    pub fields: Vec<Field>,
}

#[cfg(test)]
mod tests {
    use super::*;

    impl PassOnPage {
        fn sample() -> Self {
            Self {
                shell: Shell::sample("/people/copy"),
                title: "Copy roles",
                lead: "Shown first.",
                action: "/people/copy",
                fields: vec![Field::new("email", "from", "From").error(Some("Nobody has this address.".into()))],
            }
        }
    }

    #[test]
    fn what_is_wrong_stands_at_its_field() {
        let html = PassOnPage::sample().render().expect("renders");
        assert!(html.contains("Nobody has this address.") && html.contains("action=\"/people/copy\""));
    }
}
