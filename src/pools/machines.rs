//! `/activation/{application}/machines`: every machine that is known, and a panel for each.
use askama::Template;
use axum::{
    extract::{RawQuery, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    db::{self, Sort},
    frame::{Frame, Place, noticed},
    input::Input,
    model::{Filter, Machine, State as Standing},
    panel::{MachinePanel, Value},
};
use crate::{
    activation::administration,
    app::AppState,
    auth::proof::OnApplication,
    error::{Error, Result},
    postgres::{Scope, Scoped},
    web::{
        form::Pairs,
        page::{Html, Shell, Tone},
        paging::{PAGE, page_of},
        view::{Address, Chip, Choice, Columns, Empty, EmptyKind, Offered, Pager, When},
    },
};

/// What the list has to show of a machine.
pub(super) const COLUMNS: [Offered; 9] = [
    Offered::new("name", "Machine").sorts(),
    Offered::new("state", "State"),
    Offered::new("way", "By").gives_way("spare"),
    Offered::new("edition", "Edition").gives_way("less"),
    Offered::new("first", "First seen").sorts().gives_way("spare"),
    Offered::new("last", "Last seen").sorts(),
    Offered::new("lease", "Lease ends").sorts().gives_way("less"),
    Offered::new("virtual", "Virtual").gives_way("spare"),
    Offered::new("cmid", "Client id").more(),
];

/// A machine in the list.
#[derive(Clone, Debug)]
pub struct MachineRow {
    /// Its panel.
    pub href: String,
    /// Its name.
    pub name: String,
    /// Its id.
    pub cmid: String,
    /// How it stands.
    pub state: (Tone, &'static str),
    /// By what it is activated.
    pub way: &'static str,
    /// The edition.
    pub edition: String,
    /// When it asked first.
    pub first: When,
    /// When it asked last.
    pub last: When,
    /// When its lease ends.
    pub lease: Option<When>,
    /// Whether it holds a lease whose end isn't known.
    pub lease_unknown: bool,
    /// Whether it is virtual.
    pub is_virtual: bool,
    /// Whether it is in the count.
    pub counted: bool,
    /// Whether two machines were seen with its id.
    pub cloned: bool,
}

/// The list.
#[derive(Template)]
#[template(path = "pools/machines.html")]
pub struct MachinesPage {
    /// The frame.
    pub shell: Shell,
    /// The application.
    pub frame: Frame,
    /// The list's address: `q`, `state`, `way`, `sort`, `page`, `columns`.
    pub address: Address,
    /// Which columns are shown.
    pub columns: Columns,
    /// What was searched.
    pub q: String,
    /// The states to filter by.
    pub states: Vec<Choice>,
    /// The ways to filter by.
    pub ways: Vec<Choice>,
    /// The machines on this page.
    pub rows: Vec<MachineRow>,
    /// Which page.
    pub pager: Pager,
    /// What to show when there is no row.
    pub empty: Empty,
    /// The open machine.
    pub panel: Option<MachinePanel>,
}

impl MachinesPage {
    fn chips(&self) -> Vec<Chip> {
        let label = |choices: &[Choice], value: &str| {
            choices.iter().find(|choice| choice.value == value).map_or(value, |choice| &choice.label).to_owned()
        };
        let parts = [("q", "Search: "), ("state", "State: "), ("way", "Activated by: ")];
        Chip::active(&self.address, &parts, |part, value| match part {
            "state" => label(&self.states, value),
            "way" => label(&self.ways, value),
            _ => value.to_owned(),
        })
    }

    /// The list as saved views know it: one of Activation, of this application's machines.
    fn view(&self) -> Address {
        let named = Address::new("/activation").with(APPLICATION, self.frame.id.as_str());
        self.address.filters().into_iter().fold(named, |address, (part, value)| address.with(part, value))
    }

    fn is_open(&self, row: &MachineRow) -> bool {
        self.panel.as_ref().is_some_and(|panel| panel.cmid == row.cmid)
    }
}

/// The list.
///
/// # Errors
/// When the database fails.
pub async fn list(
    application: OnApplication,
    State(state): State<AppState>,
    RawQuery(query): RawQuery,
) -> Result<Response> {
    let query = Pairs::parse(query.unwrap_or_default().as_bytes());
    Ok(Html(page(&state, &application, &query, None).await?).into_response())
}

/// The list with a machine's panel open.
///
/// # Errors
/// When the database fails.
pub async fn open(
    application: OnApplication,
    State(state): State<AppState>,
    RawQuery(query): RawQuery,
) -> Result<Response> {
    let query = Pairs::parse(query.unwrap_or_default().as_bytes());
    let panel = panel(&state, &application, &query, Input::default()).await?;
    Ok(Html(page(&state, &application, &query, Some(panel)).await?).into_response())
}

async fn panel(state: &AppState, proof: &OnApplication, query: &Pairs, typed: Input) -> Result<MachinePanel> {
    let cmid = proof.part("cmid")?;
    let mut tx = proof.begin(state).await?;
    let known = db::machine(&mut tx, proof.application.id, cmid).await?;
    let list = address(&proof.application.href(), query);
    MachinePanel::of(cmid, known, list, typed, tx.now()).ok_or(Error::NotFound)
}

/// Takes a device's trust away, once its name was typed.
///
/// # Errors
/// 422 with the page where another name was typed; else when the database fails.
pub async fn revoke(application: OnApplication, State(state): State<AppState>, form: Pairs) -> Result<Response> {
    let cmid = application.part("cmid")?;
    let own = &application.application;
    let mut tx = application.begin(&state).await?;
    let known = db::machine(&mut tx, own.id, cmid).await?;
    drop(tx);
    let Some(device) = known.device.filter(|device| device.revoked_at.is_none()) else {
        return Err(if known.counted.is_some() {
            Error::Conflict(
                "This machine holds no trust that could be taken away: it isn’t enrolled any more.".to_owned(),
            )
        } else {
            Error::NotFound
        });
    };
    let mut typed = Input::read(&form, "machine");
    if typed.value != device.machine {
        typed.wrong(format!("To take its trust away, write its name exactly: {}", device.machine));
        let panel = panel(&state, &application, &Pairs::default(), typed).await?;
        let page = page(&state, &application, &Pairs::default(), Some(panel)).await?;
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(page)).into_response());
    }
    let mut tx = state.db.begin(Scope::System).await?;
    let event = administration::revoke_device(&mut tx, own.id, cmid).await?;
    application.record(&state, &mut tx, event).await?;
    tx.commit().await?;
    Ok(Redirect::to(&format!("{}/machines/{cmid}?notice=revoked", own.href())).into_response())
}

/// The part of a saved view's address that names the application whose machines it is of.
pub(super) const APPLICATION: &str = "application";

/// The list's address; what isn't known is left out.
fn address(href: &str, query: &Pairs) -> Address {
    let known = |part: &str| {
        let value = query.one(part).trim();
        let known = match part {
            "state" => matches!(value, "counted" | "cloned") || Standing::parse(value).is_some(),
            "way" => WAYS.iter().any(|(way, _)| *way == value),
            "sort" => sort(value).is_some(),
            _ => true,
        };
        if known { value.to_owned() } else { String::new() }
    };
    ["q", "state", "way", "sort", "page"]
        .into_iter()
        .fold(Address::new([href, "/machines"].concat()), |address, part| address.with(part, known(part)))
        .with("columns", Columns::parse(&COLUMNS, &query.all("columns")).part())
}

/// The address of an application's list, as a saved view has it.
pub(super) fn saved(application: Uuid, query: &Pairs) -> Address {
    address(&format!("/activation/{application}"), query).with(APPLICATION, application.to_string())
}

fn filter(address: &Address) -> Filter {
    let part = |name: &str| address.get(name).to_owned();
    Filter { q: part("q"), state: part("state"), way: part("way") }
}

/// How many machines of an application the list at this query shows on all its pages; `None` where the person doesn't
/// administer it.
///
/// # Errors
/// When the database fails.
pub(super) async fn count(tx: &mut Scoped, application: Uuid, query: &Pairs) -> sqlx::Result<Option<i64>> {
    if db::application(tx, application).await?.is_none() {
        return Ok(None);
    }
    let narrowed = db::narrow(tx, application, filter(&saved(application, query))).await?;
    Ok(Some(narrowed.count(tx, None).await?))
}

fn sort(text: &str) -> Option<(Sort, bool)> {
    let (name, descending) = text.strip_prefix('-').map_or((text, false), |name| (name, true));
    let sort = match name {
        "name" => Sort::Name,
        "first" => Sort::First,
        "lease" => Sort::Lease,
        "last" => Sort::Last,
        _ => return None,
    };
    Some((sort, descending))
}

async fn page(
    state: &AppState,
    proof: &OnApplication,
    query: &Pairs,
    panel: Option<MachinePanel>,
) -> Result<MachinesPage> {
    let mut tx = proof.begin(state).await?;
    let (application, now) = (&proof.application, tx.now());
    let frame = Frame::new(application, Place::Machines, now);
    let address = address(&frame.href, query);
    let filter = filter(&address);
    let at = page_of(query.one("page")).min(db::MOST / PAGE);
    // Who asked last stands first.
    let order = sort(address.get("sort")).unwrap_or((Sort::Last, true));
    let narrowed = db::narrow(&mut tx, application.id, filter.clone()).await?;
    let machines = narrowed.machines(&mut tx, order, (PAGE, (at - 1) * PAGE)).await?;
    let total = narrowed.count(&mut tx, Some(db::MOST + 1)).await?;
    let pager =
        Pager::new(&address, "page", at.unsigned_abs(), PAGE.unsigned_abs(), total.min(db::MOST).unsigned_abs());
    Ok(MachinesPage {
        shell: noticed(proof.visitor().shell(state), query.one("notice")),
        pager: if total > db::MOST { pager.of_more() } else { pager },
        rows: machines.into_iter().map(|machine| row(machine, &address, now)).collect(),
        columns: Columns::parse(&COLUMNS, &query.all("columns")),
        states: states(&filter.state),
        ways: WAYS.iter().map(|(value, label)| Choice::new(*value, *label, &filter.way)).collect(),
        empty: empty(&filter, &frame),
        q: filter.q,
        panel,
        frame,
        address,
    })
}

/// By what a machine is activated.
const WAYS: [(&str, &str); 4] = [("", "All"), ("count", "Count"), ("key", "Key"), ("none", "Nothing: not verified")];

fn states(current: &str) -> Vec<Choice> {
    let plain = Standing::ALL.map(|state| (state.word(), state.label()));
    let first = [("", "All"), ("counted", "In the count"), ("cloned", "Cloned ids")];
    first.into_iter().chain(plain).map(|(value, label)| Choice::new(value, label, current)).collect()
}

fn empty(filter: &Filter, frame: &Frame) -> Empty {
    if !filter.narrows() {
        return Empty::new(
            EmptyKind::NothingYet,
            "No machine has asked yet",
            "Machines show here with their first request. They need the application’s id, an edition’s activation id and the host’s address; the DNS records to publish are on the Activation page.",
        )
        .action("DNS records", "/activation#records");
    }
    Empty::new(EmptyKind::NothingMatches, "No machine matches", "Try fewer words or fewer filters.")
        .action("Clear filters", frame.at("/machines"))
}

/// How a state is marked.
pub(super) fn marked(state: Standing) -> (Tone, &'static str) {
    let tone = match state {
        Standing::Activated => Tone::Good,
        Standing::Waiting | Standing::Replaced => Tone::Info,
        Standing::Ended | Standing::Unverified => Tone::Warn,
        Standing::Revoked | Standing::Blocked => Tone::Bad,
    };
    (tone, state.label())
}

fn row(machine: Machine, address: &Address, now: OffsetDateTime) -> MachineRow {
    let state = Standing::parse(&machine.state).unwrap_or(Standing::Unverified);
    MachineRow {
        href: address.clone().at(format!("{}/{}", address.path(), machine.cmid)).href(),
        name: machine.machine,
        cmid: machine.cmid.to_string(),
        state: marked(state),
        way: WAYS
            .iter()
            .find(|(way, _)| *way == machine.way)
            .map_or("", |(way, label)| if *way == "none" { "" } else { label }),
        edition: machine.edition,
        first: When::moment(machine.first_seen_at, now),
        last: When::moment(machine.seen_at, now),
        lease: machine.lease_ends_at.map(|at| When::day(at.date(), now.date())),
        lease_unknown: machine.way == "key" && machine.lease_ends_at.is_none(),
        is_virtual: machine.is_virtual,
        counted: machine.counted,
        cloned: machine.cloned,
    }
}

#[cfg(test)]
impl MachinesPage {
    /// A cloned machine with its panel, and one that isn't enrolled.
    pub fn sample() -> Self {
        use time::{Duration, macros::datetime};

        let now = datetime!(2026-11-22 12:00 UTC);
        let frame = Frame::sample(Place::Machines);
        let address = Address::new(frame.at("/machines")).with("state", "cloned");
        let machine = |name: &str, state: Standing, way: &str| Machine {
            cmid: Uuid::from_u128(9),
            machine: name.into(),
            way: way.into(),
            state: state.word().into(),
            is_virtual: true,
            first_seen_at: now - Duration::days(90),
            seen_at: now - Duration::hours(3),
            lease_ends_at: Some(now + Duration::days(177)),
            counted: true,
            cloned: true,
            edition: "Standard".into(),
        };
        let rows = [machine("PC-0001", Standing::Activated, "count"), machine("X", Standing::Unverified, "none")];
        Self {
            shell: Shell::sample(address.path()),
            q: String::new(),
            states: states("cloned"),
            ways: vec![Choice::new("", "All", "")],
            rows: rows.into_iter().map(|machine| row(machine, &address, now)).collect(),
            pager: Pager::new(&address, "page", 1, 50, 2),
            empty: empty(&Filter::default(), &frame),
            columns: Columns::parse(&COLUMNS, &[]),
            panel: Some(MachinePanel::sample()),
            frame,
            address,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cloned_id_and_a_machine_without_trust_are_told_in_words() {
        let html = MachinesPage::sample().render().expect("renders");
        for part in [
            "PC-0001",
            "Two machines have this id",
            "Not verified",
            "State: Cloned ids",
            "In the count",
            "Take its trust away",
        ] {
            assert!(html.contains(part), "{part}");
        }
    }
}
