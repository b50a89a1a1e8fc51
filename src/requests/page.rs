//! `/requests/{number}`: what is asked, what can be done now, and what was done.
use askama::Template;

use super::machine::State;
use crate::web::page::{Shell, Tone};
use crate::web::view::{Fact, Field, Link, Meter, Remark, When};

/// How a state is marked.
#[must_use]
pub const fn tone(state: State) -> Tone {
    match state {
        State::Draft | State::Withdrawn => Tone::Info,
        State::Submitted | State::Question | State::Approved | State::Sent => Tone::Warn,
        State::Done => Tone::Good,
        State::Declined => Tone::Bad,
    }
}

/// The icon of a state, so that colour isn't the only sign.
#[must_use]
pub const fn icon(state: State) -> &'static str {
    match state {
        State::Draft => "edit",
        State::Submitted => "history",
        State::Question => "info",
        State::Approved => "right",
        State::Sent => "upload",
        State::Done => "check",
        State::Declined => "stop",
        State::Withdrawn => "minus",
    }
}

/// A line of the history.
#[derive(Clone, Debug)]
pub struct Step {
    /// When.
    pub at: When,
    /// Who did what: "Help Desk asked for this".
    pub what: String,
    /// What was said.
    pub comment: String,
}

/// An attached file.
#[derive(Clone, Debug)]
pub struct FileRow {
    /// Its name.
    pub name: String,
    /// Where it is downloaded.
    pub href: String,
    /// Type, size, who and when.
    pub about: String,
}

/// A form with a heading of its own: what can be done now.
#[derive(Clone, Debug)]
pub struct Act {
    /// Its heading.
    pub title: &'static str,
    /// What it does, in a sentence.
    pub text: String,
    /// Where it goes.
    pub action: String,
    /// What it sends besides its fields.
    pub hidden: Vec<(&'static str, &'static str)>,
    /// Its fields.
    pub fields: Vec<Field>,
    /// Its buttons: name, value, label; the first is the main one. Without a name it just sends.
    pub buttons: Vec<(&'static str, &'static str, String)>,
    /// A box to tick: name and label.
    pub tick: Option<(&'static str, &'static str)>,
    /// What is rarely wanted is folded away.
    pub folded: bool,
}

impl Act {
    fn open(&self) -> bool {
        !self.folded || Field::any_wrong(&self.fields)
    }
}

/// The page.
#[derive(Template)]
#[template(path = "requests/page.html")]
pub struct RequestPage {
    /// The frame.
    pub shell: Shell,
    /// Its number.
    pub number: i64,
    /// What is asked, in a line.
    pub title: String,
    /// Where it is.
    pub state: State,
    /// What happens next, in a sentence.
    pub next: String,
    /// When it should be settled.
    pub due: Option<When>,
    /// Whether that day has passed and it is still open.
    pub late: bool,
    /// What is asked.
    pub facts: Vec<Fact>,
    /// Where the License ID and the key are seen.
    pub links: Vec<Link>,
    /// Used of the limit as last read.
    pub meter: Option<Meter>,
    /// Why.
    pub justification: String,
    /// What to know.
    pub notes: Vec<Remark>,
    /// What this person can do now.
    pub acts: Vec<Act>,
    /// The vendor's form, filled in.
    pub packet: Option<String>,
    /// The draft's form.
    pub edit: Option<String>,
    /// What was done, the first step first.
    pub history: Vec<Step>,
    /// The files.
    pub files: Vec<FileRow>,
    /// The form that attaches one, while that is possible.
    pub attach: Option<Field>,
}

impl RequestPage {
    fn tone(&self) -> Tone {
        tone(self.state)
    }

    fn icon(&self) -> &'static str {
        icon(self.state)
    }

    /// Everything that is wrong with any form, for the summary at the top.
    fn wrong(&self) -> Vec<Field> {
        let fields = self.acts.iter().flat_map(|act| &act.fields).chain(&self.attach);
        fields.filter(|field| field.error.is_some()).cloned().collect()
    }
}

#[cfg(test)]
impl RequestPage {
    /// A request that waits for a decision.
    pub fn sample() -> Self {
        use time::macros::{date, datetime};
        let now = datetime!(2026-11-22 14:13 UTC);
        Self {
            shell: Shell::sample("/requests/7"),
            number: 7,
            title: "200 more activations of Windows 11 Pro (AB12C)".into(),
            state: State::Submitted,
            next: "An Administrator of License ID 8671204 decides.".into(),
            due: Some(When::day(date!(2026 - 11 - 20), now.date())),
            late: true,
            facts: vec![Fact { label: "Asked for", value: "200 more: 500 → 700".into(), mono: false }],
            links: vec![Link::new("License ID 8671204", "/contracts/8671204?tab=keys")],
            meter: Some(Meter { used: 480, total: 500 }),
            justification: "A new site\nwith 180 machines".into(),
            notes: vec![Remark::new(Tone::Warn, "Nobody else administers it.")],
            acts: vec![Act {
                title: "Decide",
                text: "Approving raises the limit at once.".into(),
                action: "/requests/7/decision".into(),
                hidden: vec![],
                fields: vec![Field::new("area", "comment", "Comment").id("decision-comment").optional()],
                buttons: vec![
                    ("decision", "approve", "Approve".into()),
                    ("decision", "decline", "Decline".into()),
                    ("decision", "ask", "Ask back".into()),
                ],
                tick: None,
                folded: false,
            }],
            packet: Some("/requests/7/packet".into()),
            edit: None,
            history: vec![Step {
                at: When::moment(datetime!(2026-11-22 12:00 UTC), now),
                what: "Help Desk asked for this".into(),
                comment: "<soon>".into(),
            }],
            files: vec![FileRow { name: "plan.pdf".into(), href: "/requests/7/files/1".into(), about: "PDF".into() }],
            attach: Some(Field::new("file", "file", "A file")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_done_stands_beside_what_was_done() {
        let html = RequestPage::sample().render().expect("renders");
        for part in ["value=\"approve\"", "value=\"decline\"", "value=\"ask\"", "plan.pdf", "&#60;soon&#62;", "Overdue"]
        {
            assert!(html.contains(part), "{part}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_form_is_said_at_the_top_too() {
        let mut page = RequestPage::sample();
        page.acts[0].fields[0].error = Some("Say why.".into());
        assert_eq!(page.render().expect("renders").matches("Say why.").count(), 2);
    }
}
