//! Fields of forms: label above, help below, error at the field.

/// One of several values to choose from.
#[derive(Clone, Debug)]
pub struct Choice {
    /// What is sent.
    pub value: String,
    /// What is read.
    pub label: String,
    /// Whether it is chosen now.
    pub selected: bool,
}

impl Choice {
    /// A choice, chosen when its value is the current one.
    #[must_use]
    pub fn new(value: impl Into<String>, label: impl Into<String>, current: &str) -> Self {
        let value = value.into();
        Self { selected: value == current, label: label.into(), value }
    }
}

/// A single-line field; a select when it has choices.
#[derive(Clone, Debug, Default)]
pub struct Field {
    /// The name it is sent under.
    pub name: &'static str,
    /// Its id: the name, where no other form of the page has a field of that name.
    pub id: &'static str,
    /// What it asks for.
    pub label: &'static str,
    /// The input's type: `text`, `email`, `password`, `date`, `number`; `area` for several lines.
    pub kind: &'static str,
    /// What it holds; never set for a password.
    pub value: String,
    /// A sentence below it.
    pub help: &'static str,
    /// What is wrong with it and what to do.
    pub error: Option<String>,
    /// The browser's autocomplete token.
    pub autocomplete: &'static str,
    /// Whether it has to be filled in.
    pub required: bool,
    /// The values to choose from; empty for an input.
    pub choices: Vec<Choice>,
}

impl Field {
    /// A required field of the given type.
    #[must_use]
    pub fn new(kind: &'static str, name: &'static str, label: &'static str) -> Self {
        Self { name, id: name, label, kind, required: true, autocomplete: "off", ..Self::default() }
    }

    /// The same with what was typed.
    #[must_use]
    pub fn value(mut self, value: impl Into<String>) -> Self {
        self.value = value.into();
        self
    }

    /// The same under another id.
    #[must_use]
    pub const fn id(mut self, id: &'static str) -> Self {
        self.id = id;
        self
    }

    /// The same with a sentence of help.
    #[must_use]
    pub const fn help(mut self, help: &'static str) -> Self {
        self.help = help;
        self
    }

    /// The same with what is wrong, if anything is.
    #[must_use]
    pub fn error(mut self, error: Option<String>) -> Self {
        self.error = error;
        self
    }

    /// The same with the browser's autocomplete token.
    #[must_use]
    pub const fn autocomplete(mut self, token: &'static str) -> Self {
        self.autocomplete = token;
        self
    }

    /// The same, but it may stay empty.
    #[must_use]
    pub const fn optional(mut self) -> Self {
        self.required = false;
        self
    }

    /// The same as a select.
    #[must_use]
    pub fn choices(mut self, choices: Vec<Choice>) -> Self {
        self.choices = choices;
        self
    }

    /// Whether anything is wrong with any of them.
    #[must_use]
    pub fn any_wrong(fields: &[Self]) -> bool {
        fields.iter().any(|field| field.error.is_some())
    }

    /// The ids of help and error, for `aria-describedby`.
    #[must_use]
    pub fn described_by(&self) -> String {
        let mut ids = Vec::new();
        if self.error.is_some() {
            ids.push([self.id, "-error"].concat());
        }
        if !self.help.is_empty() {
            ids.push([self.id, "-help"].concat());
        }
        ids.join(" ")
    }
}

/// A file format: choosing it is the export.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    /// `tsv`, `csv` or `xlsx`.
    pub value: &'static str,
    /// Its name.
    pub label: &'static str,
    /// What sets it apart.
    pub note: &'static str,
}

/// A button that opens a choice of file formats, each of which sends the form.
#[derive(Clone, Debug)]
pub struct Export {
    /// The form's id; boxes to tick name it in their `form` attribute.
    pub form: &'static str,
    /// Whether the form stands in this menu; two menus may share one form and its ticks.
    pub owns_form: bool,
    /// What the button says.
    pub label: &'static str,
    /// Where the form is sent: `/exports/keys` or `/exports/contracts`.
    pub action: &'static str,
    /// `all`, `selected` or `matching`.
    pub scope: &'static str,
    /// What narrows it: `license_id`, `product`, and the filter of the list.
    pub fields: Vec<(String, String)>,
    /// The formats offered.
    pub formats: [Format; 3],
    /// What will be written, in a sentence.
    pub text: String,
    /// Whether it carries keys: then it says that it is recorded.
    pub keys: bool,
}

impl Export {
    const TSV: Format =
        Format { value: "tsv", label: "Admin centre file", note: "tab-delimited, named .csv, as the vendor does it" };
    const CSV: Format = Format { value: "csv", label: "CSV", note: "comma-delimited, every field quoted" };
    const XLSX: Format = Format { value: "xlsx", label: "Excel workbook", note: "keeps every cell as text" };

    /// An export of keys.
    #[must_use]
    pub const fn of_keys(form: &'static str, label: &'static str, scope: &'static str) -> Self {
        Self {
            form,
            owns_form: true,
            label,
            action: "/exports/keys",
            scope,
            fields: Vec::new(),
            formats: [Self::TSV, Self::CSV, Self::XLSX],
            text: String::new(),
            keys: true,
        }
    }

    /// An export of the list of contracts.
    #[must_use]
    pub const fn of_contracts(form: &'static str, label: &'static str) -> Self {
        Self {
            form,
            owns_form: true,
            label,
            action: "/exports/contracts",
            scope: "all",
            fields: Vec::new(),
            formats: [Self::CSV, Self::TSV, Self::XLSX],
            text: String::new(),
            keys: false,
        }
    }

    /// The same, sending the form of another menu.
    #[must_use]
    pub const fn sharing_form(mut self) -> Self {
        self.owns_form = false;
        self
    }

    /// The same with a sentence about what will be written.
    #[must_use]
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.text = text.into();
        self
    }

    /// The same with one more hidden field.
    #[must_use]
    pub fn field(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.fields.push((name.into(), value.into()));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_points_to_its_error_before_its_help() {
        let field = Field::new("text", "until", "Until").help("Optional.").error(Some("Not a date.".into()));
        assert_eq!(field.described_by(), "until-error until-help");
        assert_eq!(Field::new("text", "q", "Search").described_by(), "");
    }
}
