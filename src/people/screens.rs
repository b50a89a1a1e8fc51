//! `GET /people`: from the address to the page.

use axum::{
    extract::{RawQuery, State},
    response::{IntoResponse, Response},
};
use time::Date;
use uuid::Uuid;

use super::{
    assign::GrantForm,
    db::{self, Few, Filter, Held, Listed},
    list::{COLUMNS, GrantRow, PeoplePage, PersonRow, PersonStatus, Wanting},
    model::{GrantHead, last_day, role_label, source_words},
    saved,
};
use crate::{
    app::AppState,
    auth::{
        proof::{OperatorOrAdministrator, SignedIn, Site},
        roles::Role,
    },
    error::Result,
    postgres::Scoped,
    web::{
        form::Pairs,
        page::{Html, Shell, Tone},
        paging::{PAGE, page_of},
        view::{Address, Choice, Columns, Empty, EmptyKind, Pager, Undo, When},
    },
};

/// The list.
///
/// # Errors
/// When the database fails.
pub async fn list(
    person: Site<OperatorOrAdministrator>,
    State(state): State<AppState>,
    RawQuery(query): RawQuery,
) -> Result<Response> {
    let query = Pairs::parse(query.unwrap_or_default().as_bytes());
    let mut tx = person.begin(&state).await?;
    let mut page = page(&state, &person, &mut tx, &query, GrantForm::default()).await?;
    page.shell = told(&mut tx, page.shell, &query).await?;
    Ok(Html(page).into_response())
}

/// The list's address; a form that keeps the list's filters sends the same parts.
pub fn address(query: &Pairs) -> Address {
    ["q", "license_id", "role", "page"]
        .into_iter()
        .fold(Address::new("/people"), |address, part| address.with(part, query.one(part).trim()))
        .with("columns", Columns::parse(&COLUMNS, &query.all("columns")).part())
}

/// What the list is narrowed to, and whether those without any role are in it: who holds nothing shows to a site
/// operator, where nothing that is held is asked for.
fn narrowed(address: &Address, operator: bool) -> (Filter, bool) {
    let part = |name| address.get(name).to_owned();
    let filter = Filter { q: part("q"), license_id: part("license_id"), role: part("role") };
    let everybody = operator && filter.license_id.is_empty() && filter.role.is_empty();
    (filter, everybody)
}

/// How many people the list at this query shows on all its pages.
///
/// # Errors
/// When the database fails.
pub async fn count(tx: &mut Scoped, operator: bool, query: &Pairs) -> sqlx::Result<i64> {
    let (filter, everybody) = narrowed(&address(query), operator);
    Ok(db::list(tx, &filter, everybody, 1, 0).await?.1)
}

/// The page, with a form that may say what is wrong.
pub(super) async fn page(
    state: &AppState,
    person: &SignedIn,
    tx: &mut Scoped,
    query: &Pairs,
    form: GrantForm,
) -> Result<PeoplePage> {
    let address = address(query);
    let operator = person.person().site_operator;
    let (filter, everybody) = narrowed(&address, operator);
    let number = page_of(query.one("page"));
    let (people, total) = db::list(tx, &filter, everybody, PAGE, (number - 1) * PAGE).await?;
    let ids: Vec<Uuid> = people.iter().map(|listed| listed.id).collect();
    let held = db::held(tx, &filter, &ids).await?;
    let single = db::with_administrators(tx, 1).await?;
    let none = if operator { db::with_administrators(tx, 0).await? } else { Few::default() };
    let today = tx.today();
    Ok(PeoplePage {
        shell: person.visitor().shell(state),
        rows: people.into_iter().map(|listed| row(listed, &held, operator, today)).collect(),
        pager: Pager::new(&address, "page", number.unsigned_abs(), PAGE.unsigned_abs(), total.unsigned_abs()),
        roles: roles(&filter.role),
        single_administrator: wanting(single),
        no_administrator: wanting(none),
        administers: person.person().administers,
        operator,
        grant_fields: form.fields(person.person()),
        empty: empty(&filter),
        q: filter.q,
        columns: Columns::parse(&COLUMNS, &query.all("columns")),
        address,
    })
}

fn roles(current: &str) -> Vec<Choice> {
    let each = Role::ALL.into_iter().map(|role| Choice::new(role.code(), role.label(), current));
    std::iter::once(Choice::new("", "All", current)).chain(each).collect()
}

fn wanting(few: Few) -> Wanting {
    Wanting { license_ids: few.license_ids, total: few.total.unsigned_abs() }
}

fn empty(filter: &Filter) -> Empty {
    let narrowed = !(filter.q.is_empty() && filter.license_id.is_empty() && filter.role.is_empty());
    if narrowed {
        return Empty::new(
            EmptyKind::NothingMatches,
            "Nobody matches",
            "Try fewer words or fewer filters. A License ID has to be written in full.",
        )
        .action("Clear filters", "/people");
    }
    Empty::new(EmptyKind::NothingYet, "Nobody holds a role yet", "Give somebody a role on a License ID to begin.")
}

/// A person with what they hold; site roles are the site operators' business.
fn row(listed: Listed, held: &[Held], operator: bool, today: Date) -> PersonRow {
    let site = [(listed.site_operator, "Site operator"), (listed.auditor, "Auditor")];
    let site = site.into_iter().filter(|(has, _)| operator && *has).map(|(_, role)| GrantRow {
        id: String::new(),
        role: role.to_owned(),
        license_id: String::new(),
        license_ids: 0,
        via: String::new(),
        until: None,
        revocable: false,
    });
    let own: Vec<&Held> = held.iter().filter(|held| held.person_id == listed.id).collect();
    let all = own.first().map_or(0, |first| first.of.unsigned_abs());
    let more = all.saturating_sub(u64::try_from(own.len()).unwrap_or(all));
    PersonRow {
        href: format!("/people/{}", listed.id),
        name: listed.name,
        email: listed.email,
        status: if listed.disabled_at.is_some() { PersonStatus::Disabled } else { PersonStatus::Active },
        grants: site.chain(own.into_iter().map(|held| grant(held, today))).collect(),
        more,
    }
}

fn grant(held: &Held, today: Date) -> GrantRow {
    GrantRow {
        id: held.id.to_string(),
        role: role_label(&held.role),
        license_id: held.license_id.clone(),
        license_ids: held.license_ids.unsigned_abs(),
        via: source_words(&held.covers, &held.source),
        until: held.ends_at.map(|at| When::day(last_day(at), today)),
        revocable: held.revocable,
    }
}

/// What just happened, with the way back where there is one.
async fn told(tx: &mut Scoped, shell: Shell, query: &Pairs) -> Result<Shell> {
    let offer = match query.one("undo").parse() {
        Ok(id) => saved::undoable(tx, id).await?,
        Err(_) => None,
    };
    let told = notice(tx, query).await?;
    Ok(match (offer, told) {
        (Some(offer), told) => {
            let text = told.map_or(offer.words, |(_, text)| text);
            shell.undo(Undo::new(text, format!("/people/changes/{}/undo", offer.id)))
        }
        (None, Some((tone, text))) => shell.notice(tone, text),
        (None, None) => shell,
    })
}

/// What just happened, told by the grant itself: the address names it, and says nothing on its own.
async fn notice(tx: &mut Scoped, query: &Pairs) -> Result<Option<(Tone, String)>> {
    if let Ok(id) = query.one("change").parse::<Uuid>() {
        let change = saved::own(tx, id).await?;
        return Ok(change.and_then(|change| match query.one("notice") {
            "saved" => Some((Tone::Good, change.words)),
            "undone" => Some((Tone::Info, format!("Taken back: {}", change.words))),
            _ => None,
        }));
    }
    let Ok(id) = query.one("grant").parse::<Uuid>() else { return Ok(None) };
    let Some(grant) = db::grant_head(tx, id).await? else { return Ok(None) };
    Ok(match (query.one("notice"), grant.in_force) {
        ("given", true) => Some((Tone::Good, format!("{} is now {}.", grant.name, role_words(&grant)))),
        ("same", true) => {
            Some((Tone::Info, format!("{} is {} already: nothing was changed.", grant.name, role_words(&grant))))
        }
        ("unchanged", false) => {
            Some((Tone::Info, format!("{} wasn’t {} any more: nothing was changed.", grant.name, role_words(&grant))))
        }
        ("revoked", false) => Some(revoked(tx, &grant).await?),
        _ => None,
    })
}

/// `Administrator on License ID 8671204`, and until when.
pub(super) fn role_words(grant: &GrantHead) -> String {
    let mut words = format!("{} on License ID {}", grant.role_label(), grant.license_id);
    if let Some(at) = grant.ends_at.filter(|_| grant.in_force) {
        let day = last_day(at);
        words.push_str(" until ");
        words.push_str(&When::day(day, day).exact);
    }
    words
}

async fn revoked(tx: &mut Scoped, grant: &GrantHead) -> Result<(Tone, String)> {
    let done = format!("{} is no longer {}.", grant.name, role_words(grant));
    if grant.role != Role::Administrator.code() {
        return Ok((Tone::Good, done));
    }
    if !db::has_administrator(tx, grant.contract_id).await? {
        return Ok((Tone::Warn, format!("{done} Nobody administers it now: a site operator has to name somebody.")));
    }
    Ok((Tone::Good, done))
}
