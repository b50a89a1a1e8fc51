//! `GET /activation`: from the address to the page.

use std::collections::HashMap;

use axum::{
    extract::{RawQuery, State},
    response::{IntoResponse, Response},
};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{
    db, dns,
    input::Input,
    list::{ActivationPage, ApplicationCard, DoneRow, ForeignRow, HostRow, Records, SiteKey, address},
    machines,
    model::{Application, Host, Show},
    plot::{self, SPANS, Sample, Threshold},
    register::NewForm,
    words,
};
use crate::{
    activation::{lease::Signer, wire::Outcome},
    app::AppState,
    auth::proof::{OperatorOrAdministrator, SignedIn, Site},
    error::Result,
    postgres::Scoped,
    web::{
        form::Pairs,
        page::Html,
        paging::page_of,
        view::{Address, Empty, EmptyKind, Meter, Pager, Plot, When, number},
    },
};

/// Applications a page: each has a drawing.
const PAGE: i64 = 12;
/// A responder that wasn't seen for so long has stopped or can't reach the database: it tells once a minute.
const SILENT: Duration = Duration::minutes(5);

/// The page.
///
/// # Errors
/// When the database fails.
pub async fn list(
    person: Site<OperatorOrAdministrator>,
    State(state): State<AppState>,
    RawQuery(query): RawQuery,
) -> Result<Response> {
    let query = Pairs::parse(query.unwrap_or_default().as_bytes());
    Ok(Html(page(&state, &person, &query, NewForm::default()).await?).into_response())
}

/// The list's address, with what narrows it; that of one application's machines where the query names one.
pub fn narrowed(query: &Pairs) -> Address {
    if let Ok(application) = query.one(machines::APPLICATION).parse() {
        return machines::saved(application, query);
    }
    address().with("show", Show::parse(query.one("show")).code())
}

/// How many applications, or machines of one, the list at this query shows on all its pages; `None` for whoever
/// administers no License ID, or not that application.
///
/// # Errors
/// When the database fails.
pub async fn count(tx: &mut Scoped, administers: bool, query: &Pairs) -> sqlx::Result<Option<i64>> {
    if !administers {
        return Ok(None);
    }
    if let Ok(application) = query.one(machines::APPLICATION).parse() {
        return machines::count(tx, application, query).await;
    }
    Ok(Some(db::applications(tx, Show::parse(query.one("show")), 1, 0).await?.1))
}

/// The page, with a form that may say what is wrong.
pub(super) async fn page(state: &AppState, person: &SignedIn, query: &Pairs, form: NewForm) -> Result<ActivationPage> {
    let mut tx = person.begin(state).await?;
    let at = page_of(query.one("page"));
    let show = Show::parse(query.one("show"));
    let address = narrowed(query);
    let (applications, total) = db::applications(&mut tx, show, PAGE, (at - 1) * PAGE).await?;
    let administers = person.person().administers;
    let now = tx.now();
    let hosts = db::hosts(&mut tx).await?;
    let (issuer, keys) = signing(state, &mut tx).await?;
    Ok(ActivationPage {
        shell: person.visitor().shell(state),
        administers,
        fields: form.fields(),
        applications: cards(&mut tx, applications).await?,
        pager: Pager::new(&address, "page", at.unsigned_abs(), PAGE.unsigned_abs(), total.unsigned_abs()),
        address,
        show,
        empty: empty(administers, show),
        records: records(query, &hosts),
        hosts: hosts.into_iter().map(|host| host_row(host, now)).collect(),
        done: db::last_hour(&mut tx).await?.into_iter().map(done).collect(),
        foreign: db::foreign(&mut tx)
            .await?
            .into_iter()
            .map(|one| ForeignRow {
                address: one.address,
                last: When::moment(one.last_at, now),
                contacts: number(one.contacts),
            })
            .collect(),
        issuer,
        keys,
    })
}

fn empty(administers: bool, show: Show) -> Empty {
    if show != Show::All {
        return Empty::new(
            EmptyKind::NothingMatches,
            "No application matches",
            "None of your applications is in that state.",
        )
        .action("Show all", "/activation");
    }
    if administers {
        return Empty::new(
            EmptyKind::NothingYet,
            "No application yet",
            "Register your own software here: then issue keys for it, and its installations ask this site to activate them. Vendors’ software is never activated here.",
        );
    }
    Empty::new(
        EmptyKind::NotAllowed,
        "No application that you look after",
        "Applications are looked after by Administrators of the License ID that they belong to. Ask one of them for that role.",
    )
}

async fn cards(tx: &mut Scoped, applications: Vec<Application>) -> Result<Vec<ApplicationCard>> {
    let now = tx.now();
    let ids: Vec<Uuid> = applications.iter().map(|application| application.id).collect();
    let mut needs: HashMap<Uuid, Vec<Threshold>> = HashMap::new();
    for (id, needed, editions) in db::thresholds(tx, &ids).await? {
        needs.entry(id).or_default().push(Threshold { needed: i64::from(needed), editions });
    }
    let since = now - Duration::days(SPANS[0].days);
    let mut samples: HashMap<Uuid, Vec<Sample>> = HashMap::new();
    for (id, sample) in db::samples(tx, &ids, since, SPANS[0].bucket).await? {
        samples.entry(id).or_default().push(sample);
    }
    let mut cards = Vec::with_capacity(applications.len());
    for application in applications {
        let keys = db::keys(tx, application.id).await?;
        let needs = needs.remove(&application.id).unwrap_or_default();
        let samples = samples.remove(&application.id).unwrap_or_default();
        cards.push(card(application, &needs, samples, &keys, now));
    }
    Ok(cards)
}

fn card(
    application: Application,
    needs: &[Threshold],
    samples: Vec<Sample>,
    keys: &[super::model::OwnKey],
    now: OffsetDateTime,
) -> ApplicationCard {
    let usable: Vec<_> = keys.iter().filter(|key| key.is_mak() && key.blocked_at.is_none()).collect();
    let sum = |value: fn(&super::model::OwnKey) -> i64| usable.iter().map(|key| value(key).unsigned_abs()).sum();
    let maks = Meter { used: sum(|key| key.used), total: sum(|key| key.total) };
    ApplicationCard {
        href: application.href(),
        count: number(application.count),
        capped: (application.capped != application.count).then(|| number(application.capped)),
        standings: needs
            .iter()
            .map(|need| {
                let (tone, words) = words::standing(application.count, need.needed);
                (tone, format!("{}: {}", need.editions, lower(&words)))
            })
            .collect(),
        maks: (!usable.is_empty()).then_some(maks),
        mak_count: usable.len() as u64,
        plot: drawing(&application, samples, needs, now - Duration::days(SPANS[0].days), now),
        enrolled: application.enrolled,
        closed: application.closed_at.map(|at| When::moment(at, now)),
        name: application.name,
        license_id: application.license_id,
    }
}

fn lower(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

/// The drawing of an application: what was sampled, and the present count.
pub(super) fn drawing(
    application: &Application,
    mut samples: Vec<Sample>,
    needs: &[Threshold],
    from: OffsetDateTime,
    now: OffsetDateTime,
) -> Option<Plot> {
    if samples.is_empty() && application.count == 0 {
        return None;
    }
    samples.push(Sample { at: now, count: application.count, capped: application.capped });
    plot::draw(&application.name, &samples, needs, from, now)
}

fn host_row(host: Host, now: OffsetDateTime) -> HostRow {
    HostRow {
        loopback: dns::is_loopback(&host.listens),
        started: When::moment(host.started_at, now),
        seen: When::moment(host.seen_at, now),
        silent: now - host.seen_at > SILENT,
        host: host.host,
        listens: host.listens,
        version: host.version,
    }
}

fn done(done: super::model::Done) -> DoneRow {
    let href = Outcome::from_code(&done.result)
        .filter(|outcome| *outcome != Outcome::Done)
        .map(|outcome| ["/error-codes/", outcome.code()].concat());
    DoneRow {
        words: words::result(&done.result).to_owned(),
        tone: words::tone(&done.result),
        requests: number(done.requests),
        asked: words::asked(&done.op),
        op: done.op,
        code: done.result,
        href,
    }
}

/// The records for the domain in the address; for an example where there is none.
fn records(query: &Pairs, hosts: &[Host]) -> Records {
    let mut input = Input::read(query, "domain");
    let own = hosts.iter().find_map(|host| host.host.split_once('.').and_then(|(_, domain)| dns::domain(domain)));
    let mut domain = own.unwrap_or_else(|| dns::EXAMPLE.to_owned());
    if input.value.is_empty() {
        input.value.clone_from(&domain);
    } else if let Some(typed) = dns::domain(&input.value) {
        domain = typed;
    } else {
        input.wrong("This isn’t a domain. Write it as corp.example.com.");
    }
    let mut targets: Vec<dns::Target> =
        hosts.iter().map(|host| dns::target(&host.host, &host.listens, &domain)).collect();
    targets.sort_by(|one, other| (&one.host, one.port).cmp(&(&other.host, other.port)));
    targets.dedup();
    let hosts_known = !targets.is_empty();
    if targets.is_empty() {
        targets.push(dns::target("keyward", "", &domain));
    }
    let help = "The domain in which the machines look: their own.";
    Records {
        field: input.field("text", "domain", "Domain").help(help).optional(),
        servers: dns::records(&domain, &targets),
        hosts_known,
    }
}

/// The issuer and the keys of leases. The site's own key is told even before a responder was started.
async fn signing(state: &AppState, tx: &mut Scoped) -> Result<(String, Vec<SiteKey>)> {
    let Some(site) = db::site(tx).await? else { return Ok((String::new(), Vec::new())) };
    let signer = Signer::new(&state.vault.site_keys().signing, site);
    let now = signer.public();
    let earlier = db::lease_keys(tx).await?.into_iter().filter(|key| key.kid != now.kid);
    let key = |key: crate::activation::wire::PublicKey, current| SiteKey { kid: key.kid, x: key.x, current };
    let mut keys: Vec<SiteKey> = earlier.map(|earlier| key(earlier, false)).collect();
    keys.insert(0, key(now, true));
    Ok((signer.issuer().to_owned(), keys))
}
