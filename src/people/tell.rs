//! Who has got or lost a role is told so, in the transaction that changed it: one notice a person and save.
//!
//! DOMAIN §1: the vendor sends a mail about each change of permissions. The words name License IDs that the person
//! holds or held a role on, and nothing else of them; they are theirs to know when the role is gone, too.

use std::fmt::Write as _;

use time::OffsetDateTime;
use uuid::Uuid;

use super::plan::day_words;
use crate::{
    notices::{self, Kind, Notice, To},
    postgres::Scoped,
    web::visitor::Person,
};

/// License IDs that a sentence names one by one.
const NAMED: usize = 8;

/// What was done to a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// It is theirs now.
    New(Option<OffsetDateTime>),
    /// It ends on another day.
    Until(Option<OffsetDateTime>),
    /// It isn't theirs any more.
    Gone,
}

/// A change of one role of one person.
#[derive(Clone, Debug)]
pub struct News {
    /// Whose.
    pub person: Uuid,
    /// The role's name.
    pub role: String,
    /// On which License ID.
    pub license_id: String,
    /// What was done.
    pub what: What,
}

/// Tells each person what became of their roles; not whoever did it.
///
/// # Errors
/// When the database refuses: the change must be the teller's own, of this transaction.
pub async fn tell(tx: &mut Scoped, by: &Person, change: Uuid, step: &str, news: &[News]) -> sqlx::Result<()> {
    let mut people: Vec<Uuid> = news.iter().map(|one| one.person).filter(|person| *person != by.id).collect();
    people.sort_unstable();
    people.dedup();
    for person in people {
        let own: Vec<&News> = news.iter().filter(|one| one.person == person).collect();
        let notice = Notice {
            kind: Kind::RoleChanged,
            about: format!("role-change:{change}:{step}:{person}"),
            subject: "Your roles have changed".to_owned(),
            sentence: format!("{} has changed your roles. {}", by.name, words(&own)),
            link: "/contracts".to_owned(),
            contract_id: None,
        };
        notices::put(tx, &notice, To::People(&[person])).await?;
    }
    Ok(())
}

/// `New: Product keys reader on 8671204, 8671311. Taken away: Administrator on 7740032.`
fn words(news: &[&News]) -> String {
    let mut groups: Vec<(String, Vec<&str>)> = Vec::new();
    for one in news {
        let until = |end: Option<OffsetDateTime>| {
            end.map_or_else(|| "without end".to_owned(), |end| format!("until {}", day_words(end)))
        };
        let lead = match one.what {
            What::New(None) => format!("New: {}", one.role),
            What::New(end) => format!("New, {}: {}", until(end), one.role),
            What::Until(end) => format!("Now {}: {}", until(end), one.role),
            What::Gone => format!("Taken away: {}", one.role),
        };
        match groups.iter_mut().find(|(known, _)| *known == lead) {
            Some((_, ids)) => ids.push(&one.license_id),
            None => groups.push((lead, vec![&one.license_id])),
        }
    }
    let mut words = String::new();
    for (lead, ids) in groups {
        let more = match ids.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let _ = write!(words, "{lead} on {}{more}. ", ids[..ids.len().min(NAMED)].join(", "));
    }
    words.push_str("It holds from your next click.");
    words
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn what_is_alike_is_told_in_one_sentence() {
        let news = |license_id: &str, what| News {
            person: Uuid::nil(),
            role: "Product keys reader".into(),
            license_id: license_id.into(),
            what,
        };
        let end = Some(datetime!(2027-01-01 00:00 UTC));
        let all =
            [news("1", What::New(None)), news("2", What::New(None)), news("3", What::New(end)), news("4", What::Gone)];
        assert_eq!(
            words(&all.iter().collect::<Vec<_>>()),
            "New: Product keys reader on 1, 2. New, until 31 Dec 2026: Product keys reader on 3. \
             Taken away: Product keys reader on 4. It holds from your next click."
        );
        let many: Vec<News> = (0..10).map(|n| news(&n.to_string(), What::Gone)).collect();
        assert!(words(&many.iter().collect::<Vec<_>>()).contains("6, 7 and 2 more"));
    }
}
