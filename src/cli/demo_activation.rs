//! The demo's own software: two applications with a past of three months, told to the real ledger under a
//! clock that runs through it.

use std::sync::Arc;

use anyhow::{Context, Result};
use ed25519_dalek::{SigningKey, VerifyingKey};
use secrecy::ExposeSecret;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::open::Opened;
use crate::{
    activation::{
        administration::{self as admin, NewApplication, NewSku, SkuKind},
        config::{Config, OwnKey},
        hardware::Hardware,
        lease::Signer,
        ledger::{Ledger, MakRequest, Way},
        wire::Ask,
    },
    audit::{self, Actor, Event},
    clock::Clock,
    pools,
    postgres::{Scope, Scoped},
    responder::{host::Host, instance::Instance},
    vault::files::SiteKeys,
};

/// The License ID that the demo's own products stand under.
const LICENSE_ID: &str = "OWN-0001";
/// Days of past.
const PAST: i64 = 90;
/// Days in which the first application is rolled out by count.
const ROLL_OUT: i64 = 45;
/// Machines of it.
const MACHINES: u32 = 64;
/// Devices enrolled for the second one: too few for its threshold.
const DEVICES: u8 = 18;

/// The host that the past is told to.
const HOST: &str = "act1.northwind.example";

/// Makes them, where there is no own application yet. What a killed start has left half told is told to its end: each
/// request has the id of its day, so what stands already is a retry.
///
/// # Errors
/// When the database fails.
pub async fn make(opened: &Opened) -> Result<()> {
    let now = opened.db.clock().now();
    let mut tx = opened.db.begin(Scope::System).await?;
    let told = Told::read(&mut tx).await?;
    if told.strangers && told.host_left {
        return Ok(());
    }
    let mut own = Own::find(&mut tx).await?;
    drop(tx);
    if own.is_none() {
        if told.applications {
            return Ok(());
        }
        let mut tx = opened.db.at(Clock::standing_at(now - Duration::days(PAST))).begin(Scope::System).await?;
        register(opened, &mut tx).await?;
        own = Own::find(&mut tx).await?;
        tx.commit().await?;
    }
    let mut past = Past::begin(opened, own.context("it was just registered")?, told.host).await?;
    past.run(now).await?;
    past.strangers(opened, told.strangers, now).await
}

/// How far a start has come.
#[derive(sqlx::FromRow)]
struct Told {
    /// Whether there is any own application, the demo's or somebody's.
    applications: bool,
    /// The host, once it has begun.
    host: Option<Uuid>,
    /// Whether the strangers were told.
    strangers: bool,
    /// Whether the host is one of some days ago: the end.
    host_left: bool,
}

impl Told {
    async fn read(tx: &mut Scoped) -> sqlx::Result<Self> {
        sqlx::query_as(
            "SELECT EXISTS (SELECT FROM applications) AS applications, i.id AS host, EXISTS (SELECT FROM unverified_clients) AS strangers,
                    coalesce(i.seen_at < (SELECT max(at) FROM kms_samples) - interval '1 day', false) AS host_left
             FROM (VALUES (1)) one LEFT JOIN responder_instances i ON i.host = $1 ORDER BY i.started_at LIMIT 1",
        )
        .bind(HOST)
        .fetch_one(&mut **tx)
        .await
    }
}

/// What was registered, and how far its past is told.
#[derive(sqlx::FromRow)]
struct Own {
    since: OffsetDateTime,
    last: Option<OffsetDateTime>,
    plotter: Uuid,
    standard: Uuid,
    server: Uuid,
    docks: Uuid,
    terminal: Uuid,
    mak: Uuid,
}

impl Own {
    async fn find(tx: &mut Scoped) -> sqlx::Result<Option<Self>> {
        sqlx::query_as(
            "SELECT p.created_at AS since, p.id AS plotter, s.id AS standard, r.id AS server, d.id AS docks, t.id AS terminal, o.key_id AS mak,
                    greatest((SELECT max(a.at) FROM activations a WHERE a.application_id = p.id),
                             (SELECT max(k.asked_at) FROM kms_clients k WHERE k.application_id IN (p.id, d.id))) AS last
             FROM contracts c JOIN applications p ON p.contract_id = c.id AND p.name = 'Plotter'
             JOIN applications d ON d.contract_id = c.id AND d.name = 'Dock Scheduler'
             JOIN skus s ON s.application_id = p.id AND s.edition = 'Standard' JOIN skus r ON r.application_id = p.id AND r.edition = 'Render Server'
             JOIN skus t ON t.application_id = d.id AND t.edition = 'Terminal' JOIN own_keys o ON o.sku_id = s.id
             WHERE c.license_id = $1 LIMIT 1",
        )
        .bind(LICENSE_ID)
        .fetch_optional(&mut **tx)
        .await
    }

    /// The last day of which something was told, from 0.
    fn day(&self) -> i64 {
        // The database keeps microseconds.
        let told = self.last.map_or(Duration::ZERO, |last| last - self.since + Duration::MINUTE);
        told.whole_days().clamp(0, PAST)
    }
}

struct Past {
    clock: Clock,
    ledger: Ledger,
    host: Arc<Host>,
    instance: Uuid,
    own: Own,
    config: Config,
}

impl Past {
    async fn begin(opened: &Opened, own: Own, host: Option<Uuid>) -> Result<Self> {
        let clock = Clock::standing_at(own.since + Duration::days(own.day()));
        let db = opened.db.at(clock.clone());
        let mut tx = db.begin(Scope::System).await?;
        let site: Uuid = sqlx::query_scalar("SELECT id FROM activation_site").fetch_one(&mut *tx).await?;
        drop(tx);
        let keys = opened.vault.site_keys().clone();
        let id = host.unwrap_or_else(Uuid::new_v4);
        let host = Host::begin(db.clone(), keys.clone(), instance(id), "0.0.0.0:1688").await?;
        let signer = Arc::new(Signer::new(&keys.signing, site));
        let ledger = Ledger { db, scope: Scope::System, linker: opened.linker(), signer, site: Arc::new(keys) };
        let config = ledger.config().await?;
        Ok(Self { clock, ledger, host, instance: id, own, config })
    }

    /// Day by day to `now`, from the last day on of which something was told.
    async fn run(&mut self, now: OffsetDateTime) -> Result<()> {
        for day in self.own.day()..PAST {
            if day % 7 == 3 {
                self.week_of_keys(u32::try_from(day / 7)?).await?;
            }
            if day < PAST - ROLL_OUT {
                self.clock.turn(Duration::days(1));
                continue;
            }
            self.day_of_counts(u32::try_from(day - (PAST - ROLL_OUT))?).await?;
            for _ in 0..4 {
                self.sample().await?;
                self.clock.turn(Duration::hours(6));
            }
        }
        // Nothing, unless it was broken off.
        self.clock.turn(now - self.clock.now());
        self.sample().await
    }

    /// The clients that ask on a day: three a day come new, who waits asks daily, who is activated weekly.
    async fn day_of_counts(&mut self, day: u32) -> Result<()> {
        let mut batch = Vec::new();
        for machine in 0..MACHINES {
            let first = machine * 3 / 5;
            // Some are switched off for good after their first weeks.
            let gone = machine % 9 == 4 && day > first + 8;
            let since = day.checked_sub(first).filter(|_| !gone);
            let waits = day < 16;
            if since.is_some_and(|days| waits || days % 7 == 0) {
                let sku = if machine % 13 == 5 { self.own.server } else { self.own.standard };
                let name = match (machine, day % 2) {
                    // Two machines from one image.
                    (7, 0) => "NW-PLOT-007".to_owned(),
                    (7, _) => "NW-PLOT-019".to_owned(),
                    _ => format!("NW-PLOT-{machine:03}"),
                };
                let ask = self.ask((self.own.plotter, sku), u128::from(machine) + 1, name, machine % 4 == 1);
                let id = request_id(self.own.plotter, day, machine);
                let mut request = self.ledger.prepare_counted(180, id, ask);
                request.address = format!("10.20.{}.{}", machine / 32, 20 + machine % 32);
                batch.push(request);
            }
        }
        self.ledger.kms(&self.config, self.own.plotter, &batch).await?;
        let mut batch = Vec::new();
        for at in 0..DEVICES {
            if day >= u32::from(at) {
                let ask = self.ask((self.own.docks, self.own.terminal), device_id(at), format!("DOCK-{at:02}"), false);
                let mut request = self.ledger.prepare_counted(90, request_id(self.own.docks, day, u32::from(at)), ask);
                (request.device, request.address) = (Some(device_key(at)), format!("10.20.7.{}", 10 + at));
                batch.push(request);
            }
        }
        self.ledger.kms(&self.config, self.own.docks, &batch).await?;
        Ok(())
    }

    /// The machines that take the MAK in a week.
    async fn week_of_keys(&self, week: u32) -> Result<()> {
        let key: OwnKey = self.config.key_of(self.own.mak).context("it was issued")?.clone();
        let batch: Vec<MakRequest> = (0..8 + week * 5 % 9)
            .map(|machine| {
                let number = week * 20 + machine;
                let name = format!("NW-FIELD-{number:03}");
                let ask = self.ask((self.own.plotter, self.own.standard), 0x1000 + u128::from(number), name, false);
                let hardware = Hardware {
                    board: format!("{:016x}", 0x5e1f_0000_u64 + u64::from(number)),
                    cpu: Some(format!("{:04x}", 0x1000 + number)),
                    disk: Some(format!("{:04x}", 0x2000 + number)),
                    ..Hardware::default()
                };
                let id = request_id(self.own.mak, week, machine);
                let mut request = self.ledger.prepare(180, id, ask, hardware);
                request.address = format!("10.30.0.{}", 10 + number % 200);
                request
            })
            .collect();
        let way = if week % 4 == 2 { Way::Offline } else { Way::Online };
        self.ledger.mak(&self.config, &key, &batch, way, &Actor::system("demo")).await?;
        Ok(())
    }

    fn ask(&self, (application, sku): (Uuid, Uuid), client: u128, machine: String, is_virtual: bool) -> Ask {
        let cmid = Uuid::from_u128(client | (application.as_u128() & !0xffff_ffff));
        Ask { application, sku, cmid, previous_cmid: None, machine, r#virtual: is_virtual, time: self.ledger.now() }
    }

    /// What a host writes down once an hour.
    async fn sample(&self) -> Result<()> {
        let mut tx = self.ledger.begin().await?;
        sqlx::query("SELECT responder_beat($1, $2, '[]', '[]')")
            .bind(Uuid::nil())
            .bind(self.ledger.signer.public().kid)
            .execute(&mut *tx)
            .await?;
        Ok(tx.commit().await?)
    }

    /// The last hour, with a Windows client gone astray and devices that nobody enrolled. Then the demo's host is
    /// one that was seen some days ago: the one that runs shows itself.
    async fn strangers(&self, opened: &Opened, told: bool, now: OffsetDateTime) -> Result<()> {
        if !told {
            self.last_hour().await?;
        }
        let earlier = opened.db.at(Clock::standing_at(now - Duration::days(3)));
        let site = opened.vault.site_keys().clone();
        Host::begin(earlier, site, instance(self.instance), "0.0.0.0:1688").await?;
        Ok(())
    }

    async fn last_hour(&self) -> Result<()> {
        for (op, word, n) in [
            ("activate", "0x00000000", 41),
            ("activate", "0xC004F038", 18),
            ("mak", "0x00000000", 3),
            ("mak", "repeated", 1),
            ("activate", "enrolment", 3),
            ("hello", "0x00000000", 6),
        ] {
            for _ in 0..n {
                self.host.tally.count(op, word);
            }
        }
        for _ in 0..12 {
            self.host.tally.foreign([10, 20, 4, 17].into());
        }
        for client in 0..3_u8 {
            let cmid = Uuid::from_u128(0xbad_0000 + u128::from(client));
            self.host.tally.unverified(self.own.docks, cmid, &format!("KIOSK-{client}"), [10, 20, 9, client].into());
        }
        self.host.beat().await?;
        Ok(())
    }
}

fn instance(id: Uuid) -> Instance {
    Instance { id, host: HOST.to_owned(), machine: [1; 32] }
}

/// The id of a machine's request in a round: told once more, it is the same request.
fn request_id(of: Uuid, round: u32, machine: u32) -> Uuid {
    Uuid::from_u128(of.as_u128() ^ (u128::from(round + 1) << 32) ^ u128::from(machine))
}

/// A device's key is made of its number.
fn device_key(device: u8) -> VerifyingKey {
    SigningKey::from_bytes(&[device + 1; 32]).verifying_key()
}

fn device_id(device: u8) -> u128 {
    0x2000 + u128::from(device)
}

async fn register(opened: &Opened, tx: &mut Scoped) -> Result<()> {
    let contract = add_contract(tx).await?;
    let mut events = Vec::new();
    let application = |name: &str, enrolled| NewApplication { contract, name: name.to_owned(), enrolled, tolerance: 7 };
    let (plotter, event) = admin::add_application(tx, &application("Plotter", false)).await?;
    events.push(event);
    let (docks, event) = admin::add_application(tx, &application("Dock Scheduler", true)).await?;
    events.push(event);
    let editions = [
        (plotter, "Plotter 5 Standard", "Standard", SkuKind::Client, 180),
        (plotter, "Plotter 5 Render Server", "Render Server", SkuKind::Server, 180),
        (docks, "Dock Scheduler 2", "Terminal", SkuKind::Client, 90),
    ];
    let mut skus = Vec::new();
    let mut products = Vec::new();
    for (application, name, edition, kind, lease_days) in editions {
        let product = add_product(tx, contract, name, edition).await?;
        let needed = kind.needed();
        let new =
            NewSku { application, product, edition: edition.to_owned(), kind, by_count: true, needed, lease_days };
        let (sku, event) = admin::add_sku(tx, &new).await?;
        events.push(event);
        skus.push(sku);
        products.push(product);
    }
    let mak = admin::issue_mak(tx, &opened.vault, skus[0], 250).await?;
    events.push(mak.event);
    let lost = admin::issue_mak(tx, &opened.vault, skus[1], 20).await?;
    events.push(lost.event);
    events.push(admin::block_key(tx, lost.id, true).await?);
    for (application, product) in [(plotter, products[0]), (docks, products[2])] {
        events.push(admin::issue_host_key(tx, &opened.vault, application, product).await?.event);
    }
    events.push(enrol_devices(tx, opened.vault.site_keys(), docks).await?);
    let now = tx.now();
    audit::db::record_all(tx, &opened.linker(), now, &Actor::system("demo"), events).await?;
    Ok(())
}

async fn add_contract(tx: &mut Scoped) -> sqlx::Result<Uuid> {
    let contract = Uuid::now_v7();
    sqlx::query(
        "INSERT INTO contracts (id, license_id, organization_id, program, status, created_at)
         SELECT $1, $2, id, 'Own software', 'Active', app_now() FROM organizations WHERE name = 'Northwind Holding AG'",
    )
    .bind(contract)
    .bind(LICENSE_ID)
    .execute(&mut **tx)
    .await?;
    Ok(contract)
}

/// An own product, listed under its License ID.
async fn add_product(tx: &mut Scoped, contract: Uuid, name: &str, edition: &str) -> Result<Uuid> {
    let product = admin::add_product(tx, &crate::products::classify::slug(name), name).await?;
    let version = name.rsplit(' ').find(|word| word.chars().all(|c| c.is_ascii_digit())).unwrap_or_default();
    pools::db::list_product(tx, contract, product, ["Own products", version, edition]).await?;
    Ok(product)
}

/// Enrols the devices with a code; the event of the code.
async fn enrol_devices(tx: &mut Scoped, site: &SiteKeys, application: Uuid) -> Result<Event> {
    let lasts = Duration::days(PAST + 14);
    let (code, event) = admin::add_code(tx, site, application, 40, lasts, "Gates 1 to 6").await?;
    for device in 0..DEVICES {
        let cmid = Uuid::from_u128(device_id(device) | (application.as_u128() & !0xffff_ffff));
        sqlx::query("SELECT responder_enrol($1, $2, $3, $4, $5)")
            .bind(application)
            .bind(cmid)
            .bind(format!("DOCK-{device:02}"))
            .bind(site.enrolment_hash(code.expose_secret()).as_slice())
            .bind(device_key(device).as_bytes().as_slice())
            .execute(&mut **tx)
            .await?;
    }
    Ok(event)
}
