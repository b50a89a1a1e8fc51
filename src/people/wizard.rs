//! `GET /people/give` and `POST /people/give`: roles for many people on many License IDs, step by step. The steps
//! are pages whose address holds all that was chosen; only the last one writes.

use axum::{
    extract::{RawQuery, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};

use uuid::Uuid;

use super::{
    change::{self, From, Kind},
    check_page::{CheckPage, Line, lines, rule_lines},
    choose::{self, Choices, Found, Step},
    give_page::{GivePage, Tick},
    grants::GrantError,
    model::Named,
    offered,
    plan::{self, Keep, Place, Plan},
    rule_plan::{self, RulePlan},
    rules,
    tell::tell,
};
use crate::{
    app::AppState,
    auth::{
        proof::{Fresh, OperatorOrAdministrator, SignedIn, Site},
        roles::Role,
    },
    error::Result,
    postgres::Scoped,
    web::{
        form::Pairs,
        page::{Html, Tone},
        view::{Address, Choice, count},
    },
};

/// Said when what was looked at isn't what would be saved now.
pub(super) const CHANGED: &str =
    "Something has changed since this page was shown, so nothing was saved. Look at it as it stands now, then save.";

/// A step.
///
/// # Errors
/// 422 with the step that has to be looked at again.
pub async fn get(
    person: Site<OperatorOrAdministrator>,
    State(state): State<AppState>,
    RawQuery(query): RawQuery,
) -> Result<Response> {
    let choices = Choices::read(Pairs::parse(query.unwrap_or_default().as_bytes()));
    let mut tx = person.begin(&state).await?;
    let found = choices.find(&mut tx, person.person().site_operator).await?;
    if found.stops_at() < choices.step {
        return stopped(&state, &person, &mut tx, &choices, found).await;
    }
    if choices.step == Step::Check {
        let wanted = wanted(&mut tx, person.person().id, found).await?;
        return Ok(Html(check(&state, &person, &choices, &wanted)).into_response());
    }
    let page = step(&state, &person, &mut tx, &choices, choices.step, found, false).await?;
    Ok(Html(page).into_response())
}

/// Saves what the last step showed.
///
/// # Errors
/// 422 with the step that has to be looked at again, 409 with the last step as it stands now.
pub async fn post(
    person: Fresh<Site<OperatorOrAdministrator>>,
    State(state): State<AppState>,
    form: Pairs,
) -> Result<Response> {
    let shown = form.one("shown").to_owned();
    let choices = Choices::read(form);
    let me = person.person().id;
    let mut tx = person.begin(&state).await?;
    let found = choices.find(&mut tx, person.person().site_operator).await?;
    if found.stops_at() < Step::Check {
        return stopped(&state, &person, &mut tx, &choices, found).await;
    }
    let wanted = wanted(&mut tx, me, found).await?;
    if wanted.digest() != shown || wanted.changes() == 0 {
        return changed(&state, &person, &choices, &wanted);
    }
    match change::save(&mut tx, me, Kind::Give, &wanted.plan, &wanted.rules, &wanted.words()).await {
        Ok(saved) => {
            tell(&mut tx, person.person(), saved.id, "saved", &saved.news).await?;
            person.visitor().record_all(&state, &mut tx, saved.events).await?;
            tx.commit().await?;
            let undo = if wanted.plan.administered() { saved.id.to_string() } else { String::new() };
            let next = Address::new("/people").with("notice", "saved").with("change", saved.id.to_string());
            Ok(Redirect::to(&next.with("undo", undo).href()).into_response())
        }
        Err(GrantError::Database(fault)) => Err(fault.into()),
        // Somebody was faster, between our look and our write.
        Err(_) => {
            drop(tx);
            let mut tx = person.begin(&state).await?;
            let found = choices.find(&mut tx, person.person().site_operator).await?;
            if found.stops_at() < Step::Check {
                return stopped(&state, &person, &mut tx, &choices, found).await;
            }
            let wanted = self::wanted(&mut tx, me, found).await?;
            changed(&state, &person, &choices, &wanted)
        }
    }
}

/// What saving would do: roles on License IDs of today, or a rule.
struct Wanted {
    plan: Plan,
    rules: From,
}

async fn wanted(tx: &mut Scoped, me: Uuid, mut found: Found) -> Result<Wanted> {
    let Some(over) = found.rule.take() else {
        return Ok(Wanted { plan: choose::plan(tx, me, found).await?, rules: From::default() });
    };
    let rule = rule_plan::plan(tx, me, found.people, over, &found.roles, found.until, Keep::Exactly).await?;
    Ok(Wanted { plan: Plan::default(), rules: From { rules: vec![rule], ..From::default() } })
}

impl Wanted {
    fn changes(&self) -> usize {
        self.plan.changes() + self.rules.rules.iter().map(RulePlan::changes).sum::<usize>()
    }

    fn digest(&self) -> String {
        let each = self.rules.rules.iter().map(RulePlan::digest);
        std::iter::once(self.plan.digest()).chain(each).collect()
    }

    fn lines(&self) -> Vec<Line> {
        lines(&self.plan).into_iter().chain(self.rules.rules.iter().flat_map(rule_lines)).collect()
    }

    /// `12 roles were given: to 3 people, on 4 License IDs.`
    fn words(&self) -> String {
        let roles = count(self.changes() as u64, "role was given", "roles were given");
        let people = |people: &[Named]| count(people.len() as u64, "person", "people");
        match self.rules.rules.first() {
            Some(rule) => format!("{roles} by a rule: to {}, on {}.", people(&rule.people), rule.over.words),
            None => {
                let places = count(self.plan.places.len() as u64, "License ID", "License IDs");
                format!("{roles}: to {}, on {places}.", people(&self.plan.people))
            }
        }
    }
}

async fn stopped(
    state: &AppState,
    person: &SignedIn,
    tx: &mut Scoped,
    choices: &Choices,
    found: Found,
) -> Result<Response> {
    let at = found.stops_at();
    let page = step(state, person, tx, choices, at, found, true).await?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(page)).into_response())
}

fn changed(state: &AppState, person: &SignedIn, choices: &Choices, wanted: &Wanted) -> Result<Response> {
    let mut page = check(state, person, choices, wanted);
    page.shell = page.shell.notice(Tone::Warn, CHANGED);
    Ok((StatusCode::CONFLICT, Html(page)).into_response())
}

fn check(state: &AppState, person: &SignedIn, choices: &Choices, wanted: &Wanted) -> CheckPage {
    let mut hidden = choices.hidden(Step::Check);
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(&hidden)
        .append_pair("step", Step::Roles.code())
        .finish();
    hidden.push(("shown", wanted.digest()));
    let changes = wanted.changes() as u64;
    CheckPage {
        shell: person.visitor().shell(state),
        title: "Check and save".to_owned(),
        lead: "What each person gets, holds already, or can’t be given.".to_owned(),
        wizard: true,
        back: ["/people/give?", &query].concat(),
        action: "/people/give",
        hidden,
        lines: wanted.lines(),
        taken: Vec::new(),
        stays: Vec::new(),
        submit: if changes == 0 { String::new() } else { ["Save ", &count(changes, "role", "roles")].concat() },
    }
}

/// The page of a step in which one chooses; with what is wrong with it, where somebody wanted to go on.
async fn step(
    state: &AppState,
    person: &SignedIn,
    tx: &mut Scoped,
    choices: &Choices,
    at: Step,
    found: Found,
    wrong: bool,
) -> Result<GivePage> {
    let me = person.person();
    let mut page = GivePage {
        shell: person.visitor().shell(state),
        step: at,
        hidden: choices.hidden(at),
        chosen: chosen(&found, at),
        error: None,
        until_error: None,
        typed: String::new(),
        q: String::new(),
        ticks: Vec::new(),
        organizations: Vec::new(),
        agreements: Vec::new(),
        every: Vec::new(),
        rules: Vec::new(),
        until: choices.one("until").to_owned(),
    };
    match at {
        Step::People => {
            page.error = found.people_error.filter(|_| wrong);
            page.typed = choices.one("emails").to_owned();
            page.q = choices.one("people_q").to_owned();
            page.ticks = people_ticks(tx, choices).await?;
        }
        Step::LicenseIds => {
            page.error = found.places_error.clone().filter(|_| wrong);
            page.typed = choices.one("numbers").to_owned();
            page.q = choices.one("license_q").to_owned();
            page.ticks = place_ticks(tx, choices, &found).await?;
            many(tx, choices, me.site_operator, &mut page).await?;
        }
        Step::Roles | Step::Check => {
            page.error = found.roles_error.filter(|_| wrong);
            page.until_error = found.until_error.filter(|_| wrong);
            page.ticks = role_ticks(choices, me.administers);
        }
    }
    Ok(page)
}

fn chosen(found: &Found, at: Step) -> Vec<String> {
    let mut words = Vec::new();
    if at > Step::People {
        words.push(count(found.people.len() as u64, "person", "people"));
    }
    if at > Step::LicenseIds {
        let places = || count(found.places.len() as u64, "License ID", "License IDs");
        words.push(found.rule.as_ref().map_or_else(places, |rule| ["a rule over ", &rule.words].concat()));
    }
    words
}

async fn people_ticks(tx: &mut Scoped, choices: &Choices) -> Result<Vec<Tick>> {
    let ticked = choices.ticked();
    let before = offered::known(tx, &ticked).await?.into_iter().map(|person| (person, true));
    let others = offered::people_like(tx, choices.one("people_q"), &ticked).await?;
    let tick = |(person, ticked): (super::model::Named, bool)| Tick {
        value: person.id.to_string(),
        label: person.name,
        aside: person.email,
        notes: Vec::new(),
        ticked,
        mono: false,
    };
    Ok(before.chain(others.into_iter().map(|person| (person, false))).map(tick).collect())
}

/// The ticked ones and those that the search finds, with what the chosen people hold on each.
async fn place_ticks(tx: &mut Scoped, choices: &Choices, found: &Found) -> Result<Vec<Tick>> {
    let named = choices.all("license_id");
    let ticked = found.places.iter().filter(|place| named.contains(&place.license_id)).cloned();
    let mut places: Vec<(Place, bool)> = ticked.map(|place| (place, true)).collect();
    let others = offered::places_like(tx, choices.one("license_q"), &named).await?;
    places.extend(others.into_iter().map(|place| (place, false)));
    let people: Vec<_> = found.people.iter().map(|person| person.id).collect();
    let contracts: Vec<_> = places.iter().map(|(place, _)| place.contract_id).collect();
    let held = plan::held(tx, &people, Some(&contracts)).await?;
    let tick = |(place, ticked): (Place, bool)| {
        let here = held.iter().filter(|one| one.contract_id == place.contract_id);
        let notes = here.filter_map(|one| {
            let person = found.people.iter().find(|person| person.id == one.person_id)?;
            Some(format!("{}: {}", person.name, one.words()))
        });
        Tick {
            notes: notes.collect(),
            value: place.license_id.clone(),
            label: place.license_id,
            aside: if place.administered { place.organization } else { "no Administrator".to_owned() },
            ticked,
            mono: true,
        }
    };
    Ok(places.into_iter().map(tick).collect())
}

/// The ways to name many License IDs in one go.
async fn many(tx: &mut Scoped, choices: &Choices, operator: bool, page: &mut GivePage) -> Result<()> {
    let ids = |n: i64| count(n.unsigned_abs(), "License ID", "License IDs");
    let reach = rules::reach(tx).await?;
    let rule = choices.one("rule");
    if !reach.is_empty() {
        page.rules.push(Choice::new("", "No rule", rule));
    }
    if reach.all {
        page.rules.push(Choice::new("all", "Everything", rule));
    }
    let current = choices.one("organization");
    page.organizations.push(Choice::new("", "None", current));
    for (id, name, n) in offered::organizations(tx).await? {
        if reach.all || reach.organizations.contains(&id) {
            let label = format!("{name}, with all below it: {} now", ids(n));
            page.rules.push(Choice::new(format!("organization:{id}"), label, rule));
        }
        page.organizations.push(Choice::new(id.to_string(), format!("{name}: {}", ids(n)), current));
    }
    let current = choices.one("agreement");
    page.agreements.push(Choice::new("", "None", current));
    for (number, mbsa, n) in offered::agreements(tx).await? {
        let called = if mbsa { ["MBSA ", &number].concat() } else { number.clone() };
        if reach.all || reach.agreements.contains(&number) {
            let kind = if mbsa { "" } else { "Agreement " };
            let label = format!("{kind}{called}: {} now", ids(n));
            page.rules.push(Choice::new(format!("agreement:{number}"), label, rule));
        }
        page.agreements.push(Choice::new(number.clone(), format!("{called}: {}", ids(n)), current));
    }
    let current = choices.one("every");
    let (administered, without) = offered::every(tx, operator).await?;
    page.every.push(Choice::new("", "No", current));
    if administered > 0 {
        page.every.push(Choice::new("administered", format!("All that I administer: {}", ids(administered)), current));
    }
    if without > 0 {
        page.every.push(Choice::new("without", format!("All without an Administrator: {}", ids(without)), current));
    }
    Ok(())
}

fn role_ticks(choices: &Choices, administers: bool) -> Vec<Tick> {
    let sent = choices.all("role");
    let may = Role::ALL.into_iter().filter(|role| administers || *role == Role::Administrator);
    may.map(|role| Tick {
        value: role.code().to_owned(),
        label: role.label().to_owned(),
        aside: role.opens().to_owned(),
        notes: Vec::new(),
        ticked: sent.iter().any(|code| code == role.code()),
        mono: false,
    })
    .collect()
}
