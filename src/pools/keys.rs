//! `/activation/{application}/keys`: MAK pools with what is left of them, host keys with their places, and a
//! panel for each key.
use askama::Template;
use axum::{
    extract::{RawQuery, State},
    response::{IntoResponse, Response},
};
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use super::{
    db,
    forecast::{Forecast, forecast},
    frame::{Frame, Place, noticed},
    keys_post::{IssueForm, LimitForm},
    model::{OwnKey, Slot},
    words,
};
use crate::{
    app::AppState,
    auth::proof::OnApplication,
    error::{Error, Result},
    web::{
        form::Pairs,
        page::{Html, Shell, Tone},
        view::{Address, Field, KeyCell, Meter, When, number, product_path},
    },
};

/// Activations of one host: the first and nine more (DOMAIN §3).
const PER_HOST: u64 = 10;

/// A key in the list.
#[derive(Clone, Debug)]
pub struct KeyLine {
    /// Its id.
    pub id: String,
    /// Its panel.
    pub href: String,
    /// The last group.
    pub last_five: String,
    /// What it activates: an edition, or hosts.
    pub activates: String,
    /// Used of total.
    pub meter: Meter,
    /// When it runs out, in a sentence; for a MAK.
    pub forecast: Option<(Tone, String)>,
    /// Hosts that have a place, of those it admits; for a host key.
    pub hosts: String,
    /// When it was issued.
    pub issued: When,
    /// Whether it is blocked.
    pub blocked: bool,
}

/// A place of a host key.
#[derive(Clone, Debug)]
pub struct SlotRow {
    /// The host's name.
    pub host: String,
    /// Activations of ten.
    pub meter: Meter,
    /// When it took the place.
    pub first: When,
    /// When it activated last.
    pub last: When,
    /// When its responder was seen last.
    pub seen: When,
}

/// The panel of a key.
#[derive(Clone, Debug)]
pub struct KeyPanel {
    /// Its line.
    pub line: KeyLine,
    /// Whether it is a counted key.
    pub is_mak: bool,
    /// The key, masked.
    pub cell: KeyCell,
    /// Where one comes back to.
    pub back: String,
    /// The list.
    pub list: Address,
    /// The product.
    pub product: String,
    /// The product's Keys tab.
    pub product_href: String,
    /// Activations by week: when the week began, and how many.
    pub weeks: Vec<(When, String)>,
    /// Its hosts.
    pub slots: Vec<SlotRow>,
    /// The form's fields: `limit`, `reason`.
    pub fields: Vec<Field>,
}

impl KeyPanel {
    /// The form's fields, for the template's macros.
    pub fn fields(&self) -> &Vec<Field> {
        &self.fields
    }
}

/// The page.
#[derive(Template)]
#[template(path = "pools/keys.html")]
pub struct KeysPage {
    /// The frame.
    pub shell: Shell,
    /// The application.
    pub frame: Frame,
    /// Counted keys.
    pub maks: Vec<KeyLine>,
    /// Host keys.
    pub host_keys: Vec<KeyLine>,
    /// The form that issues a MAK; none where there is no edition.
    pub mak_fields: Option<Vec<Field>>,
    /// The form that issues a host key; none where there is no product.
    pub host_fields: Option<Vec<Field>>,
    /// Which of them is wrong.
    pub wrong: Option<&'static str>,
    /// The open key.
    pub panel: Option<KeyPanel>,
}

impl KeysPage {
    fn is_open(&self, line: &KeyLine) -> bool {
        self.panel.as_ref().is_some_and(|panel| panel.line.id == line.id)
    }

    fn mak_open(&self) -> bool {
        self.wrong == Some("mak")
    }

    fn host_open(&self) -> bool {
        self.wrong == Some("host")
    }
}

/// The page.
///
/// # Errors
/// When the database fails.
pub async fn list(
    application: OnApplication,
    State(state): State<AppState>,
    RawQuery(query): RawQuery,
) -> Result<Response> {
    let query = Pairs::parse(query.unwrap_or_default().as_bytes());
    Ok(Html(page(&state, &application, &query, IssueForm::default(), None).await?).into_response())
}

/// The page with a key's panel open.
///
/// # Errors
/// When the database fails.
pub async fn open(
    application: OnApplication,
    State(state): State<AppState>,
    RawQuery(query): RawQuery,
) -> Result<Response> {
    let query = Pairs::parse(query.unwrap_or_default().as_bytes());
    let key = key(&state, &application).await?;
    let form = LimitForm::of(&key);
    let panel = panel(&state, &application, key, form).await?;
    Ok(Html(page(&state, &application, &query, IssueForm::default(), Some(panel)).await?).into_response())
}

/// The key in the path, if it is the application's.
pub(super) async fn key(state: &AppState, proof: &OnApplication) -> Result<OwnKey> {
    let id = proof.part("key")?;
    let mut tx = proof.begin(state).await?;
    db::key(&mut tx, proof.application.id, id).await?.ok_or(Error::NotFound)
}

/// The page, with forms that may say what is wrong, and an open panel.
pub(super) async fn page(
    state: &AppState,
    proof: &OnApplication,
    query: &Pairs,
    form: IssueForm,
    panel: Option<KeyPanel>,
) -> Result<KeysPage> {
    let mut tx = proof.begin(state).await?;
    let (application, now) = (&proof.application, tx.now());
    let keys = db::keys(&mut tx, application.id).await?;
    let slots = db::slots(&mut tx, application.id).await?;
    let skus = db::skus(&mut tx, application.id).await?;
    let products = db::products(&mut tx, application.contract_id).await?;
    let frame = Frame::new(application, Place::Keys, now);
    let address = Address::new(frame.at("/keys"));
    let wrong = form.wrong();
    let (mak_fields, host_fields) = form.fields(&skus, &products);
    let (maks, host_keys): (Vec<OwnKey>, Vec<OwnKey>) = keys.into_iter().partition(OwnKey::is_mak);
    let line = |key: OwnKey| line(&key, &slots, &address, now);
    Ok(KeysPage {
        shell: noticed(proof.visitor().shell(state), query.one("notice")),
        maks: maks.into_iter().map(line).collect(),
        host_keys: host_keys.into_iter().map(line).collect(),
        mak_fields: (!skus.is_empty()).then_some(mak_fields),
        host_fields: (!products.is_empty()).then_some(host_fields),
        wrong,
        panel,
        frame,
    })
}

/// The panel of a key.
pub(super) async fn panel(state: &AppState, proof: &OnApplication, key: OwnKey, form: LimitForm) -> Result<KeyPanel> {
    let mut tx = proof.begin(state).await?;
    let now = tx.now();
    let slots = db::slots(&mut tx, proof.application.id).await?;
    let list = Address::new([proof.application.href().as_str(), "/keys"].concat());
    Ok(view(key, &slots, list, form, now))
}

fn view(key: OwnKey, slots: &[Slot], list: Address, form: LimitForm, now: OffsetDateTime) -> KeyPanel {
    let line = line(&key, slots, &list, now);
    KeyPanel {
        is_mak: key.is_mak(),
        cell: KeyCell::masked(key.id.to_string(), key.last_five.clone()),
        back: line.href.clone(),
        list,
        product_href: [&product_path(&key.slug), "?tab=keys"].concat(),
        weeks: weeks(&key, now),
        slots: slots.iter().filter(|slot| slot.key_id == key.id).map(|slot| slot_row(slot, now)).collect(),
        fields: form.fields(&key),
        product: key.product,
        line,
    }
}

/// Activations by week, the latest first.
fn weeks(key: &OwnKey, now: OffsetDateTime) -> Vec<(When, String)> {
    let begun = |weeks: usize| now - time::Duration::weeks(i64::try_from(weeks).unwrap_or(0));
    let latest = key.weeks.iter().rev().enumerate();
    latest.map(|(at, spent)| (When::day(begun(at + 1).date(), now.date()), number(*spent))).collect()
}

fn line(key: &OwnKey, slots: &[Slot], address: &Address, now: OffsetDateTime) -> KeyLine {
    let meter = Meter { used: key.used.unsigned_abs(), total: key.total.unsigned_abs() };
    let hosts = slots.iter().filter(|slot| slot.key_id == key.id).count();
    KeyLine {
        href: format!("{}/{}", address.path(), key.id),
        id: key.id.to_string(),
        last_five: key.last_five.clone(),
        activates: if key.is_mak() { key.edition.clone() } else { "Hosts".to_owned() },
        forecast: (key.is_mak() && key.blocked_at.is_none()).then(|| running_out(key, now.date())),
        hosts: format!("{} of {}", number(hosts as u64), number(meter.total.div_ceil(PER_HOST))),
        meter,
        issued: When::moment(key.created_at, now),
        blocked: key.blocked_at.is_some(),
    }
}

/// A forecast that ends within so many days wants a look.
const SOON: i64 = 60;

fn running_out(key: &OwnKey, today: Date) -> (Tone, String) {
    let weeks: Vec<u32> = key.weeks.iter().map(|week| u32::try_from(*week).unwrap_or(u32::MAX)).collect();
    let found = forecast(&weeks, key.total - key.used, today);
    let tone = match found {
        Forecast::Spent => Tone::Bad,
        Forecast::Between(first, _) if (first - today).whole_days() <= SOON => Tone::Warn,
        _ => Tone::Info,
    };
    (tone, words::forecast(found, weeks.len(), today))
}

fn slot_row(slot: &Slot, now: OffsetDateTime) -> SlotRow {
    SlotRow {
        host: slot.host.clone(),
        meter: Meter { used: u64::from(slot.activations.unsigned_abs()), total: PER_HOST },
        first: When::moment(slot.first_at, now),
        last: When::moment(slot.last_at, now),
        seen: When::moment(slot.seen_at, now),
    }
}

/// The panel's address.
pub(super) fn href(proof: &OnApplication, key: Uuid, notice: &str) -> String {
    format!("{}/keys/{key}?notice={notice}", proof.application.href())
}

#[cfg(test)]
impl KeysPage {
    /// A MAK that runs out, and a host key with one host.
    pub fn sample() -> Self {
        use time::{Duration, macros::datetime};

        let now = datetime!(2026-11-22 12:00 UTC);
        let key = |kind: &str, used, total| OwnKey {
            id: Uuid::from_u128(3),
            kind: kind.into(),
            last_five: "AB23C".into(),
            used,
            total,
            blocked_at: None,
            created_at: now - Duration::weeks(20),
            edition: if kind == "MAK" { "Standard".into() } else { String::new() },
            product: "Plotter 5 Standard".into(),
            slug: "plotter-5-standard".into(),
            weeks: vec![30; 12],
        };
        let slot = Slot {
            key_id: Uuid::from_u128(3),
            host: "act1".into(),
            activations: 3,
            first_at: now,
            last_at: now,
            seen_at: now,
        };
        let frame = Frame::sample(Place::Keys);
        let address = Address::new(frame.at("/keys"));
        let slots = [slot];
        let host_key = key("KMS", 3, 60);
        let form = LimitForm::of(&host_key);
        let panel = view(host_key.clone(), &slots, address.clone(), form, now);
        let (mak_fields, host_fields) = IssueForm::default().fields(&[], &[]);
        Self {
            shell: Shell::sample(address.path()),
            maks: vec![line(&key("MAK", 420, 500), &slots, &address, now)],
            host_keys: vec![line(&host_key, &slots, &address, now)],
            mak_fields: Some(mak_fields),
            host_fields: Some(host_fields),
            wrong: None,
            panel: Some(panel),
            frame,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pools_tell_when_they_run_out_and_host_keys_how_many_places_they_have() {
        let html = KeysPage::sample().render().expect("renders");
        for part in [
            "420 of 500",
            "Runs out between",
            "1 of 6",
            "3 of 10",
            "•••••-•••••-•••••-•••••-AB23C",
            "/keys/00000000-0000-0000-0000-000000000003/copy",
        ] {
            assert!(html.contains(part), "{part}");
        }
    }
}
