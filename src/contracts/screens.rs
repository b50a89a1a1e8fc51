//! `GET /contracts` and `GET /contracts/{license_id}`: from the address to the page.

use axum::{
    extract::{RawQuery, State},
    response::{IntoResponse, Response},
};
use secrecy::SecretString;
use time::Date;
use uuid::Uuid;

use super::{
    actions, away, db, ends,
    list::{COLUMNS, ContractRow, ContractStatus, ContractsPage},
    model::{self, Contract, ContractHead, Expired, Filter, Sort},
    ownership,
    panel::{Contact, ContractPanel, ContractTab, Offering},
    used,
};
use crate::{
    app::AppState,
    auth::{
        proof::{OnContract, See, SignedIn},
        roles::{Permission, Role},
    },
    error::{Error, Result},
    hand::{self, db::resting::Resting, model::Thing},
    keys::{self, model::Of, tab::Tab},
    postgres::Scoped,
    requests,
    web::{
        form::Pairs,
        page::Html,
        paging::{PAGE, page_of},
        view::{
            Address, Archive, Archived, Choice, Columns, Empty, EmptyKind, Export, KeyLead, KeyList, Locked, Pager,
            When, contract_path, named_in,
        },
    },
};

/// The list.
///
/// # Errors
/// When the database fails.
pub async fn list(person: SignedIn, State(state): State<AppState>, RawQuery(query): RawQuery) -> Result<Response> {
    let query = Pairs::parse(query.unwrap_or_default().as_bytes());
    let mut tx = person.begin(&state).await?;
    let (shell, address) = (person.visitor().shell(&state), address(&query));
    if shell.edits() && Archive::of(&address, Archive::LIST) == Archive::Only {
        return Ok(Html(away::page(&mut tx, shell, address, &filter(&query)).await?).into_response());
    }
    Ok(Html(page(&state, &person, &mut tx, &query, None).await?).into_response())
}

/// The list with a License ID's panel open.
///
/// # Errors
/// When the database fails.
pub async fn open(
    contract: OnContract<See>,
    State(state): State<AppState>,
    RawQuery(query): RawQuery,
) -> Result<Response> {
    let query = Pairs::parse(query.unwrap_or_default().as_bytes());
    let mut tx = contract.begin(&state).await?;
    let panel = panel(&mut tx, &contract.contract, &query, None).await?;
    Ok(Html(page(&state, &contract, &mut tx, &query, Some(panel)).await?).into_response())
}

/// The page that a reveal without JavaScript answers with, see [`crate::products::with_revealed`].
///
/// # Errors
/// When the database fails.
pub async fn with_revealed(
    state: &AppState,
    person: &SignedIn,
    back: &str,
    id: Uuid,
    key: SecretString,
) -> Result<Option<Response>> {
    let (path, query) = back.split_once('?').unwrap_or((back, ""));
    let Some(license_id) = named_in(path, "/contracts/") else { return Ok(None) };
    let mut tx = person.begin(state).await?;
    let Some(head) = db::head(&mut tx, &license_id).await? else { return Ok(None) };
    let query = Pairs::parse(query.as_bytes());
    let panel = panel(&mut tx, &head, &query, Some((id, key))).await?;
    if !panel.keys.as_ref().is_some_and(KeyList::shows_revealed) {
        return Ok(None);
    }
    Ok(Some(Html(page(state, person, &mut tx, &query, Some(panel)).await?).into_response()))
}

/// The list's address; what is chosen in the list sends the same parts.
pub fn address(query: &Pairs) -> Address {
    ["q", "program", "status", "ending", "month", "expired", "archived", "sort", "page"]
        .into_iter()
        .fold(Address::new("/contracts"), |address, part| address.with(part, query.one(part).trim()))
        .with("columns", Columns::parse(&COLUMNS, &query.all("columns")).part())
}

/// The filter that an address or an export's form names.
pub fn filter(query: &Pairs) -> Filter {
    let text = |name| query.one(name).trim().to_owned();
    let expired = match query.one("expired") {
        "shown" => Expired::Shown,
        "only" => Expired::Only,
        _ => Expired::Hidden,
    };
    // A number that isn't one, or is longer than any agreement, narrows nothing.
    let ending = query.one("ending").trim().parse().ok().filter(|days| (0..=36_500).contains(days));
    let month = ends::parse_month(query.one("month").trim());
    Filter { q: text("q"), program: text("program"), status: text("status"), expired, ending, month }
}

/// How many License IDs the list at this query shows on all its pages; `None` for whoever sees none at all.
///
/// # Errors
/// When the database fails.
pub async fn count(tx: &mut Scoped, query: &Pairs) -> sqlx::Result<Option<i64>> {
    let (filter, today) = (filter(query), tx.today());
    let live = if db::sees_any(tx).await? {
        Some(db::list(tx, &filter, today, sort(query.one("sort")), 1, 0).await?.1)
    } else {
        None
    };
    let show = Archive::parse(query.one(Archive::LIST));
    hand::beside::counted(tx, Thing::Contract, (show, live), away::resting(&filter, today)).await
}

fn sort(text: &str) -> (Sort, bool) {
    let (name, descending) = text.strip_prefix('-').map_or((text, false), |name| (name, true));
    let sort = match name {
        "license_id" => Sort::LicenseId,
        "organization" => Sort::Organization,
        "location" => Sort::Location,
        "program" => Sort::Program,
        "status" => Sort::Status,
        // nearest end first, as the vendor's page opens
        _ => Sort::End,
    };
    (sort, descending)
}

async fn page(
    state: &AppState,
    person: &SignedIn,
    tx: &mut Scoped,
    query: &Pairs,
    panel: Option<ContractPanel>,
) -> Result<ContractsPage> {
    let shell = person.visitor().shell(state);
    let address = Archived::beside(address(query), shell.edits());
    let filter = filter(query);
    let number = page_of(query.one("page"));
    let today = tx.today();
    let (rows, total) = db::list(tx, &filter, today, sort(address.get("sort")), PAGE, (number - 1) * PAGE).await?;
    let (programs, statuses) = db::vocabulary(tx).await?;
    let may_export_keys = keys::db::reads_any(tx).await?;
    let empty = empty(tx, person, &filter).await?;
    let ends = ends::plot(tx, &filter, &address).await?;
    let resting = away::resting(&filter, today);
    let archived = hand::beside::archived(tx, Thing::Contract, &address, Archive::LIST, resting).await?;
    let (export_keys, export_list) = ContractsPage::exports(&address);
    Ok(ContractsPage {
        shell,
        q: filter.q.clone(),
        programs: choices("All", programs, &filter.program),
        statuses: choices("All", statuses, &filter.status),
        endings: among(&ENDINGS, address.get("ending")),
        expired: among(&EXPIRED, address.get("expired")),
        ends,
        summary: db::beside::reads_position(tx).await?,
        rows: rows.into_iter().map(|contract| row(contract, today, &address)).collect(),
        pager: Pager::new(&address, "page", number.unsigned_abs(), PAGE.unsigned_abs(), total.unsigned_abs()),
        export_keys: may_export_keys.then_some(export_keys),
        export_list,
        empty,
        archived,
        panel,
        columns: Columns::parse(&COLUMNS, &query.all("columns")),
        address,
    })
}

/// Within how many days License IDs end: the steps that notices tell of.
pub(super) const ENDINGS: [(&str, &str); 5] =
    [("", "Any time"), ("30", "In 30 days"), ("60", "In 60 days"), ("90", "In 90 days"), ("180", "In 180 days")];
pub(super) const EXPIRED: [(&str, &str); 3] = [("", "Hidden"), ("shown", "Shown"), ("only", "Only")];

pub(super) fn among(choices: &[(&'static str, &'static str)], current: &str) -> Vec<Choice> {
    choices.iter().map(|(value, label)| Choice::new(*value, *label, current)).collect()
}

fn choices(all: &str, values: Vec<String>, current: &str) -> Vec<Choice> {
    let each =
        values.into_iter().filter(|value| !value.is_empty()).map(|value| Choice::new(value.clone(), value, current));
    std::iter::once(Choice::new("", all, current)).chain(each).collect()
}

async fn empty(tx: &mut Scoped, person: &SignedIn, filter: &Filter) -> Result<Empty> {
    if !db::sees_any(tx).await? {
        return crate::web::overview::nothing_to_see(tx, person).await;
    }
    let narrowed = !(filter.q.is_empty() && filter.program.is_empty() && filter.status.is_empty())
        || filter.ending.is_some()
        || filter.month.is_some();
    let text = if narrowed {
        "Try fewer words or fewer filters."
    } else {
        "All your License IDs have ended. Show the expired ones to see them."
    };
    Ok(Empty::new(EmptyKind::NothingMatches, "No License ID matches", text)
        .action("Clear filters", "/contracts?expired=shown"))
}

fn labels(codes: &[String]) -> Vec<String> {
    db::roles(codes).into_iter().map(|role| role.label().to_owned()).collect()
}

fn row(contract: Contract, today: Date, list: &Address) -> ContractRow {
    let panel = list.clone().at(contract_path(&contract.license_id));
    ContractRow {
        actions: actions::of_row(&contract.license_id, &db::roles(&contract.roles), &panel),
        status: ContractStatus::of(&contract.status),
        roles: labels(&contract.roles),
        license_id: contract.license_id,
        organization: contract.organization,
        location: contract.location,
        program: contract.program,
        agreement: contract.agreement,
        mbsa: contract.mbsa,
        agreement_type: contract.agreement_type,
        authorization_number: contract.authorization_number,
        purchase_account_number: contract.purchase_account_number,
        start: contract.starts_on.map(|start| When::day(start, today)),
        end: contract.ends_on.map(|end| When::day(end, today)),
    }
}

async fn panel(
    tx: &mut Scoped,
    head: &ContractHead,
    query: &Pairs,
    revealed: Option<(Uuid, SecretString)>,
) -> Result<ContractPanel> {
    let contract = db::find(tx, head.id).await?.ok_or(Error::NotFound)?;
    let tab = ContractTab::parse(query.one("tab"));
    let list = address(query);
    let today = tx.today();
    let (keys, key_count) = keys_tab(tx, head, (tab, &list), query, revealed).await?;
    let (offerings, offerings_locked) = offerings_tab(tx, head, tab).await?;
    let contacts = if tab == ContractTab::Contacts { db::contacts(tx, head.id).await? } else { Vec::new() };
    let second_person = requests::db::second_person(tx, head.id).await?;
    let used = if keys.as_ref().is_some_and(|keys| keys.locked.is_none()) {
        used::plot(tx, head.id, &head.license_id).await?
    } else {
        None
    };
    Ok(ContractPanel {
        actions: actions::elsewhere(&head.license_id, &head.roles),
        ownership: ownership::tree(tx, head.id, &contract.agreement, &contract.mbsa).await?,
        used,
        second_person,
        administered: head.may(Permission::Administer),
        list,
        tab,
        start: contract.starts_on.map(|day| When::day(day, today)),
        end: contract.ends_on.map(|day| When::day(day, today)),
        status: ContractStatus::of(&contract.status),
        organizations: std::iter::once(contract.organization).chain(contract.parents).collect(),
        roles: ownership::role_words(&db::beside::held(tx, head.id).await?),
        license_id: contract.license_id,
        program: contract.program,
        agreement_type: contract.agreement_type,
        parent_agreement: contract.agreement,
        mbsa: contract.mbsa,
        authorization_number: contract.authorization_number,
        purchase_account_number: contract.purchase_account_number,
        location: contract.location,
        offerings,
        offerings_locked,
        keys,
        key_count,
        contacts: contacts.into_iter().map(contact).collect(),
    })
}

/// The keys where their tab is open, locked for whoever may not read them; and how many there are, for whoever may.
async fn keys_tab(
    tx: &mut Scoped,
    head: &ContractHead,
    (tab, list): (ContractTab, &Address),
    query: &Pairs,
    revealed: Option<(Uuid, SecretString)>,
) -> Result<(Option<KeyList>, Option<u64>)> {
    let open = tab == ContractTab::Keys;
    if !head.may(Permission::ReadKeys) {
        let keys = if open { Some(locked_keys(tx, head).await?) } else { None };
        return Ok((keys, None));
    }
    let tab = Tab {
        of: Of::Contract(head.id),
        open,
        here: list.clone().at(contract_path(&head.license_id)).with("tab", "keys"),
        resting: Resting { facts: vec![("license_id", &head.license_id)], ..Resting::default() },
        lead: KeyLead::Product,
        export: Export::of_keys("export-selected", "Export selected keys", "selected")
            .field("license_id", head.license_id.clone())
            .text("The ticked keys of this License ID."),
        empty: Empty::new(
            EmptyKind::NothingYet,
            "No keys here yet",
            "Import a key file that holds this License ID to see its keys.",
        ),
    };
    let (mut keys, total) = tab.read(tx, query).await?;
    if let (Some(keys), Some((id, key))) = (&mut keys, revealed) {
        keys.reveal(id, key);
    }
    Ok((keys, Some(total)))
}

/// The offerings where their tab is open, or what is missing to read their counts.
async fn offerings_tab(
    tx: &mut Scoped,
    head: &ContractHead,
    tab: ContractTab,
) -> Result<(Vec<Offering>, Option<Locked>)> {
    if tab != ContractTab::Offerings {
        return Ok((Vec::new(), None));
    }
    let offerings = db::offerings(tx, head.id).await?.into_iter().map(offering).collect();
    let locked = if head.may(Permission::ReadPosition) {
        None
    } else {
        Some(locked(tx, head, Role::LicensePositionReader).await?)
    };
    Ok((offerings, locked))
}

fn contact(contact: model::Contact) -> Contact {
    Contact { id: contact.id.to_string(), role: contact.role, name: contact.name, email: contact.email }
}

fn offering(line: model::Offering) -> Offering {
    Offering {
        family: line.product_family,
        version: line.version,
        pool: line.product_pool,
        kind: line.r#type,
        effective: line.effective_quantity,
        assured: line.active_sa_quantity,
    }
}

/// A tab that wants a role which this person lacks, and whom to ask.
async fn locked(tx: &mut Scoped, head: &ContractHead, role: Role) -> Result<Locked> {
    if head.roles.is_empty() {
        return Ok(Locked::not_approved(&head.license_id));
    }
    Ok(requests::ask::locked(tx, role, vec![(head.id, head.license_id.clone())]).await?)
}

/// The Keys tab for someone who sees the License ID without the right to its keys.
async fn locked_keys(tx: &mut Scoped, head: &ContractHead) -> Result<KeyList> {
    let here = Address::new(contract_path(&head.license_id)).with("tab", "keys");
    Ok(KeyList {
        archived: Archived::of(&here, Archive::KEYS),
        lead: KeyLead::Product,
        place: here.path().to_owned(),
        back: here.href(),
        rows: Vec::new(),
        pager: Pager::default(),
        export: None,
        locked: Some(locked(tx, head, Role::ProductKeysReader).await?),
        empty: Empty::new(EmptyKind::NotAllowed, "", ""),
    })
}
