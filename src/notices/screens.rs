//! `/notices` and its posts: read, send now, snooze, and who looks after a date.

use axum::{
    extract::{RawQuery, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use time::{Date, Duration, macros::format_description};
use uuid::Uuid;

use super::{
    Kind, To,
    db::{self, Listed},
    list::{ComingRow, NoticeRow, NoticesPage},
    put,
    settings::chosen,
    watch::{self, Occasion, Watched},
};
use crate::{
    app::AppState,
    audit::Event,
    auth::proof::SignedIn,
    error::{Error, Result},
    postgres::Scoped,
    web::{
        form::Pairs,
        page::{Html, Tone},
        paging::{PAGE, page_of},
        view::{Address, Choice, Empty, EmptyKind, Pager, When, count},
    },
};

/// How far the page looks ahead (issue 3).
const AHEAD: Duration = Duration::days(90);

/// Notices a page: what comes stands below them.
const TOLD: i64 = 20;

/// What was wrong with a row's form.
#[derive(Default)]
struct Fault {
    name: String,
    sentence: &'static str,
}

/// The page.
///
/// # Errors
/// When the database fails.
pub async fn list(person: SignedIn, State(state): State<AppState>, RawQuery(query): RawQuery) -> Result<Response> {
    let query = Pairs::parse(query.unwrap_or_default().as_bytes());
    let mut tx = person.begin(&state).await?;
    let mut page = page(&state, &person, &mut tx, &query, Fault::default()).await?;
    let told = match query.one("notice") {
        "sent" => Some("It is in your list, and on its way by mail. It won’t be sent to you again."),
        "known" => Some("You were told this before: nothing was sent."),
        "snoozed" => Some("You won’t hear of it until then."),
        "woken" => Some("The snooze is over."),
        "owner" => Some("Saved who looks after it."),
        _ => None,
    };
    if let Some(told) = told {
        page.shell = page.shell.notice(Tone::Good, told);
    }
    Ok(Html(page).into_response())
}

async fn page(
    state: &AppState,
    person: &SignedIn,
    tx: &mut Scoped,
    query: &Pairs,
    fault: Fault,
) -> Result<NoticesPage> {
    let me = person.person();
    let address = Address::new("/notices");
    let (number, coming_number) = (page_of(query.one("page")), page_of(query.one("coming")));
    let listed = db::list(tx, me.id, TOLD, (number - 1) * TOLD).await?;
    let total = listed.first().map_or(0, |first| first.of);
    let now = tx.now();
    let coming = coming(tx, me.id).await?;
    let of = u64::try_from(coming.len()).unwrap_or_default();
    let shown = usize::try_from(PAGE).unwrap_or_default();
    let skipped = usize::try_from(coming_number - 1).unwrap_or_default().saturating_mul(shown);
    let coming: Vec<Coming> = coming.into_iter().skip(skipped).take(shown).collect();
    Ok(NoticesPage {
        shell: person.visitor().shell(state),
        unread: me.unread.unsigned_abs(),
        rows: listed.into_iter().map(|notice| row(notice, now)).collect(),
        pager: Pager::new(&address, "page", number.unsigned_abs(), TOLD.unsigned_abs(), total.unsigned_abs()),
        empty: Empty::new(
            EmptyKind::NothingYet,
            "No notices yet",
            "Requests, dates that come near and MAKs that run out are told here.",
        ),
        coming: rows(state, tx, me.id, coming, &fault).await?,
        coming_pager: Pager::new(&address, "coming", coming_number.unsigned_abs(), PAGE.unsigned_abs(), of),
        nothing_coming: Empty::new(
            EmptyKind::NothingYet,
            "Nothing in the next 90 days",
            "Ends of License IDs and of ESU coverage are told to their Administrators, the end of a role to whoever holds it.",
        ),
    })
}

fn row(notice: Listed, now: time::OffsetDateTime) -> NoticeRow {
    NoticeRow {
        id: notice.id.to_string(),
        kind: Kind::of(&notice.kind).map_or("Notice", Kind::label),
        subject: notice.subject,
        sentence: notice.sentence,
        link: notice.link,
        at: When::moment(notice.made_at, now),
        unread: notice.read_at.is_none(),
    }
}

/// Something to come, with the marks of its tellings that are still to be made.
struct Coming {
    watched: Watched,
    tellings: Vec<(Date, String)>,
}

/// What the person will be told in the next 90 days, the nearest first: what the planner will put, without what
/// was told already, and the dates that somebody else looks after.
async fn coming(tx: &mut Scoped, person: Uuid) -> Result<Vec<Coming>> {
    let (today, until) = (tx.today(), tx.today().saturating_add(AHEAD));
    let found = watch::watched(tx, Some(person), until).await?;
    let mut coming: Vec<Coming> = found
        .into_iter()
        .map(|watched| {
            let tellings = watched.tellings(today, until);
            Coming { tellings: tellings.into_iter().map(|telling| (telling.on, telling.mark)).collect(), watched }
        })
        .collect();
    let abouts: Vec<String> =
        coming.iter().flat_map(|coming| coming.tellings.iter().map(|(_, mark)| coming.watched.about(mark))).collect();
    let told = db::told(tx, person, &abouts).await?;
    let told: std::collections::HashSet<String> = told.into_iter().collect();
    coming.retain_mut(|coming| {
        coming.tellings.retain(|(_, mark)| !told.contains(&coming.watched.about(mark)));
        !coming.tellings.is_empty()
            || (coming.watched.other_owner.is_some() && coming.watched.would_be_told(today, until))
    });
    coming.sort_by_key(|coming| coming.tellings.first().map_or(until, |(on, _)| *on));
    Ok(coming)
}

async fn rows(
    state: &AppState,
    tx: &mut Scoped,
    me: Uuid,
    coming: Vec<Coming>,
    fault: &Fault,
) -> Result<Vec<ComingRow>> {
    let today = tx.today();
    let ways = db::choices(tx, me).await?;
    let contracts: Vec<Uuid> = coming.iter().filter_map(|coming| coming.watched.ownable()).collect();
    let administrators = db::administrators(tx, &contracts).await?;
    let rows = coming.into_iter().map(|Coming { watched, tellings }| {
        let name = watched.name();
        let owners = watched.ownable().map(|contract| owners(&watched, contract, me, &administrators));
        ComingRow {
            next: tellings.first().map(|(_, mark)| watched.about(mark)).unwrap_or_default(),
            tellings: tellings.iter().map(|(on, _)| When::day(*on, today)).collect(),
            way: chosen(&ways, watched.kind).words(state.web.mail),
            can_snooze: matches!(watched.when, Occasion::Before { .. }),
            snoozed: watched.snoozed.filter(|until| *until > today).map(|until| When::day(until, today)),
            owners: owners.unwrap_or_default(),
            error: (fault.name == name).then(|| fault.sentence.to_owned()),
            title: watched.title,
            link: watched.link,
            other_owner: watched.other_owner,
            name,
        }
    });
    Ok(rows.collect())
}

fn owners(watched: &Watched, contract: Uuid, me: Uuid, administrators: &[(Uuid, Uuid, String)]) -> Vec<Choice> {
    let here = administrators.iter().filter(|(on, ..)| *on == contract);
    let current = if watched.owned {
        me.to_string()
    } else {
        // Two Administrators may have one name; then the first is shown, and saving says which.
        let other = here.clone().find(|(_, _, name)| Some(name) == watched.other_owner.as_ref());
        other.map(|(_, id, _)| id.to_string()).unwrap_or_default()
    };
    let each = here.map(|(_, id, name)| Choice::new(id.to_string(), name.clone(), &current));
    std::iter::once(Choice::new("", "All Administrators", &current)).chain(each).collect()
}

/// Marks a notice, or all, as read.
///
/// # Errors
/// 404 for what is no id; another's notice stays as it is.
pub async fn read(person: SignedIn, State(state): State<AppState>, form: Pairs) -> Result<Response> {
    let me = person.person();
    let one = match form.one("id") {
        "all" => None,
        id => Some(id.parse::<Uuid>().map_err(|_| Error::NotFound)?),
    };
    let mut tx = person.begin(&state).await?;
    let marked = db::mark_read(&mut tx, me.id, one).await?;
    let subject = count(marked, "notice", "notices");
    person.record(&state, &mut tx, Event::done("notice.read", subject)).await?;
    tx.commit().await?;
    Ok(Redirect::to("/notices").into_response())
}

/// What is watched for the person under this name, whoever looks after it.
async fn named(tx: &mut Scoped, person: Uuid, is: impl Fn(&Watched) -> bool) -> Result<Watched> {
    let until = tx.today().saturating_add(AHEAD);
    watch::watched(tx, Some(person), until).await?.into_iter().find(is).ok_or(Error::NotFound)
}

fn event(action: &'static str, watched: &Watched) -> Event {
    let event = Event::done(action, watched.title.clone());
    match watched.contract_id {
        Some(contract) => event.on(contract),
        None => event,
    }
}

/// Sends the person now what would be sent later.
///
/// # Errors
/// 404 for what the person wouldn't be told.
pub async fn send(person: SignedIn, State(state): State<AppState>, form: Pairs) -> Result<Response> {
    let me = person.person().id;
    let about = form.one("about");
    let mut tx = person.begin(&state).await?;
    let (today, until) = (tx.today(), tx.today().saturating_add(AHEAD));
    let mark = |watched: &Watched| {
        watched.tellings(today, until).into_iter().find(|telling| watched.about(&telling.mark) == about)
    };
    let watched = named(&mut tx, me, |watched| mark(watched).is_some()).await?;
    let telling = mark(&watched).ok_or(Error::NotFound)?;
    let fresh = put::write(&mut tx, Uuid::now_v7(), &watched.notice(&telling.mark), To::People(&[me]), true).await?;
    person.record(&state, &mut tx, event("notice.send", &watched)).await?;
    tx.commit().await?;
    Ok(Redirect::to(if fresh > 0 { "/notices?notice=sent" } else { "/notices?notice=known" }).into_response())
}

/// Holds a date back until a day; an empty day ends that.
///
/// # Errors
/// 404 for what the person isn't told of; 422 with what is wrong with the day.
pub async fn snooze(person: SignedIn, State(state): State<AppState>, form: Pairs) -> Result<Response> {
    let me = person.person().id;
    let name = form.one("name");
    let mut tx = person.begin(&state).await?;
    let watched = named(&mut tx, me, |watched| watched.name() == name).await?;
    let Occasion::Before { day, .. } = watched.when else { return Err(Error::NotFound) };
    let until = match form.one("until") {
        "" => None,
        text => {
            let sentence = match Date::parse(text, format_description!("[year]-[month]-[day]")) {
                Err(_) => "This isn’t a date. Write it as 2027-03-31.",
                Ok(until) if until <= tx.today() => "This day has passed. Choose a later one.",
                Ok(until) if until > day => "This is after the date itself. Choose an earlier day.",
                Ok(until) => return held_back(&state, &person, tx, &watched, Some(until)).await,
            };
            let fault = Fault { name: name.to_owned(), sentence };
            let page = page(&state, &person, &mut tx, &Pairs::default(), fault).await?;
            return Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(page)).into_response());
        }
    };
    held_back(&state, &person, tx, &watched, until).await
}

async fn held_back(
    state: &AppState,
    person: &SignedIn,
    mut tx: Scoped,
    watched: &Watched,
    until: Option<Date>,
) -> Result<Response> {
    db::snooze(&mut tx, person.person().id, &watched.name(), until).await?;
    let detail = serde_json::json!({ "until": until.map(|day| day.to_string()).unwrap_or_default() });
    person.record(state, &mut tx, event("notice.snooze", watched).with(detail)).await?;
    tx.commit().await?;
    let notice = if until.is_some() { "snoozed" } else { "woken" };
    Ok(Redirect::to(&format!("/notices?notice={notice}")).into_response())
}

/// Names who looks after a date.
///
/// # Errors
/// 404 for a date that isn't the person's to give away, and for somebody who doesn't administer the License ID.
pub async fn owner(person: SignedIn, State(state): State<AppState>, form: Pairs) -> Result<Response> {
    let me = person.person().id;
    let name = form.one("name");
    let mut tx = person.begin(&state).await?;
    let watched = named(&mut tx, me, |watched| watched.name() == name).await?;
    let contract = watched.ownable().ok_or(Error::NotFound)?;
    let (owner, words) = match form.one("owner") {
        "" => (None, "all Administrators".to_owned()),
        id => {
            let administrators = db::administrators(&mut tx, &[contract]).await?;
            let (_, id, name) =
                administrators.into_iter().find(|(_, known, _)| known.to_string() == id).ok_or(Error::NotFound)?;
            (Some(id), name)
        }
    };
    db::set_owner(&mut tx, contract, &watched.subject, owner).await?;
    let detail = serde_json::json!({ "owner": words });
    person.record(&state, &mut tx, event("date.owner", &watched).with(detail)).await?;
    tx.commit().await?;
    Ok(Redirect::to("/notices?notice=owner").into_response())
}
