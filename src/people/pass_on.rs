//! `/people/copy` and `/people/hand-over`: what one person holds, given to another; and taken from the first.
//!
//! All of it on the License IDs that the reader administers: what the first holds elsewhere is others' business,
//! and not even told. What a rule gives is given to the second directly; it stays with the first until the rule ends.

use std::collections::HashMap;

use axum::{
    extract::{RawQuery, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{
    accounts,
    change::{self, From, Kind, Taken},
    check_page::{CheckPage, Line, Stay, lines},
    db,
    grants::GrantError,
    model::{Named, role_label, source_words},
    pass_on_page::PassOnPage,
    plan::{self, Holding, Keep, Plan, Wish},
    tell::tell,
    wizard::CHANGED,
};
use crate::{
    app::AppState,
    auth::proof::{Fresh, OperatorOrAdministrator, SignedIn, Site},
    error::{Error, Result},
    postgres::Scoped,
    vault::files::hex,
    web::{
        form::Pairs,
        page::{Html, Tone},
        view::{Address, Field, count},
    },
};

/// Roles that are passed on at once; more come from a rule, which is given as a rule.
const MOST: usize = 5_000;

/// Shows what a copy would do.
///
/// # Errors
/// 422 with what is wrong with the form.
pub async fn copy(
    person: Site<OperatorOrAdministrator>,
    State(state): State<AppState>,
    RawQuery(query): RawQuery,
) -> Result<Response> {
    show(&state, &person, Way::Copy, &Pairs::parse(query.unwrap_or_default().as_bytes())).await
}

/// Shows what a hand-over would do.
///
/// # Errors
/// 422 with what is wrong with the form.
pub async fn hand_over(
    person: Site<OperatorOrAdministrator>,
    State(state): State<AppState>,
    RawQuery(query): RawQuery,
) -> Result<Response> {
    show(&state, &person, Way::HandOver, &Pairs::parse(query.unwrap_or_default().as_bytes())).await
}

/// Copies, as it was shown.
///
/// # Errors
/// 422 with what is wrong with the form, 409 with the page as it stands now.
pub async fn copy_post(
    person: Fresh<Site<OperatorOrAdministrator>>,
    State(state): State<AppState>,
    form: Pairs,
) -> Result<Response> {
    save(&state, &person, Way::Copy, &form).await
}

/// Hands over, as it was shown: all of it in one transaction.
///
/// # Errors
/// 422 with what is wrong with the form, 409 with the page as it stands now.
pub async fn hand_over_post(
    person: Fresh<Site<OperatorOrAdministrator>>,
    State(state): State<AppState>,
    form: Pairs,
) -> Result<Response> {
    save(&state, &person, Way::HandOver, &form).await
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Copy,
    HandOver,
}

impl Way {
    const fn title(self) -> &'static str {
        match self {
            Self::Copy => "Copy roles",
            Self::HandOver => "Hand over",
        }
    }

    const fn lead(self) -> &'static str {
        match self {
            Self::Copy => {
                "What one person holds on your License IDs, given to another. Nothing that is held gets shorter."
            }
            Self::HandOver => {
                "Everything that somebody holds on your License IDs goes to another person, in one go: given first, then taken away."
            }
        }
    }

    const fn action(self) -> &'static str {
        match self {
            Self::Copy => "/people/copy",
            Self::HandOver => "/people/hand-over",
        }
    }

    const fn kind(self) -> Kind {
        match self {
            Self::Copy => Kind::Copy,
            Self::HandOver => Kind::HandOver,
        }
    }
}

/// The form as it was sent.
#[derive(Default)]
struct Sent {
    from: String,
    to: String,
    from_error: Option<String>,
    to_error: Option<String>,
}

/// What would be done.
struct Passing {
    from: Named,
    plan: Plan,
    /// What the first person holds there.
    held: Vec<Holding>,
    taken: Vec<Taken>,
}

impl Passing {
    fn to(&self) -> Option<&Named> {
        self.plan.people.first()
    }

    fn is_empty(&self) -> bool {
        self.plan.changes() == 0 && self.taken.is_empty()
    }

    /// Names what was shown.
    fn digest(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(self.plan.digest());
        for one in &self.taken {
            hash.update(one.id);
        }
        hex(&hash.finalize())
    }
}

async fn show(state: &AppState, person: &SignedIn, way: Way, query: &Pairs) -> Result<Response> {
    let mut tx = person.begin(state).await?;
    let mut sent = read(query);
    if sent.to.is_empty() || sent.from.is_empty() {
        return Ok(Html(form(state, person, way, sent)).into_response());
    }
    match find(&mut tx, person.person().id, way, &mut sent).await? {
        Some(passing) => Ok(Html(check(state, person, way, &sent, &passing)).into_response()),
        None => Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(form(state, person, way, sent))).into_response()),
    }
}

async fn save(state: &AppState, person: &SignedIn, way: Way, pairs: &Pairs) -> Result<Response> {
    let me = person.person().id;
    let mut tx = person.begin(state).await?;
    let mut sent = read(pairs);
    let Some(passing) = find(&mut tx, me, way, &mut sent).await? else {
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(form(state, person, way, sent))).into_response());
    };
    if passing.is_empty() || passing.digest() != pairs.one("shown") {
        return changed(state, person, way, &sent, &passing, CHANGED);
    }
    let from = From { email: passing.from.email.clone(), taken: passing.taken.clone() };
    match change::save(&mut tx, me, way.kind(), &passing.plan, &from, &words(way, &passing)).await {
        Ok(saved) => {
            tell(&mut tx, person.person(), saved.id, "saved", &saved.news).await?;
            for event in saved.events {
                person.record(state, &mut tx, event).await?;
            }
            let stays = person.person().site_operator || db::manages_any(&mut tx).await?;
            tx.commit().await?;
            // Who handed over what he had himself can't take it back: it isn't his any more.
            let undo = if passing.from.id == me { String::new() } else { saved.id.to_string() };
            let next = Address::new("/people").with("notice", "saved").with("change", saved.id.to_string());
            let next = if stays { next.with("undo", undo).href() } else { "/".to_owned() };
            Ok(Redirect::to(&next).into_response())
        }
        Err(GrantError::Database(fault)) => Err(fault.into()),
        Err(fault) => {
            drop(tx);
            let mut tx = person.begin(state).await?;
            let why = if matches!(fault, GrantError::LastAdministrator) {
                "This would leave a License ID without Administrator, so nothing was saved. Look at it as it stands now."
            } else {
                CHANGED
            };
            let passing = find(&mut tx, me, way, &mut sent).await?.ok_or_else(|| Error::Conflict(why.to_owned()))?;
            changed(state, person, way, &sent, &passing, why)
        }
    }
}

fn changed(
    state: &AppState,
    person: &SignedIn,
    way: Way,
    sent: &Sent,
    passing: &Passing,
    why: &str,
) -> Result<Response> {
    let mut page = check(state, person, way, sent, passing);
    page.shell = page.shell.notice(Tone::Warn, why);
    Ok((StatusCode::CONFLICT, Html(page)).into_response())
}

fn read(pairs: &Pairs) -> Sent {
    let text = |name| pairs.one(name).trim().to_owned();
    Sent { from: text("from"), to: text("to"), ..Sent::default() }
}

/// Both people and what would be done; `None` with what is wrong at its field.
async fn find(tx: &mut Scoped, me: Uuid, way: Way, sent: &mut Sent) -> Result<Option<Passing>> {
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
    if held.is_empty() {
        sent.from_error = Some(format!("{} holds no role on the License IDs that you administer.", from.name));
        return Ok(None);
    }
    if held.len() > MOST {
        sent.from_error = Some(format!(
            "{} holds more roles than are passed on at once. They come from a rule: give the rule to the other person, on the command line.",
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
    Ok(Some(Passing { from, plan, held, taken }))
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
        *error = Some("This isn’t an e-mail address. Write it as name@example.org.".to_owned());
        return Ok(None);
    };
    let found = db::grantee(tx, &email).await?;
    if found.is_none() {
        *error = Some("Nobody has an account with this address.".to_owned());
    }
    Ok(found)
}

fn words(way: Way, passing: &Passing) -> String {
    let to = passing.to().map_or("", |to| to.name.as_str());
    let roles = passing.plan.changes() as u64;
    match way {
        Way::Copy => {
            format!("{} copied from {} to {to}.", count(roles, "role was", "roles were"), passing.from.name)
        }
        Way::HandOver => format!(
            "{} has handed over to {to}: {}, {}.",
            passing.from.name,
            count(roles, "role given", "roles given"),
            count(passing.taken.len() as u64, "role taken away", "roles taken away")
        ),
    }
}

fn form(state: &AppState, person: &SignedIn, way: Way, sent: Sent) -> PassOnPage {
    let to_help = match way {
        Way::Copy => "Gets the same roles, and keeps what they have.",
        Way::HandOver => "Gets all of it. Somebody who stays.",
    };
    PassOnPage {
        shell: person.visitor().shell(state),
        title: way.title(),
        lead: way.lead(),
        action: way.action(),
        fields: vec![
            Field::new("email", "from", "From")
                .value(sent.from)
                .help("The email address of whoever holds the roles now.")
                .error(sent.from_error),
            Field::new("email", "to", "To").value(sent.to).help(to_help).error(sent.to_error),
        ],
    }
}

fn check(state: &AppState, person: &SignedIn, way: Way, sent: &Sent, passing: &Passing) -> CheckPage {
    let to = passing.to().map_or("", |to| to.name.as_str());
    let changes = passing.plan.changes() as u64;
    let submit = match way {
        _ if passing.is_empty() => String::new(),
        Way::Copy => ["Copy ", &count(changes, "role", "roles")].concat(),
        Way::HandOver => ["Hand over to ", to].concat(),
    };
    CheckPage {
        shell: person.visitor().shell(state),
        title: format!("{}: {} to {to}", way.title(), passing.from.name),
        lead: way.lead().to_owned(),
        wizard: false,
        back: Address::new(way.action()).with("from", sent.from.clone()).href(),
        action: way.action(),
        hidden: vec![("from", sent.from.clone()), ("to", sent.to.clone()), ("shown", passing.digest())],
        lines: lines(&passing.plan),
        taken: taken(passing),
        stays: if way == Way::HandOver { stays(passing) } else { Vec::new() },
        submit,
    }
}

/// What is taken away, a line a role.
fn taken(passing: &Passing) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for one in &passing.taken {
        let role = role_label(&one.role);
        let at = lines.iter().position(|line| line.role == role).unwrap_or_else(|| {
            lines.push(Line {
                person: passing.from.name.clone(),
                email: passing.from.email.clone(),
                role,
                tone: Tone::Warn,
                word: "Taken away",
                detail: "at once, with what is given".to_owned(),
                license_ids: Vec::new(),
            });
            lines.len() - 1
        });
        lines[at].license_ids.push(one.license_id.clone());
    }
    lines
}

/// What a rule gives stays, a line a rule.
fn stays(passing: &Passing) -> Vec<Stay> {
    let mut stays: Vec<Stay> = Vec::new();
    for one in passing.held.iter().filter(|one| one.inherited) {
        let (role, through) = (role_label(&one.role), source_words(&one.covers, &one.source));
        match stays.iter_mut().find(|stay| stay.role == role && stay.through == through) {
            Some(stay) => stay.license_ids += 1,
            None => {
                let target = match one.covers.as_str() {
                    "organization" => format!("--organization '{}'", one.source.replace('\'', "'\\''")),
                    "agreement" => format!("--agreement {}", one.source),
                    _ => "--all".to_owned(),
                };
                let command = format!("keyward revoke {} {} {target}", passing.from.email, one.role);
                stays.push(Stay { role, through, license_ids: 1, command });
            }
        }
    }
    stays
}
