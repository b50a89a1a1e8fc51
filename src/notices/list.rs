//! `/notices`: what one was told, and what one will be told in the next 90 days.
use askama::Template;

use crate::web::page::Shell;
use crate::web::view::{Choice, Empty, Pager, When, count};

/// A notice.
#[derive(Clone, Debug)]
pub struct NoticeRow {
    /// The id in `/notices/read`.
    pub id: String,
    /// What kind it is, in words.
    pub kind: &'static str,
    /// One line.
    pub subject: String,
    /// A sentence.
    pub sentence: String,
    /// Where it leads.
    pub link: String,
    /// When it came.
    pub at: When,
    /// Whether it wasn't read yet.
    pub unread: bool,
}

/// Something that will be told.
#[derive(Clone, Debug)]
pub struct ComingRow {
    /// Names it in the forms.
    pub name: String,
    /// One line.
    pub title: String,
    /// Where it leads.
    pub link: String,
    /// The days on which it is told; empty while somebody else looks after it.
    pub tellings: Vec<When>,
    /// How it is told: “by mail and here”.
    pub way: &'static str,
    /// What names the next of them, for “send me this one now”.
    pub next: String,
    /// Whether it has a date that one can be reminded of later.
    pub can_snooze: bool,
    /// The last day of a snooze.
    pub snoozed: Option<When>,
    /// Who may look after it; empty where nobody is named for this kind.
    pub owners: Vec<Choice>,
    /// Who looks after it, if that is somebody else.
    pub other_owner: Option<String>,
    /// What was wrong with the form of this row.
    pub error: Option<String>,
}

/// The page.
#[derive(Template)]
#[template(path = "notices/list.html")]
pub struct NoticesPage {
    /// The frame.
    pub shell: Shell,
    /// The notices on this page.
    pub rows: Vec<NoticeRow>,
    /// Which page.
    pub pager: Pager,
    /// How many aren't read; 100 stands for more.
    pub unread: u64,
    /// What to show when there is no notice.
    pub empty: Empty,
    /// What comes.
    pub coming: Vec<ComingRow>,
    /// Which page of it.
    pub coming_pager: Pager,
    /// What to show when nothing comes.
    pub nothing_coming: Empty,
}

impl NoticesPage {
    fn unread_words(&self) -> String {
        match self.unread {
            0 => "All read".to_owned(),
            1..100 => count(self.unread, "notice isn’t read yet", "notices aren’t read yet"),
            _ => "More than 99 notices aren’t read yet".to_owned(),
        }
    }
}

#[cfg(test)]
impl NoticesPage {
    /// Two notices, three to come.
    pub fn sample() -> Self {
        use crate::web::view::{Address, EmptyKind};
        use time::macros::{date, datetime};
        let now = datetime!(2026-11-22 14:13 UTC);
        let day = |day| When::day(day, now.date());
        let row = |id: &str, subject: &str, at, unread| NoticeRow {
            id: id.into(),
            kind: "A License ID ends",
            subject: subject.into(),
            sentence: "License ID 8671204 of Northwind ends on 31 December 2026.".into(),
            link: "/contracts/8671204".into(),
            at: When::moment(at, now),
            unread,
        };
        let coming = |title: &str| ComingRow {
            name: "contract:1:end:2027-06-30".into(),
            title: title.into(),
            link: "/contracts/8671204".into(),
            tellings: vec![day(date!(2027 - 01 - 01))],
            way: "by mail and here",
            next: "contract:1:end:2027-06-30:180".into(),
            can_snooze: true,
            snoozed: None,
            owners: vec![Choice::new("", "All Administrators", ""), Choice::new("2", "Mara Lindqvist", "")],
            other_owner: None,
            error: None,
        };
        let address = Address::new("/notices");
        Self {
            shell: Shell::sample("/notices").bell(1),
            rows: vec![
                row("1", "License ID 8671204 ends on 31 December 2026", datetime!(2026-11-22 13:00 UTC), true),
                row("2", "Request 12 was approved", datetime!(2026-11-20 09:00 UTC), false),
            ],
            pager: Pager::new(&address, "page", 1, 50, 2),
            unread: 1,
            empty: Empty::new(EmptyKind::NothingYet, "No notices yet", "They come."),
            coming: vec![
                coming("License ID 8671204 ends on 30 June 2027"),
                ComingRow { snoozed: Some(day(date!(2027 - 02 - 01))), ..coming("License ID 2") },
                ComingRow {
                    tellings: Vec::new(),
                    next: String::new(),
                    other_owner: Some("Mara Lindqvist".into()),
                    error: Some("This day has passed.".into()),
                    ..coming("License ID 3")
                },
            ],
            coming_pager: Pager::new(&address, "coming", 1, 50, 3),
            nothing_coming: Empty::new(EmptyKind::NothingYet, "Nothing comes", "In 90 days."),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_isnt_read_can_be_marked_and_what_comes_can_be_sent_now() {
        let html = NoticesPage::sample().render().expect("renders");
        assert!(html.contains("1 notice isn’t read yet") && html.contains("Mark all read"));
        assert_eq!(html.matches("name=\"id\"").count(), 2, "one unread notice, and all");
        assert_eq!(html.matches("Send me this one now").count(), 2);
        assert!(html.contains("Mara Lindqvist looks after it"));
        assert!(html.contains("This day has passed."));
    }

    #[test]
    fn the_bell_tells_the_number() {
        let html = NoticesPage::sample().render().expect("renders");
        assert!(html.contains("1 unread"), "{html}");
    }
}
