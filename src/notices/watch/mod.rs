//! What is watched: dates that come, MAKs that run out, keys that become usable, License IDs with one Administrator.
//! Read for everybody by the planner and for one person by the page, with the same statements.

/// Who administers what now, and can sign in; and who was named to look after a date, and administers it still. The
/// first part of most statements here. The few who were named are made once: joined in place, a plan made for a
/// small estate would look for each of them in all grants again and again.
macro_rules! with_administrators {
    ($rest:literal) => {
        concat!(
            "WITH admins AS (
                SELECT DISTINCT g.contract_id, g.person_id FROM grants g JOIN people p ON p.id = g.person_id
                WHERE g.role = 'administrator' AND g.revoked_at IS NULL AND (g.ends_at IS NULL OR g.ends_at > app_now())
                  AND p.disabled_at IS NULL AND g.contract_id NOT IN (SELECT id FROM contracts WHERE archived_at IS NOT NULL)
            ), owners AS MATERIALIZED (
                SELECT o.contract_id, o.subject, o.owner_id, p.name
                FROM date_owners o JOIN admins a ON a.contract_id = o.contract_id AND a.person_id = o.owner_id JOIN people p ON p.id = o.owner_id
            ) ",
            $rest
        )
    };
}

mod ends;
mod keys;
mod roles;

use time::Date;
use uuid::Uuid;

use super::{
    Kind, Notice,
    schedule::{Telling, tellings},
};
use crate::postgres::Scoped;

/// Something that one person is, or could be, told of.
#[derive(Clone, Debug)]
pub struct Watched {
    /// What it is.
    pub kind: Kind,
    /// Who is told.
    pub person: Uuid,
    /// Names it for good, e.g. `contract:ID:end`; who looks after it is kept under this name.
    pub subject: String,
    /// The License ID it is about; none where it is about several.
    pub contract_id: Option<Uuid>,
    /// The day it happens, or what is known instead.
    pub when: Occasion,
    /// One line.
    pub title: String,
    /// A sentence.
    pub sentence: String,
    /// Where it leads.
    pub link: String,
    /// Somebody else who looks after it: then this person isn't told.
    pub other_owner: Option<String>,
    /// Whether this person was named to look after it.
    pub owned: bool,
    /// The day until which the person doesn't want to hear of it.
    pub snoozed: Option<Date>,
}

/// When something is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// Some days before a date, step by step.
    Before {
        /// The date.
        day: Date,
        /// Days before it.
        steps: &'static [i64],
    },
    /// Once, on a day; `mark` names the occasion, so that the next one is told again.
    Once {
        /// The day; today when it is so already.
        on: Date,
        /// E.g. the total that runs out.
        mark: String,
    },
}

impl Watched {
    /// The name of this date, as snoozes know it: a date that moves is another.
    #[must_use]
    pub fn name(&self) -> String {
        match &self.when {
            Occasion::Before { day, .. } => format!("{}:{day}", self.subject),
            Occasion::Once { mark, .. } => format!("{}:{mark}", self.subject),
        }
    }

    /// The name of one telling, for good.
    #[must_use]
    pub fn about(&self, mark: &str) -> String {
        format!("{}:{mark}", self.name())
    }

    /// The License ID, where somebody may be named to look after this date.
    #[must_use]
    pub fn ownable(&self) -> Option<Uuid> {
        self.contract_id.filter(|_| matches!(self.kind, Kind::ContractEnd | Kind::EsuEnd))
    }

    /// The tellings from `today` to `until`; none while somebody else looks after it.
    #[must_use]
    pub fn tellings(&self, today: Date, until: Date) -> Vec<Telling> {
        if self.other_owner.is_some() { Vec::new() } else { self.all_tellings(today, until) }
    }

    /// Whether the person would be told if nobody else looked after it.
    #[must_use]
    pub fn would_be_told(&self, today: Date, until: Date) -> bool {
        !self.all_tellings(today, until).is_empty()
    }

    fn all_tellings(&self, today: Date, until: Date) -> Vec<Telling> {
        match &self.when {
            Occasion::Before { day, steps } => tellings(*day, steps, self.snoozed, today, until),
            Occasion::Once { on, .. } if *on <= until => vec![Telling { on: *on, mark: "once".to_owned() }],
            Occasion::Once { .. } => Vec::new(),
        }
    }

    /// One telling as a notice.
    #[must_use]
    pub fn notice(&self, mark: &str) -> Notice {
        Notice {
            kind: self.kind,
            about: self.about(mark),
            subject: self.title.clone(),
            sentence: self.sentence.clone(),
            link: self.link.clone(),
            contract_id: self.contract_id,
        }
    }
}

/// Everything that is told until `until`, for one person or for all. Within a person's scope it finds what
/// that person administers, and what becomes usable of the keys that it reads; within the program's own, everything.
///
/// # Errors
/// When the database fails.
pub async fn watched(tx: &mut Scoped, person: Option<Uuid>, until: Date) -> sqlx::Result<Vec<Watched>> {
    let mut found = ends::contract_ends(tx, person, until).await?;
    found.extend(ends::esu_ends(tx, person, until).await?);
    found.extend(keys::maks(tx, person, until).await?);
    found.extend(keys::usable(tx, person, until).await?);
    found.extend(roles::alone(tx, person).await?);
    found.extend(roles::grant_ends(tx, person, until).await?);
    Ok(found)
}
