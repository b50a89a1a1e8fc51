//! `/people/give`: the steps of the wizard in which one chooses.
use askama::Template;

use super::choose::Step;
use crate::web::page::Shell;
use crate::web::view::{Choice, count};

/// Something to tick.
#[derive(Clone, Debug)]
pub struct Tick {
    /// What is sent.
    pub value: String,
    /// What is read.
    pub label: String,
    /// What stands beside it.
    pub aside: String,
    /// What the chosen people hold there already, a line each.
    pub notes: Vec<String>,
    /// Whether it is ticked.
    pub ticked: bool,
    /// Whether the label is an identifier.
    pub mono: bool,
}

/// The page.
#[derive(Template)]
#[template(path = "people/give.html")]
pub struct GivePage {
    /// The frame.
    pub shell: Shell,
    /// Which step.
    pub step: Step,
    /// What the other steps hold.
    pub hidden: Vec<(&'static str, String)>,
    /// How much is chosen in the other steps, in words.
    pub chosen: Vec<String>,
    /// What is wrong with this step.
    pub error: Option<String>,
    /// The same, for the last day.
    pub until_error: Option<String>,
    /// What is typed: addresses, or numbers.
    pub typed: String,
    /// What is searched.
    pub q: String,
    /// What can be ticked.
    pub ticks: Vec<Tick>,
    /// Organisations, by row.
    pub organizations: Vec<Choice>,
    /// Parent agreements, by number.
    pub agreements: Vec<Choice>,
    /// All at once.
    pub every: Vec<Choice>,
    /// What a rule may be given over; empty for whoever holds none.
    pub rules: Vec<Choice>,
    /// The last day.
    pub until: String,
}

impl GivePage {
    fn next(&self) -> Step {
        let at = Step::ALL.iter().position(|step| *step == self.step).unwrap_or(0);
        Step::ALL.get(at + 1).copied().unwrap_or(Step::Check)
    }

    fn before(&self) -> Option<Step> {
        let at = Step::ALL.iter().position(|step| *step == self.step)?;
        Step::ALL.get(at.checked_sub(1)?).copied()
    }

    fn lead(&self) -> &'static str {
        match self.step {
            Step::People => "First: who shall hold the roles. Type addresses, or tick people you know.",
            Step::LicenseIds => {
                "Then: on which License IDs. What the people hold there already, inherited too, stands beside each."
            }
            Step::Roles => "Then: which roles, and until when.",
            Step::Check => "",
        }
    }

    /// How many are ticked, in words; for a screen reader and for whoever scrolled.
    fn ticked_words(&self) -> String {
        count(self.ticks.iter().filter(|tick| tick.ticked).count() as u64, "is ticked", "are ticked")
    }
}

#[cfg(test)]
impl GivePage {
    /// The step of the License IDs.
    pub fn sample() -> Self {
        let tick = |value: &str, ticked| Tick {
            value: value.into(),
            label: value.into(),
            aside: "Northwind Holding AG".into(),
            notes: vec!["Jo Ashby: Product keys reader, through the organisation Northwind".into()],
            ticked,
            mono: true,
        };
        Self {
            shell: Shell::sample("/people/give"),
            step: Step::LicenseIds,
            hidden: vec![("emails", "jo@<b>".into())],
            chosen: vec!["1 person".into()],
            error: Some("Choose at least one License ID.".into()),
            until_error: None,
            typed: "8671204".into(),
            q: String::new(),
            ticks: vec![tick("8671204", true), tick("8671311", false)],
            organizations: vec![Choice::new("", "None", "")],
            agreements: vec![Choice::new("", "None", "")],
            every: vec![Choice::new("", "No", "")],
            rules: vec![Choice::new("", "No rule", ""), Choice::new("all", "Everything", "")],
            until: String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_carries_the_others_and_says_what_is_held_already() {
        let html = GivePage::sample().render().expect("renders");
        for part in [
            "jo@&#60;b&#62;",
            "through the organisation Northwind",
            "aria-invalid",
            "value=\"roles\"",
            "aria-current=\"step\"",
        ] {
            assert!(html.contains(part), "{part}\n{html}");
        }
        assert!(html.contains("name=\"rule\""));
        let page = GivePage { rules: Vec::new(), ..GivePage::sample() };
        let html = page.render().expect("renders");
        assert!(!html.contains("name=\"rule\"") && html.contains("keyward grant"), "why not, and the command");
        for step in [Step::People, Step::Roles] {
            let page = GivePage { step, ..GivePage::sample() };
            assert!(page.render().expect("renders").contains(step.label()));
        }
    }
}
