//! A small estate with canary keys: two License IDs, A and B, and one person for each thing that
//! somebody can be. Built once a run; each test gets a copy.

use std::sync::Arc;

use keyward::{
    keys::ProductKey,
    notices::{self, Kind, Notice, To},
    postgres::Scope,
    vault::Vault,
};
use tempfile::TempDir;
use tokio::sync::OnceCell;
use uuid::Uuid;

use super::corrected::{Corrected, corrected};
use super::own::{Own, own};
use crate::support::{
    app::{App, NOW},
    cluster,
    database::TestDb,
};

/// The key under License ID A. Random; nothing else holds its characters.
pub const CANARY_A: &str = "CNRYA-7QX2K-9WPVM-4TJHB-AAAA7";
/// The key under License ID B.
pub const CANARY_B: &str = "CNRYB-8RY3L-6XQWN-5VKJC-BBBB8";
/// The own keys under License IDs A and B.
pub const CANARIES_OWN: [&str; 2] = ["CNRYC-2PD4M-8HRWQ-6YKGT-CCCC4", "CNRYD-3QF6W-9JTXR-8BMHV-DDDD6"];
/// The License IDs.
pub const A: &str = "1111111";
/// The other one.
pub const B: &str = "2222222";
/// The one that is nowhere.
pub const ABSENT: &str = "9999999";

/// What somebody can be.
pub const ACTORS: [&str; 11] = [
    "anonymous",
    "no grant",
    "keys reader A",
    "position reader A",
    "download manager A",
    "administrator A",
    "administrator B",
    "revoked",
    "disabled",
    "site operator",
    "auditor",
];

/// Ids of what was planted, by License ID A and B.
#[derive(Clone, Copy, Debug)]
pub struct Planted {
    /// Rows in `contracts`.
    pub contracts: [Uuid; 2],
    /// Rows in `product_keys`.
    pub keys: [Uuid; 2],
    /// Their order lines.
    pub orders: [Uuid; 2],
    /// Grants of the two administrators.
    pub grants: [Uuid; 2],
    /// Sessions of the two administrators.
    pub sessions: [Uuid; 2],
    /// Uploads of the two administrators.
    pub imports: [Uuid; 2],
    /// Notices of the two administrators.
    pub notices: [Uuid; 2],
    /// Numbers of the two administrators' requests about the keys.
    pub requests: [i64; 2],
    /// The files attached to them.
    pub files: [Uuid; 2],
    /// Somebody whom administrator A knows, and somebody whom administrator B does.
    pub known: [Uuid; 2],
    /// Changes of roles that the two administrators have just saved.
    pub changes: [Uuid; 2],
    /// Rules of the two administrators over agreements of their own, to which no License ID belongs: each holds an
    /// Administrator's beside it.
    pub rules: [Uuid; 2],
    /// Own applications, with all that can hang on one.
    pub own: [Own; 2],
    /// Files to download of the two products.
    pub downloads: [Uuid; 2],
    /// Views that the two administrators have saved.
    pub views: [Uuid; 2],
    /// Things that are corrected by hand.
    pub corrected: [Corrected; 2],
    /// The actors, in the order of [`ACTORS`]; nil for the anonymous one.
    pub people: [Uuid; 11],
}

/// The world, ready to be copied.
pub struct World {
    template: String,
    keys: Arc<TempDir>,
    /// What was planted.
    pub planted: Planted,
}

static WORLD: OnceCell<World> = OnceCell::const_new();

/// The world of this run.
pub async fn world() -> &'static World {
    WORLD.get_or_init(World::make).await
}

impl World {
    async fn make() -> Self {
        // a static outlives every destructor: this directory is removed by the next run
        let keys = Arc::new(cluster::scratch());
        let app = App::over(TestDb::new().await, keys.clone()).await;
        for name in ["kek", "responder.key"] {
            std::fs::copy(app.keys.path().join(name), keys.path().join(name)).unwrap();
        }
        let planted = plant(&app).await;
        let template = app.into_template().await;
        Self { template, keys, planted }
    }

    /// A portal over a copy of the world, everybody signed in.
    pub async fn app(&self) -> App {
        let app = App::over(TestDb::copy_of(&self.template).await, self.keys.clone()).await;
        for person in self.planted.people.iter().filter(|person| !person.is_nil()) {
            app.sign_in(*person).await;
        }
        app
    }

    /// The person who is `actor`; none for the anonymous one.
    pub fn person(&self, actor: &str) -> Option<Uuid> {
        let at = ACTORS.iter().position(|known| *known == actor).unwrap();
        Some(self.planted.people[at]).filter(|person| !person.is_nil())
    }
}

async fn plant(app: &App) -> Planted {
    let contracts = [contract(app, A).await, contract(app, B).await];
    let products = [product(app, "alpha-suite").await, product(app, "beta-suite").await];
    let keys =
        [key(app, contracts[0], products[0], CANARY_A).await, key(app, contracts[1], products[1], CANARY_B).await];
    let orders = [order(app, contracts[0]).await, order(app, contracts[1]).await];
    for contract in contracts {
        run(
            app,
            "INSERT INTO license_summaries (id, contract_id, product_family, version, product_pool, type, effective_quantity, active_sa_quantity)
             VALUES (gen_random_uuid(), $1, 'Planted family', '2025', 'Servers', 'License/SA', 1024, 512)",
            contract,
        )
        .await;
    }
    let mut people = [Uuid::nil(); 11];
    for (at, actor) in ACTORS.iter().enumerate().skip(1) {
        let set = match *actor {
            "site operator" => "site_operator = true",
            "auditor" => "auditor = true",
            _ => "",
        };
        people[at] = app.person(actor, set).await;
    }
    let who = |actor: &str| people[ACTORS.iter().position(|known| *known == actor).unwrap()];
    let grants = [
        app.grant(who("administrator A"), "administrator", contracts[0]).await,
        app.grant(who("administrator B"), "administrator", contracts[1]).await,
    ];
    let given = app.grant(who("keys reader A"), "product-keys-reader", contracts[0]).await;
    app.grant(who("position reader A"), "license-position-reader", contracts[0]).await;
    app.grant(who("download manager A"), "product-download-manager", contracts[0]).await;
    let revoked = app.grant(who("revoked"), "administrator", contracts[0]).await;
    run(app, "UPDATE grants SET revoked_at = granted_at WHERE id = $1", revoked).await;
    app.grant(who("disabled"), "administrator", contracts[0]).await;
    run(app, "UPDATE people SET disabled_at = created_at WHERE id = $1", who("disabled")).await;
    let sessions = [session(app, who("administrator A")).await, session(app, who("administrator B")).await];
    let imports = [import(app, who("administrator A")).await, import(app, who("administrator B")).await];
    let notices = [notice(app, contracts[0], A).await, notice(app, contracts[1], B).await];
    let requests = [
        request(app, who("administrator A"), contracts[0], keys[0]).await,
        request(app, who("administrator B"), contracts[1], keys[1]).await,
    ];
    let files = [requests[0].1, requests[1].1];
    let requests = [requests[0].0, requests[1].0];
    let downloads = [
        download(app, products[0], who("administrator A")).await,
        download(app, products[1], who("administrator B")).await,
    ];
    let own =
        [own(app, contracts[0], "Alpha", CANARIES_OWN[0]).await, own(app, contracts[1], "Beta", CANARIES_OWN[1]).await];
    let views = [view(app, who("administrator A"), A).await, view(app, who("administrator B"), B).await];
    let known = [who("keys reader A"), who("administrator B")];
    let changes =
        [change(app, who("administrator A"), given).await, change(app, who("administrator B"), grants[1]).await];
    let rules = [rule(app, who("administrator A"), A).await, rule(app, who("administrator B"), B).await];
    let corrected = [
        corrected(app, contracts[0], keys[0], who("administrator A")).await,
        corrected(app, contracts[1], keys[1], who("administrator B")).await,
    ];
    Planted {
        contracts,
        keys,
        orders,
        grants,
        sessions,
        imports,
        notices,
        requests,
        files,
        known,
        changes,
        rules,
        own,
        downloads,
        views,
        corrected,
        people,
    }
}

async fn run(app: &App, statement: &'static str, id: Uuid) {
    let mut tx = app.state.db.begin(Scope::System).await.unwrap();
    sqlx::query(statement).bind(id).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
}

async fn contract(app: &App, license_id: &str) -> Uuid {
    let (id, organization) = (Uuid::now_v7(), Uuid::now_v7());
    let mut tx = app.state.db.begin(Scope::System).await.unwrap();
    sqlx::query("INSERT INTO organizations (id, name) VALUES ($1, $2)")
        .bind(organization)
        .bind(format!("Holder of {license_id}"))
        .execute(&mut *tx)
        .await
        .unwrap();
    sqlx::query("INSERT INTO contracts (id, license_id, organization_id, program, ends_on, created_at) VALUES ($1, $2, $3, 'Enterprise', '2027-06-30', $4)")
        .bind(id)
        .bind(license_id)
        .bind(organization)
        .bind(NOW)
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    id
}

async fn product(app: &App, slug: &str) -> Uuid {
    let id = Uuid::now_v7();
    let mut tx = app.state.db.begin(Scope::System).await.unwrap();
    sqlx::query("INSERT INTO products (id, slug, name, category, family, created_at) VALUES ($1, $2, $2, 'Windows', 'Windows', $3)")
        .bind(id)
        .bind(slug)
        .bind(NOW)
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    id
}

/// Plants a MAK, sealed as an import seals it.
pub async fn key(app: &App, contract: Uuid, product: Uuid, text: &str) -> Uuid {
    let key = ProductKey::parse(text).unwrap();
    let id = Uuid::now_v7();
    let vault: &Vault = &app.state.vault;
    let mut tx = app.state.db.begin(Scope::System).await.unwrap();
    let data_key = vault.data_keys_for(&mut tx, &[contract]).await.unwrap().remove(&contract).unwrap();
    sqlx::query(
        "INSERT INTO product_keys (id, contract_id, product_id, kind, fingerprint, last_five, data_key_id, sealed, used, total, read_at, created_at)
         VALUES ($1, $2, $3, 'MAK', $4, $5, $6, $7, 42, 50, $8, $8)",
    )
    .bind(id)
    .bind(contract)
    .bind(product)
    .bind(vault.fingerprint(&key).as_slice())
    .bind(key.last_five())
    .bind(data_key.id)
    .bind(vault.seal_key(&data_key, id, &key))
    .bind(NOW)
    .execute(&mut *tx)
    .await
    .unwrap();
    tx.commit().await.unwrap();
    id
}

async fn order(app: &App, contract: Uuid) -> Uuid {
    let id = Uuid::now_v7();
    let mut tx = app.state.db.begin(Scope::System).await.unwrap();
    sqlx::query(
        "INSERT INTO orders (id, contract_id, reseller_order_no, customer_order_no, reseller, part_number, description, quantity, country)
         VALUES ($1, $2, 'R1', 'C1', 'Reseller', 'P1', 'A suite', 5, 'Switzerland')",
    )
    .bind(id)
    .bind(contract)
    .execute(&mut *tx)
    .await
    .unwrap();
    tx.commit().await.unwrap();
    id
}

/// A notice to whoever administers the License ID; somebody wrote a key into it.
async fn notice(app: &App, contract: Uuid, license_id: &str) -> Uuid {
    let canary = if license_id == A { CANARY_A } else { CANARY_B };
    let mut tx = app.state.db.begin(Scope::System).await.unwrap();
    let told = Notice {
        kind: Kind::RequestComment,
        about: format!("planted:{license_id}"),
        subject: format!("A comment on a request for {license_id}"),
        sentence: format!("Somebody wrote: “more for {canary}”."),
        link: format!("/contracts/{license_id}"),
        contract_id: Some(contract),
    };
    notices::put(&mut tx, &told, To::AdministratorsOf { contract, except: None }).await.unwrap();
    let id = sqlx::query_scalar("SELECT id FROM notices WHERE about = $1")
        .bind(&told.about)
        .fetch_one(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    id
}

/// A grant as if its Administrator had just given it in the browser.
async fn change(app: &App, by: Uuid, grant: Uuid) -> Uuid {
    let id = Uuid::now_v7();
    let mut tx = app.state.db.begin(Scope::System).await.unwrap();
    sqlx::query(
        "INSERT INTO role_changes (id, kind, by_person, made_at, words) VALUES ($1, 'give', $2, $3, 'planted')",
    )
    .bind(id)
    .bind(by)
    .bind(NOW)
    .execute(&mut *tx)
    .await
    .unwrap();
    sqlx::query("INSERT INTO role_change_grants (change_id, grant_id, did) VALUES ($1, $2, 'given')")
        .bind(id)
        .bind(grant)
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    id
}

/// A reader's rule that its holder may end.
async fn rule(app: &App, person: Uuid, license_id: &str) -> Uuid {
    let (agreement, id) = (Uuid::now_v7(), Uuid::now_v7());
    let mut tx = app.state.db.begin(Scope::System).await.unwrap();
    sqlx::query("INSERT INTO agreements (id, number) VALUES ($1, 'Above ' || $2)")
        .bind(agreement)
        .bind(license_id)
        .execute(&mut *tx)
        .await
        .unwrap();
    for (id, role) in [(Uuid::now_v7(), "administrator"), (id, "product-keys-reader")] {
        sqlx::query(
            "INSERT INTO grant_rules (id, person_id, role, covers, agreement_id, granted_at) VALUES ($1, $2, $3, 'agreement', $4, $5)",
        )
        .bind(id)
        .bind(person)
        .bind(role)
        .bind(agreement)
        .bind(NOW)
        .execute(&mut *tx)
        .await
        .unwrap();
    }
    tx.commit().await.unwrap();
    id
}

/// A view of the contracts, whose name and filter say whose License ID it is about.
async fn view(app: &App, person: Uuid, license_id: &str) -> Uuid {
    let id = Uuid::now_v7();
    let mut tx = app.state.db.begin(Scope::System).await.unwrap();
    sqlx::query(
        "INSERT INTO saved_views (id, person_id, path, query, name, position, created_at)
         VALUES ($1, $2, '/contracts', 'q=' || $3, 'Planted ' || $3, 1, $4)",
    )
    .bind(id)
    .bind(person)
    .bind(license_id)
    .bind(NOW)
    .execute(&mut *tx)
    .await
    .unwrap();
    tx.commit().await.unwrap();
    id
}

async fn session(app: &App, person: Uuid) -> Uuid {
    app.sign_in(person).await;
    let mut tx = app.state.db.begin(Scope::System).await.unwrap();
    sqlx::query_scalar("SELECT id FROM sessions WHERE person_id = $1").bind(person).fetch_one(&mut *tx).await.unwrap()
}

async fn import(app: &App, person: Uuid) -> Uuid {
    let id = Uuid::now_v7();
    let mut tx = app.state.db.begin(Scope::System).await.unwrap();
    sqlx::query(
        "INSERT INTO imports (id, person_id, actor, created_at, state) VALUES ($1, $2, 'planted', $3, 'staged')",
    )
    .bind(id)
    .bind(person)
    .bind(NOW)
    .execute(&mut *tx)
    .await
    .unwrap();
    tx.commit().await.unwrap();
    id
}

/// A submitted request for 20 more activations, with a file.
async fn request(app: &App, asker: Uuid, contract: Uuid, key: Uuid) -> (i64, Uuid) {
    let (id, file) = (Uuid::now_v7(), Uuid::now_v7());
    let mut tx = app.state.db.begin(Scope::System).await.unwrap();
    let number = sqlx::query_scalar(
        "INSERT INTO requests (id, kind, state, contract_id, license_id, key_id, asker_id, quantity, justification, created_at)
         VALUES ($1, 'mak-limit', 'submitted', $2, '', $3, $4, 20, 'planted', $5) RETURNING number",
    )
    .bind(id)
    .bind(contract)
    .bind(key)
    .bind(asker)
    .bind(NOW)
    .fetch_one(&mut *tx)
    .await
    .unwrap();
    sqlx::query(
        "INSERT INTO request_files (id, request_id, name, media_type, bytes, person_id, added_at)
         VALUES ($1, $2, 'plan.txt', 'text/plain', 'a plan', $3, $4)",
    )
    .bind(file)
    .bind(id)
    .bind(asker)
    .bind(NOW)
    .execute(&mut *tx)
    .await
    .unwrap();
    tx.commit().await.unwrap();
    (number, file)
}

/// A file to download, of whose bytes the disk knows nothing: a GET asks for more than its row.
async fn download(app: &App, product: Uuid, by: Uuid) -> Uuid {
    let id = Uuid::now_v7();
    let mut tx = app.state.db.begin(Scope::System).await.unwrap();
    sqlx::query(
        "INSERT INTO downloads (id, product_id, name, language, system, component, size, sha256, added_by, added_at)
         VALUES ($1, $2, 'suite.iso', 'English', '64-bit', 'ISO', 5, decode(repeat('ab', 32), 'hex'), $3, $4)",
    )
    .bind(id)
    .bind(product)
    .bind(by)
    .bind(NOW)
    .execute(&mut *tx)
    .await
    .unwrap();
    tx.commit().await.unwrap();
    id
}

/// A page as one of the world's people sees it.
pub async fn page(app: &App, path: &str, actor: &str) -> String {
    let answer = app.get(path, world().await.person(actor)).await;
    let status = answer.status();
    let html = answer.text().await.unwrap();
    assert_eq!(status, 200, "{path} as {actor}: {html}");
    html
}

/// Sends a form; the status and the page, or where it leads.
pub async fn send(app: &App, path: &str, actor: &str, form: &[(&str, &str)]) -> (u16, String) {
    let answer = app.post(path, world().await.person(actor), form).await;
    let status = answer.status().as_u16();
    match answer.headers().get("location").map(|to| to.to_str().unwrap().to_owned()) {
        Some(location) => (status, location),
        None => (status, answer.text().await.unwrap()),
    }
}
