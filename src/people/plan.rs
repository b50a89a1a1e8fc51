//! What giving roles would come to, said before anything is written. The rules are pure; the two reads
//! that they need stand at the end.

use std::{
    collections::{HashMap, HashSet},
    fmt::Write as _,
};

use sha2::{Digest, Sha256};
use sqlx::AssertSqlSafe;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    db::IN_FORCE,
    model::{Named, last_day, role_label, source_words},
};
use crate::{auth::roles::Role, postgres::Scoped, vault::files::hex, web::view::When};

/// A License ID whose roles the person who gives looks after.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Place {
    /// The row.
    pub contract_id: Uuid,
    /// The License ID.
    pub license_id: String,
    /// Its organisation; empty for a site operator, who sees the number alone.
    pub organization: String,
    /// Whether that person administers it; else a site operator looks at it.
    pub administered: bool,
    /// Whether somebody administers it.
    pub has_administrator: bool,
}

/// A grant in force, and where it comes from.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Holding {
    /// The row.
    pub id: Uuid,
    /// Whose.
    pub person_id: Uuid,
    /// On which License ID.
    pub contract_id: Uuid,
    /// The role's code.
    pub role: String,
    /// When it ends by itself.
    pub ends_at: Option<OffsetDateTime>,
    /// Whether a rule gives it.
    pub inherited: bool,
    /// Which.
    pub rule_id: Option<Uuid>,
    /// What the rule covers; empty for a grant on the License ID itself.
    pub covers: String,
    /// The name of the organisation, or the number of the agreement.
    pub source: String,
}

impl Holding {
    /// `Product keys reader, through the organisation Northwind, until 31 Dec 2026`.
    pub fn words(&self) -> String {
        [&role_label(&self.role), ", ", &self.how()].concat()
    }

    /// Where it comes from and until when: `given here`, `through the organisation Northwind, until 31 Dec 2026`.
    pub fn how(&self) -> String {
        let mut words = "given here".to_owned();
        if self.inherited {
            words = ["through ", &source_words(&self.covers, &self.source)].concat();
        }
        if let Some(end) = self.ends_at {
            let _ = write!(words, ", until {}", day_words(end));
        }
        words
    }
}

/// The last day of what ends then, in words.
pub fn day_words(end: OffsetDateTime) -> String {
    let day = last_day(end);
    When::day(day, day).exact
}

/// What becomes of an end that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// It becomes what is given: somebody chose it.
    Exactly,
    /// It stays where it is later: nothing that somebody holds gets shorter by a copy.
    Longer,
}

/// A role to be given: indices into the people and places of a [`Plan`].
#[derive(Clone, Copy, Debug)]
pub struct Wish {
    /// To whom.
    pub person: usize,
    /// Where.
    pub place: usize,
    /// Which.
    pub role: Role,
    /// When it shall end by itself.
    pub ends_at: Option<OffsetDateTime>,
}

/// Why a role can't be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The account is closed.
    Disabled,
    /// A site operator isn't asked where somebody administers.
    OthersAdminister,
    /// A site operator names Administrators and nothing else.
    OnlyAdministrator,
    /// A site operator never names himself.
    Oneself,
    /// Nor an account that he added: he was shown its password.
    OwnAccount,
    /// A site operator names one, who names the others.
    OneIsNamed,
    /// A rule isn't passed on to oneself.
    OwnRule,
    /// Nor for longer than one's own holds.
    BeyondOwn,
    /// Nor where one doesn't administer all that it covers.
    NotWhole,
}

impl Why {
    /// As a sentence.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Disabled => "The account is disabled: it can’t take a role.",
            Self::OthersAdminister => "It has an Administrator, who gives the roles there. Ask them.",
            Self::OnlyAdministrator => "As a site operator you name the Administrator, who then gives the other roles.",
            Self::Oneself => "You can’t name yourself. Name somebody else, or ask another site operator.",
            Self::OwnAccount => "You made this account: another site operator names it, or the command line.",
            Self::OneIsNamed => "You name one Administrator, who then names the others.",
            Self::OwnRule => "You hold a rule of your own over it: nobody passes one on to himself.",
            Self::BeyondOwn => {
                "It would hold, or holds, for longer than your own rule. Choose a last day no later than yours."
            }
            Self::NotWhole => {
                "Your own role was taken away on some License IDs of it, so a rule over all of them isn’t yours to pass on."
            }
        }
    }
}

/// What becomes of a wish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is given.
    New,
    /// It is held; its end becomes another one.
    Until {
        /// The grant.
        grant: Uuid,
        /// Its end before.
        before: Option<OffsetDateTime>,
    },
    /// It is held as it was wished, or for longer; in words, how.
    Held(String),
    /// It isn't given.
    Refused(Why),
}

/// A wish with what becomes of it.
#[derive(Clone, Debug)]
pub struct Item {
    /// What was wished.
    pub wish: Wish,
    /// What becomes of it.
    pub outcome: Outcome,
}

/// What saving would do.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// Whom it is about.
    pub people: Vec<Named>,
    /// Where.
    pub places: Vec<Place>,
    /// Each wish.
    pub items: Vec<Item>,
}

impl Plan {
    /// Decides every wish. `me` is who gives.
    pub fn new(
        me: Uuid,
        people: Vec<Named>,
        places: Vec<Place>,
        wishes: &[Wish],
        held: &[Holding],
        keep: Keep,
    ) -> Self {
        let mut by_person_and_place: HashMap<(Uuid, Uuid), Vec<&Holding>> = HashMap::new();
        for one in held {
            by_person_and_place.entry((one.person_id, one.contract_id)).or_default().push(one);
        }
        let mut named = HashSet::new();
        let items = wishes
            .iter()
            .map(|wish| {
                let (person, place) = (&people[wish.person], &places[wish.place]);
                let here = by_person_and_place.get(&(person.id, place.contract_id)).into_iter().flatten();
                let held: Vec<&Holding> = here.copied().filter(|one| one.role == wish.role.code()).collect();
                let mut outcome = decide(wish.ends_at, keep, &held);
                if matches!(outcome, Outcome::New | Outcome::Until { .. })
                    && let Some(why) = refusal(me, person, place, wish.role, &mut named)
                {
                    outcome = Outcome::Refused(why);
                }
                Item { wish: *wish, outcome }
            })
            .collect();
        Self { people, places, items }
    }

    /// How many roles would be given or get another end.
    pub fn changes(&self) -> usize {
        self.items.iter().filter(|item| matches!(item.outcome, Outcome::New | Outcome::Until { .. })).count()
    }

    /// Whether all that changes is on License IDs that the person who gives administers: then it can be taken back.
    pub fn administered(&self) -> bool {
        let changed = self.items.iter().filter(|item| matches!(item.outcome, Outcome::New | Outcome::Until { .. }));
        changed.into_iter().all(|item| self.places[item.wish.place].administered)
    }

    /// Names what was shown: another plan has another digest. Ids and moments, nothing of a name.
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        for Item { wish, outcome } in &self.items {
            let (person, place) = (self.people[wish.person].id, self.places[wish.place].contract_id);
            hash.update(format!("{person} {place} {} {:?} {outcome:?}\n", wish.role.code(), wish.ends_at));
        }
        hex(&hash.finalize())
    }
}

/// Whether an end is no earlier than the one wanted.
pub(super) fn lasts(end: Option<OffsetDateTime>, wanted: Option<OffsetDateTime>) -> bool {
    end.is_none_or(|end| wanted.is_some_and(|wanted| end >= wanted))
}

/// What becomes of a wish for somebody who holds this role so on this License ID.
fn decide(wanted: Option<OffsetDateTime>, keep: Keep, held: &[&Holding]) -> Outcome {
    let direct = held.iter().find(|one| !one.inherited);
    let enough = held.iter().find(|one| lasts(one.ends_at, wanted));
    match (keep, direct, enough) {
        (Keep::Exactly, Some(direct), _) if direct.ends_at == wanted => Outcome::Held(direct.how()),
        (Keep::Longer, _, Some(enough)) | (Keep::Exactly, None, Some(enough)) => Outcome::Held(enough.how()),
        (_, Some(direct), _) => Outcome::Until { grant: direct.id, before: direct.ends_at },
        (_, None, _) => Outcome::New,
    }
}

/// What row-level security would refuse, in words: the two policies for giving, one after the other.
fn refusal(me: Uuid, person: &Named, place: &Place, role: Role, named: &mut HashSet<Uuid>) -> Option<Why> {
    if person.disabled {
        return Some(Why::Disabled);
    }
    if place.administered {
        return None;
    }
    if place.has_administrator {
        return Some(Why::OthersAdminister);
    }
    if role != Role::Administrator {
        return Some(Why::OnlyAdministrator);
    }
    if person.id == me {
        return Some(Why::Oneself);
    }
    if person.added_by == Some(me) {
        return Some(Why::OwnAccount);
    }
    (!named.insert(place.contract_id)).then_some(Why::OneIsNamed)
}

/// What these people hold on these License IDs, as far as the reader looks after them; all of theirs where
/// `contracts` is `None`.
///
/// # Errors
/// When the database fails.
pub async fn held(tx: &mut Scoped, people: &[Uuid], contracts: Option<&[Uuid]>) -> sqlx::Result<Vec<Holding>> {
    sqlx::query_as(AssertSqlSafe(format!(
        "SELECT g.id, g.person_id, g.contract_id, g.role, g.ends_at, g.rule_id IS NOT NULL AS inherited, g.rule_id,
                coalesce(s.covers, CASE WHEN g.rule_id IS NULL THEN '' ELSE 'all' END) AS covers, coalesce(s.name, '') AS source
         FROM grants g JOIN app_managed() m ON m.contract_id = g.contract_id
         LEFT JOIN app_rule_sources() s ON s.rule_id = g.rule_id
         WHERE {IN_FORCE} AND g.person_id = ANY($1) AND ($2::uuid[] IS NULL OR g.contract_id = ANY($2))
         ORDER BY m.license_id, g.role, inherited, g.id"
    )))
    .bind(people)
    .bind(contracts)
    .fetch_all(&mut **tx)
    .await
}

/// Columns of a [`Place`], where `m` is the License ID as managed.
pub const PLACE: &str = "m.contract_id, m.license_id, coalesce(o.name, '') AS organization,
    m.contract_id IN (SELECT app_administered()) AS administered,
    CASE WHEN m.contract_id IN (SELECT app_administered()) THEN true ELSE app_has_administrator(m.contract_id) END AS has_administrator";

/// These License IDs, as far as the reader looks after their roles.
///
/// # Errors
/// When the database fails.
pub async fn places(tx: &mut Scoped, contracts: &[Uuid]) -> sqlx::Result<Vec<Place>> {
    sqlx::query_as(AssertSqlSafe(format!(
        "SELECT {PLACE} FROM app_managed() m LEFT JOIN contracts c ON c.id = m.contract_id
         LEFT JOIN organizations o ON o.id = c.organization_id WHERE m.contract_id = ANY($1) ORDER BY m.license_id"
    )))
    .bind(contracts)
    .fetch_all(&mut **tx)
    .await
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const SOON: OffsetDateTime = datetime!(2027-01-01 00:00 UTC);
    const LATER: OffsetDateTime = datetime!(2028-01-01 00:00 UTC);

    fn holding(inherited: bool, ends_at: Option<OffsetDateTime>) -> Holding {
        Holding {
            id: Uuid::from_u128(7),
            person_id: Uuid::from_u128(1),
            contract_id: Uuid::from_u128(2),
            role: Role::ProductKeysReader.code().to_owned(),
            ends_at,
            inherited,
            rule_id: inherited.then(|| Uuid::from_u128(3)),
            covers: if inherited { "organization".to_owned() } else { String::new() },
            source: if inherited { "North".to_owned() } else { String::new() },
        }
    }

    fn decided(wanted: Option<OffsetDateTime>, keep: Keep, held: &[Holding]) -> Outcome {
        decide(wanted, keep, &held.iter().collect::<Vec<_>>())
    }

    #[test]
    fn what_a_rule_gives_for_long_enough_is_not_given_twice() {
        let rule = [holding(true, Some(LATER))];
        assert!(matches!(decided(Some(SOON), Keep::Exactly, &rule), Outcome::Held(words) if words.contains("North")));
        assert_eq!(decided(None, Keep::Exactly, &rule), Outcome::New, "the rule ends, what is given doesn't");
    }

    #[test]
    fn a_chosen_day_replaces_the_one_before_and_a_copy_never_shortens() {
        let direct = [holding(false, Some(LATER))];
        let changed = Outcome::Until { grant: Uuid::from_u128(7), before: Some(LATER) };
        assert_eq!(decided(Some(SOON), Keep::Exactly, &direct), changed);
        assert!(matches!(decided(Some(SOON), Keep::Longer, &direct), Outcome::Held(_)));
        assert_eq!(decided(None, Keep::Longer, &direct), changed, "longer is given");
        assert!(matches!(decided(Some(LATER), Keep::Exactly, &direct), Outcome::Held(_)));
        assert_eq!(decided(None, Keep::Exactly, &[]), Outcome::New);
    }

    fn named(id: u128, disabled: bool) -> Named {
        Named { id: Uuid::from_u128(id), email: String::new(), name: String::new(), disabled, added_by: None }
    }

    fn place(administered: bool, has_administrator: bool) -> Place {
        let (contract_id, license_id) = (Uuid::from_u128(2), "1".to_owned());
        Place { contract_id, license_id, organization: String::new(), administered, has_administrator }
    }

    #[test]
    fn a_site_operator_names_one_administrator_where_there_is_none_and_never_himself() {
        let me = Uuid::from_u128(9);
        let mut named_here = HashSet::new();
        let mut why = |person: &Named, place: &Place, role| refusal(me, person, place, role, &mut named_here);
        let (none, some) = (place(false, false), place(false, true));
        assert_eq!(why(&named(1, false), &some, Role::Administrator), Some(Why::OthersAdminister));
        assert_eq!(why(&named(1, false), &none, Role::ProductKeysReader), Some(Why::OnlyAdministrator));
        assert_eq!(why(&named(9, false), &none, Role::Administrator), Some(Why::Oneself));
        assert_eq!(why(&named(1, true), &none, Role::Administrator), Some(Why::Disabled));
        let own = Named { added_by: Some(me), ..named(3, false) };
        assert_eq!(why(&own, &none, Role::Administrator), Some(Why::OwnAccount));
        assert_eq!(why(&own, &place(true, true), Role::Administrator), None, "an Administrator names whom he wants");
        assert_eq!(why(&named(1, false), &none, Role::Administrator), None);
        assert_eq!(why(&named(2, false), &none, Role::Administrator), Some(Why::OneIsNamed));
        assert_eq!(why(&named(2, false), &place(true, true), Role::ProductKeysReader), None);
    }

    #[test]
    fn another_plan_has_another_digest() {
        let wish = Wish { person: 0, place: 0, role: Role::ProductKeysReader, ends_at: None };
        let plan = |held: &[Holding]| {
            Plan::new(Uuid::nil(), vec![named(1, false)], vec![place(true, true)], &[wish], held, Keep::Exactly)
        };
        assert_eq!(plan(&[]).digest(), plan(&[]).digest());
        assert_ne!(plan(&[]).digest(), plan(&[holding(false, Some(SOON))]).digest());
        assert_eq!((plan(&[]).changes(), plan(&[holding(true, None)]).changes()), (1, 0));
    }
}
