//! What a copy or a hand-over would do: read from its form, found within the reach of whoever passes on.

use std::collections::HashMap;

use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{
    accounts,
    change::{Kind, Taken},
    db,
    model::{Named, last_day},
    plan::{self, Holding, Keep, Outcome, Plan, Wish},
    rule_plan::{self, RulePlan},
    rules::{self, Rule},
};
use crate::{error::Result, postgres::Scoped, vault::files::hex, web::form::Pairs};

/// Roles that are passed on at once; more come from a rule, which is given as a rule.
const MOST: usize = 5_000;

/// By which of the two ways it is passed on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// The first keeps it.
    Copy,
    /// The first loses what was given directly.
    HandOver,
}

impl Way {
    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Copy => "Copy roles",
            Self::HandOver => "Hand over",
        }
    }

    pub(super) const fn lead(self) -> &'static str {
        match self {
            Self::Copy => {
                "What one person holds on your License IDs, given to another. Nothing that is held gets shorter."
            }
            Self::HandOver => {
                "Everything that somebody holds on your License IDs goes to another person, in one go: given first, then taken away."
            }
        }
    }

    pub(super) const fn action(self) -> &'static str {
        match self {
            Self::Copy => "/people/copy",
            Self::HandOver => "/people/hand-over",
        }
    }

    pub(super) const fn kind(self) -> Kind {
        match self {
            Self::Copy => Kind::Copy,
            Self::HandOver => Kind::HandOver,
        }
    }
}

/// The form as it was sent.
#[derive(Default)]
pub(super) struct Sent {
    pub(super) from: String,
    pub(super) to: String,
    pub(super) from_error: Option<String>,
    pub(super) to_error: Option<String>,
}

/// What would be done.
pub(super) struct Passing {
    /// Who holds it now.
    pub(super) from: Named,
    /// What the other is given.
    pub(super) plan: Plan,
    /// What the first person holds there.
    pub(super) held: Vec<Holding>,
    /// What the first loses.
    pub(super) taken: Vec<Taken>,
    /// Rules that the other is given, each in place of one in `ended`.
    pub(super) rules: Vec<RulePlan>,
    /// Rules that the first loses.
    pub(super) ended: Vec<Rule>,
}

impl Passing {
    pub(super) fn to(&self) -> Option<&Named> {
        self.plan.people.first()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.changes() == 0 && self.taken.is_empty() && self.ended.is_empty()
    }

    /// How much is given: roles, and rules.
    pub(super) fn changes(&self) -> usize {
        self.plan.changes() + self.rules.iter().map(RulePlan::changes).sum::<usize>()
    }

    /// Names what was shown.
    pub(super) fn digest(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(self.plan.digest());
        for one in &self.taken {
            hash.update(one.id);
        }
        for (rule, ended) in self.rules.iter().zip(&self.ended) {
            hash.update(rule.digest());
            hash.update(ended.id);
        }
        hex(&hash.finalize())
    }
}

pub(super) fn read(pairs: &Pairs) -> Sent {
    let text = |name| pairs.one(name).trim().to_owned();
    Sent { from: text("from"), to: text("to"), ..Sent::default() }
}

/// Both people and what would be done; `None` with what is wrong at its field.
pub(super) async fn find(tx: &mut Scoped, me: Uuid, way: Way, sent: &mut Sent) -> Result<Option<Passing>> {
    let from = named(tx, &sent.from, &mut sent.from_error).await?;
    let to = named(tx, &sent.to, &mut sent.to_error).await?;
    let (Some(from), Some(to)) = (from, to) else { return Ok(None) };
    if from.id == to.id {
        sent.to_error = Some("This is the same person. Name another one.".to_owned());
        return Ok(None);
    }
    if to.disabled {
        sent.to_error = Some("This account is disabled: it can’t take a role.".to_owned());
        return Ok(None);
    }
    let mut held = plan::held(tx, &[from.id], None).await?;
    let contracts: Vec<Uuid> = held.iter().map(|one| one.contract_id).collect();
    let mut places = plan::places(tx, &contracts).await?;
    // A site operator sees the others too, and changes nothing there.
    places.retain(|place| place.administered);
    let at: HashMap<Uuid, usize> = places.iter().enumerate().map(|(at, place)| (place.contract_id, at)).collect();
    held.retain(|one| at.contains_key(&one.contract_id));
    let (rules, ended) = if way == Way::HandOver { passed(tx, me, &from, &to).await? } else { Default::default() };
    held.retain(|one| !ended.iter().any(|rule| one.rule_id == Some(rule.id)));
    if held.is_empty() && ended.is_empty() {
        sent.from_error = Some(format!("{} holds no role on the License IDs that you administer.", from.name));
        return Ok(None);
    }
    if held.len() > MOST {
        sent.from_error = Some(format!(
            "{} holds more roles than are passed on at once. They come from a rule: give the other person the rule.",
            from.name
        ));
        return Ok(None);
    }
    let contracts: Vec<Uuid> = places.iter().map(|place| place.contract_id).collect();
    let theirs = plan::held(tx, &[to.id], Some(&contracts)).await?;
    let plan = Plan::new(me, vec![to], places, &wishes(&held, &at), &theirs, Keep::Longer);
    let direct = held.iter().filter(|one| way == Way::HandOver && !one.inherited);
    let taken = direct.map(|one| Taken {
        id: one.id,
        person: from.id,
        contract_id: one.contract_id,
        license_id: at.get(&one.contract_id).map(|at| plan.places[*at].license_id.clone()).unwrap_or_default(),
        role: one.role.clone(),
    });
    let taken = taken.collect();
    Ok(Some(Passing { from, plan, held, taken, rules, ended }))
}

/// The rules of the leaver that whoever hands over may pass on, and what becomes of each for the other. What he may
/// not stays: the other is given its License IDs of today.
async fn passed(tx: &mut Scoped, me: Uuid, from: &Named, to: &Named) -> Result<(Vec<RulePlan>, Vec<Rule>)> {
    let (mut plans, mut ended) = (Vec::new(), Vec::new());
    for rule in rules::of_person(tx, from.id).await?.into_iter().filter(|rule| rule.endable) {
        let (Some(over), Ok(role)) = (rules::over(tx, &rule.over()).await?, rule.role.parse()) else { continue };
        let until = rule.ends_at.map(last_day);
        let plan = rule_plan::plan(tx, me, vec![to.clone()], over, &[role], until, Keep::Longer).await?;
        if plan.items.iter().all(|item| !matches!(item.outcome, Outcome::Refused(_))) {
            plans.push(plan);
            ended.push(rule);
        }
    }
    Ok((plans, ended))
}

/// Each role on each License ID once, for as long as any way to it lasts.
fn wishes(held: &[Holding], at: &HashMap<Uuid, usize>) -> Vec<Wish> {
    let mut wishes: Vec<Wish> = Vec::new();
    let mut known: HashMap<(usize, &str), usize> = HashMap::new();
    for one in held {
        let (Some(place), Ok(role)) = (at.get(&one.contract_id).copied(), one.role.parse()) else { continue };
        match known.get(&(place, one.role.as_str())) {
            Some(index) => {
                let end = &mut wishes[*index].ends_at;
                *end = end.zip(one.ends_at).map(|(a, b)| a.max(b));
            }
            None => {
                known.insert((place, &one.role), wishes.len());
                wishes.push(Wish { person: 0, place, role, ends_at: one.ends_at });
            }
        }
    }
    wishes
}

async fn named(tx: &mut Scoped, text: &str, error: &mut Option<String>) -> Result<Option<Named>> {
    let Some(email) = accounts::address(text) else {
        *error = Some("This isn’t an email address. Write it as name@example.org.".to_owned());
        return Ok(None);
    };
    let found = db::grantee(tx, &email).await?;
    if found.is_none() {
        *error = Some("Nobody has an account with this address.".to_owned());
    }
    Ok(found)
}
