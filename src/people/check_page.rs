//! What saving would do, person by person and License ID by License ID: the last page of the wizard, of a copy
//! and of a hand-over.
use std::collections::HashMap;

use askama::Template;

use time::OffsetDateTime;

use super::{
    model::end_of,
    plan::{Outcome, Plan, day_words},
    rule_plan::{Item, RulePlan},
};
use crate::web::page::{Shell, Tone};
use crate::web::view::count;

/// What happens to one role of one person, with the License IDs on which it does.
#[derive(Clone, Debug)]
pub struct Line {
    /// Display name.
    pub person: String,
    /// The address they sign in with.
    pub email: String,
    /// The role's name.
    pub role: String,
    /// How what happens is marked.
    pub tone: Tone,
    /// What happens, in a word or two.
    pub word: &'static str,
    /// The rest of it: until when, through what, or why not.
    pub detail: String,
    /// Where.
    pub license_ids: Vec<String>,
    /// Over what, where a rule gives it: then no License ID stands beside it.
    pub rule: String,
}

impl Line {
    /// More of them fold together.
    fn many(&self) -> bool {
        self.license_ids.len() > 8
    }

    fn many_words(&self) -> String {
        count(self.license_ids.len() as u64, "License ID", "License IDs")
    }
}

/// The lines of a plan: what is alike stands in one.
pub fn lines(plan: &Plan) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    let mut places = HashMap::new();
    for item in &plan.items {
        let wish = item.wish;
        let (tone, word, detail) = told(&item.outcome, wish.ends_at);
        let at = *places.entry((wish.person, wish.role, word, detail.clone())).or_insert_with(|| {
            let person = &plan.people[wish.person];
            lines.push(Line {
                person: person.name.clone(),
                email: person.email.clone(),
                role: wish.role.label().to_owned(),
                tone,
                word,
                detail,
                license_ids: Vec::new(),
                rule: String::new(),
            });
            lines.len() - 1
        });
        lines[at].license_ids.push(plan.places[wish.place].license_id.clone());
    }
    lines
}

/// How an outcome is marked, in a word or two, and the rest of it.
fn told(outcome: &Outcome, ends_at: Option<OffsetDateTime>) -> (Tone, &'static str, String) {
    let until = |end| match end {
        None => "without end".to_owned(),
        Some(end) => ["until ", &day_words(end)].concat(),
    };
    match outcome {
        Outcome::New => (Tone::Good, "New", until(ends_at)),
        Outcome::Until { before, .. } => {
            (Tone::Warn, "Another last day", format!("{} instead of {}", until(ends_at), until(*before)))
        }
        Outcome::Held(how) => (Tone::Info, "Held already", how.clone()),
        Outcome::Refused(why) => (Tone::Bad, "Not possible", why.sentence().to_owned()),
    }
}

/// The lines of a plan of a rule, one a person and role.
pub fn rule_lines(plan: &RulePlan) -> Vec<Line> {
    let now = count(plan.over.license_ids.unsigned_abs(), "License ID", "License IDs");
    let line = |item: &Item| {
        let (tone, word, detail) = told(&item.outcome, plan.until.map(end_of));
        let person = &plan.people[item.person];
        Line {
            person: person.name.clone(),
            email: person.email.clone(),
            role: item.role.label().to_owned(),
            tone,
            word,
            detail,
            license_ids: Vec::new(),
            rule: format!("By a rule over {}: {now} now", plan.over.words),
        }
    };
    plan.items.iter().map(line).collect()
}

/// What stays with somebody who hands over: it comes from a rule, and ends where that ends.
#[derive(Clone, Debug)]
pub struct Stay {
    /// The role's name.
    pub role: String,
    /// Where it comes from: "the organisation Northwind".
    pub through: String,
    /// On how many of the reader's License IDs.
    pub license_ids: u64,
    /// What a site operator types to end it.
    pub command: String,
}

impl Stay {
    fn many_words(&self) -> String {
        count(self.license_ids, "License ID", "License IDs")
    }
}

/// The page.
#[derive(Template)]
#[template(path = "people/check.html")]
pub struct CheckPage {
    /// The frame.
    pub shell: Shell,
    /// Its heading.
    pub title: String,
    /// What it is for, in a sentence.
    pub lead: String,
    /// Whether it is the wizard's last step.
    pub wizard: bool,
    /// The wizard's step back, or the form before.
    pub back: String,
    /// Where the form goes.
    pub action: &'static str,
    /// What was chosen, and the digest of what is shown.
    pub hidden: Vec<(&'static str, String)>,
    /// What is given.
    pub lines: Vec<Line>,
    /// What is taken away.
    pub taken: Vec<Line>,
    /// What stays where it is.
    pub stays: Vec<Stay>,
    /// What the button says; empty where there is nothing to save.
    pub submit: String,
}

#[cfg(test)]
impl CheckPage {
    /// A hand-over with one line of each kind.
    pub fn sample() -> Self {
        let line = |tone, word, detail: &str, ids: &[&str]| Line {
            person: "Jo Ashby".into(),
            email: "jo.ashby@northwind.example".into(),
            role: "Administrator".into(),
            tone,
            word,
            detail: detail.into(),
            license_ids: ids.iter().map(ToString::to_string).collect(),
            rule: String::new(),
        };
        Self {
            shell: Shell::sample("/people/hand-over"),
            title: "Hand over".into(),
            lead: "Look at it, then save.".into(),
            wizard: true,
            back: "/people/hand-over?from=a%40b".into(),
            action: "/people/hand-over",
            hidden: vec![("shown", "ab12".into())],
            lines: vec![
                line(Tone::Good, "New", "without end", &["8671204"]),
                line(Tone::Info, "Held already", "given here", &["1", "2", "3", "4", "5", "6", "7", "8", "9"]),
                line(Tone::Bad, "Not possible", "The account is disabled.", &["7740032"]),
                Line {
                    rule: "By a rule over all License IDs, those to come included: 24 License IDs now".into(),
                    ..line(Tone::Good, "New", "without end", &[])
                },
            ],
            taken: vec![line(Tone::Warn, "Taken away", "given here", &["8671204"])],
            stays: vec![Stay {
                role: "Administrator".into(),
                through: "the organisation Northwind".into(),
                license_ids: 12,
                command: "keyward revoke a@b administrator --organization Northwind".into(),
            }],
            submit: "Hand over 1 role".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_says_what_happens_and_where() {
        let html = CheckPage::sample().render().expect("renders");
        for part in [
            "New",
            "Held already",
            "Not possible",
            "9 License IDs",
            "Taken away",
            "--organization Northwind",
            "ab12",
            "By a rule over all",
        ] {
            assert!(html.contains(part), "{part}");
        }
        let html = CheckPage { submit: String::new(), ..CheckPage::sample() }.render().expect("renders");
        assert!(html.contains("There is nothing to save.") && !html.contains("until you save"));
    }
}
