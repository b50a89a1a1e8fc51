//! What was just done, with the way back: the banner of `templates/components/undo.html`, which `base.html` shows.

/// An offer to take back what was just done.
#[derive(Clone, Debug)]
pub struct Undo {
    /// What was done, as a sentence: `Archived 3 keys.`
    pub text: String,
    /// Where the button posts to: the feature's own route, which checks everything anew.
    pub action: String,
    /// Hidden fields that go along, names and values.
    pub fields: Vec<(&'static str, String)>,
}

impl Undo {
    /// An offer.
    #[must_use]
    pub fn new(text: impl Into<String>, action: impl Into<String>) -> Self {
        Self { text: text.into(), action: action.into(), fields: Vec::new() }
    }

    /// The same with one more hidden field.
    #[must_use]
    pub fn field(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.fields.push((name, value.into()));
        self
    }
}

#[cfg(test)]
mod tests {
    use crate::web::page::ErrorPage;
    use askama::Template;

    use super::*;

    #[test]
    fn the_banner_is_a_form_that_works_without_a_script() {
        let mut page = ErrorPage::sample();
        page.shell = page.shell.undo(Undo::new("Archived 3 keys.", "/changes/7/undo").field("from", "/products?q=a"));
        let html = page.render().expect("renders");
        assert!(html.contains("action=\"/changes/7/undo\"") && html.contains("Archived 3 keys."));
        assert!(html.contains("name=\"from\" value=\"/products?q=a\""), "{html}");
    }
}
