//! `/people/copy` and `/people/hand-over`: what one person holds, given to another; and taken from the first.
//!
//! All of it on the License IDs that the reader administers: what the first holds elsewhere is others' business,
//! and not even told. A rule that whoever does it may pass on is handed over as a rule. What another rule gives is given
//! to the second directly; it stays with the first until the rule ends.

use axum::{
    extract::{RawQuery, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};

use super::{
    change::{self, From},
    check_page::{CheckPage, Line, Stay, lines, rule_lines},
    db,
    grants::GrantError,
    model::{role_label, source_words},
    pass_on_page::PassOnPage,
    passing::{Passing, Sent, Way, find, read},
    tell::tell,
    wizard::CHANGED,
};
use crate::{
    app::AppState,
    auth::proof::{Fresh, OperatorOrAdministrator, SignedIn, Site},
    error::{Error, Result},
    web::{
        form::Pairs,
        page::{Html, Tone},
        view::{Address, Field, count},
    },
};

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
    let from = From {
        email: passing.from.email.clone(),
        taken: passing.taken.clone(),
        rules: passing.rules.clone(),
        ended: passing.ended.clone(),
    };
    match change::save(&mut tx, me, way.kind(), &passing.plan, &from, &words(way, &passing)).await {
        Ok(saved) => {
            tell(&mut tx, person.person(), saved.id, "saved", &saved.news).await?;
            person.visitor().record_all(state, &mut tx, saved.events).await?;
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

fn words(way: Way, passing: &Passing) -> String {
    let to = passing.to().map_or("", |to| to.name.as_str());
    let roles = passing.changes() as u64;
    match way {
        Way::Copy => {
            format!("{} copied from {} to {to}.", count(roles, "role was", "roles were"), passing.from.name)
        }
        Way::HandOver => format!(
            "{} has handed over to {to}: {}, {}.",
            passing.from.name,
            count(roles, "role given", "roles given"),
            count((passing.taken.len() + passing.ended.len()) as u64, "role taken away", "roles taken away")
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
    let changes = passing.changes() as u64;
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
        lines: lines(&passing.plan).into_iter().chain(passing.rules.iter().flat_map(rule_lines)).collect(),
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
                rule: String::new(),
            });
            lines.len() - 1
        });
        lines[at].license_ids.push(one.license_id.clone());
    }
    lines.extend(passing.ended.iter().map(|rule| Line {
        person: passing.from.name.clone(),
        email: passing.from.email.clone(),
        role: role_label(&rule.role),
        tone: Tone::Warn,
        word: "Taken away",
        detail: "the rule ends at once, with what is given".to_owned(),
        license_ids: Vec::new(),
        rule: ["A rule over ", &rule.place()].concat(),
    }));
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
                    "agreement" | "mbsa" => format!("--agreement {}", one.source),
                    _ => "--all".to_owned(),
                };
                let command = format!("keyward revoke {} {} {target}", passing.from.email, one.role);
                stays.push(Stay { role, through, license_ids: 1, command });
            }
        }
    }
    stays
}
