//! What giving a rule would come to, said before anything is written. Pure but for the read at the end.

use sha2::{Digest, Sha256};
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use super::{
    model::{Named, end_of},
    plan::{Keep, Outcome, Why, day_words, lasts},
    rules::{self, Over, Standing},
};
use crate::{auth::roles::Role, postgres::Scoped, vault::files::hex};

/// One role for one person.
#[derive(Clone, Debug)]
pub struct Item {
    /// To whom: an index.
    pub person: usize,
    /// Which.
    pub role: Role,
    /// What becomes of it; `Until` names the rule.
    pub outcome: Outcome,
}

/// What saving would do.
#[derive(Clone, Debug)]
pub struct RulePlan {
    /// Whom it is about.
    pub people: Vec<Named>,
    /// Over what.
    pub over: Over,
    /// The last day.
    pub until: Option<Date>,
    /// Each wish.
    pub items: Vec<Item>,
}

impl RulePlan {
    /// Decides every wish. `me` is who gives.
    pub fn new(
        me: Uuid,
        people: Vec<Named>,
        over: Over,
        roles: &[Role],
        until: Option<Date>,
        standing: &[Standing],
        keep: Keep,
    ) -> Self {
        let mut items = Vec::new();
        for (at, person) in people.iter().enumerate() {
            for role in roles {
                let held = standing.iter().filter(|one| one.person_id == person.id && one.role == role.code());
                let outcome = decide(me, person, &over, until.map(end_of), keep, &held.collect::<Vec<_>>());
                items.push(Item { person: at, role: *role, outcome });
            }
        }
        Self { people, over, until, items }
    }

    /// How many rules would be given or get another end.
    pub fn changes(&self) -> usize {
        self.items.iter().filter(|item| matches!(item.outcome, Outcome::New | Outcome::Until { .. })).count()
    }

    /// Names what was shown: another plan has another digest.
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(format!("{:?} {} {:?}\n", self.over.on, self.over.license_ids, self.until));
        for item in &self.items {
            hash.update(format!("{} {} {:?}\n", self.people[item.person].id, item.role.code(), item.outcome));
        }
        hex(&hash.finalize())
    }
}

fn decide(
    me: Uuid,
    person: &Named,
    over: &Over,
    wanted: Option<OffsetDateTime>,
    keep: Keep,
    held: &[&Standing],
) -> Outcome {
    let same = held.iter().find(|one| one.same);
    let enough = held.iter().find(|one| lasts(one.ends_at, wanted));
    let exactly = same.filter(|same| same.ends_at == wanted);
    let instead = if keep == Keep::Exactly && same.is_some() { exactly } else { enough };
    if let Some(held) = instead {
        return Outcome::Held(how(held));
    }
    if person.id == me {
        // Where it is handed over to whoever does it, his own rule as Administrator takes it in already.
        let own = || Outcome::Held("by a rule of your own".to_owned());
        return if keep == Keep::Longer { own() } else { Outcome::Refused(Why::OwnRule) };
    }
    if person.disabled {
        return Outcome::Refused(Why::Disabled);
    }
    if !over.whole {
        return Outcome::Refused(Why::NotWhole);
    }
    if !lasts(over.limit, wanted) {
        return Outcome::Refused(Why::BeyondOwn);
    }
    match same {
        None => Outcome::New,
        Some(same) if lasts(over.limit, same.ends_at) => Outcome::Until { grant: same.id, before: same.ends_at },
        Some(_) => Outcome::Refused(Why::BeyondOwn),
    }
}

/// `by a rule on the organisation North, until 31 Dec 2026`.
fn how(held: &Standing) -> String {
    let end = held.ends_at.map(|end| [", until ", &day_words(end)].concat()).unwrap_or_default();
    ["by a rule on ", &rules::over_words(&held.covers, &held.source), &end].concat()
}

/// What giving these roles by a rule would do.
///
/// # Errors
/// When the database fails.
pub async fn plan(
    tx: &mut Scoped,
    me: Uuid,
    people: Vec<Named>,
    over: Over,
    roles: &[Role],
    until: Option<Date>,
    keep: Keep,
) -> sqlx::Result<RulePlan> {
    let ids: Vec<Uuid> = people.iter().map(|person| person.id).collect();
    let standing = rules::standing(tx, &ids, over.on).await?;
    Ok(RulePlan::new(me, people, over, roles, until, &standing, keep))
}

#[cfg(test)]
mod tests {
    use time::macros::{date, datetime};

    use super::*;
    use crate::people::model::Target;

    const SOON: OffsetDateTime = datetime!(2027-01-01 00:00 UTC);
    const LATER: OffsetDateTime = datetime!(2028-01-01 00:00 UTC);

    fn over(limit: Option<OffsetDateTime>, whole: bool) -> Over {
        Over { on: Target::All, words: String::new(), license_ids: 3, limit, whole }
    }

    fn named(id: u128, disabled: bool) -> Named {
        Named { id: Uuid::from_u128(id), email: String::new(), name: String::new(), disabled, added_by: None }
    }

    fn standing(same: bool, ends_at: Option<OffsetDateTime>) -> Standing {
        Standing {
            id: Uuid::from_u128(7),
            person_id: Uuid::from_u128(1),
            role: Role::ProductKeysReader.code().to_owned(),
            ends_at,
            same,
            covers: "organization".into(),
            source: "North".into(),
        }
    }

    fn outcome(over: &Over, wanted: Option<OffsetDateTime>, held: &[Standing]) -> Outcome {
        decide(Uuid::nil(), &named(1, false), over, wanted, Keep::Exactly, &held.iter().collect::<Vec<_>>())
    }

    #[test]
    fn a_rule_reaches_no_further_than_the_givers_own() {
        let refused = |why| Outcome::Refused(why);
        assert_eq!(outcome(&over(None, true), None, &[]), Outcome::New);
        assert_eq!(outcome(&over(Some(SOON), true), Some(SOON), &[]), Outcome::New);
        assert_eq!(outcome(&over(Some(SOON), true), Some(LATER), &[]), refused(Why::BeyondOwn));
        assert_eq!(outcome(&over(Some(SOON), true), None, &[]), refused(Why::BeyondOwn), "without end is later");
        assert_eq!(outcome(&over(None, false), None, &[]), refused(Why::NotWhole), "taken away on one License ID");
        let me = named(0, false);
        assert_eq!(decide(me.id, &me, &over(None, true), None, Keep::Exactly, &[]), refused(Why::OwnRule));
        let closed = named(1, true);
        assert_eq!(decide(me.id, &closed, &over(None, true), None, Keep::Exactly, &[]), refused(Why::Disabled));
    }

    #[test]
    fn a_rule_that_stands_gets_another_end_where_it_is_the_givers_to_change() {
        let changed = Outcome::Until { grant: Uuid::from_u128(7), before: Some(LATER) };
        assert_eq!(outcome(&over(None, true), Some(SOON), &[standing(true, Some(LATER))]), changed);
        let beyond = outcome(&over(Some(SOON), true), Some(SOON), &[standing(true, Some(LATER))]);
        assert_eq!(beyond, Outcome::Refused(Why::BeyondOwn), "a deputy doesn’t shorten what outlasts him");
        for held in [standing(true, Some(SOON)), standing(false, Some(LATER))] {
            let held = outcome(&over(None, true), Some(SOON), &[held]);
            assert!(matches!(&held, Outcome::Held(words) if words.starts_with("by a rule on the organisation North")));
        }
    }

    #[test]
    fn another_plan_of_a_rule_has_another_digest() {
        let plan = |until, held: &[Standing]| {
            let roles = [Role::ProductKeysReader];
            RulePlan::new(Uuid::nil(), vec![named(1, false)], over(None, true), &roles, until, held, Keep::Exactly)
        };
        let shown = plan(None, &[]);
        assert_eq!((shown.changes(), shown.digest()), (1, plan(None, &[]).digest()));
        assert_ne!(shown.digest(), plan(Some(date!(2026 - 12 - 31)), &[]).digest());
        assert_ne!(shown.digest(), plan(None, &[standing(true, Some(SOON))]).digest());
    }
}
