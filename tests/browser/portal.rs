//! The portal that journeys lead through: the demo's estate and people, its clock standing still.

use std::{fs, path::Path, sync::Arc};

use keyward::{
    cli::{demo, open::Opened},
    clock::Clock,
    postgres::Db,
    vault::Vault,
};
use tempfile::TempDir;
use tokio::sync::OnceCell;

use super::{driver::Scripts, page::Browser};
use crate::support::{
    app::{App, NOW},
    cluster,
    database::TestDb,
};

/// The password of everybody.
pub const PASSWORD: &str = "journey through the portal";

/// The License ID under which the demo keeps its own software, which no vendor's file holds, and that
/// software's products.
pub const OWN: &str = "OWN-0001";
pub const OWN_PRODUCTS: [&str; 3] = ["Dock Scheduler 2", "Plotter 5 Render Server", "Plotter 5 Standard"];

/// The people of the demo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Person {
    /// Administrator of everything, and site operator.
    Admin,
    /// Administrator of some, and auditor.
    Second,
    /// Product keys reader of two License IDs.
    HelpDesk,
    /// Without any role.
    Newcomer,
}

impl Person {
    fn email(self) -> &'static str {
        match self {
            Self::Admin => "admin@northwind.example",
            Self::Second => "second@northwind.example",
            Self::HelpDesk => "helpdesk@northwind.example",
            Self::Newcomer => "newcomer@northwind.example",
        }
    }
}

struct Furnished {
    template: String,
    keys: Arc<TempDir>,
}

static FURNISHED: OnceCell<Furnished> = OnceCell::const_new();

/// Done once a run: the import takes seconds.
async fn furnish() -> Furnished {
    let database = TestDb::new().await;
    // a static outlives every destructor: this directory is removed by the next run
    let keys = cluster::scratch();
    let db = Db::connect(database.app.clone(), 4, Clock::standing_at(NOW)).await.unwrap();
    let vault = Vault::open(&db, &keys.path().join("kek"), &keys.path().join("responder.key")).await.unwrap();
    let opened = Opened { db, vault, responder: database.responder.clone(), embedded: None };
    demo::furnish(&opened, PASSWORD).await.unwrap();
    opened.close().await.unwrap();
    Furnished { template: database.into_template(), keys: Arc::new(keys) }
}

/// A portal of its own with a browser before it.
pub struct Journey {
    /// The portal.
    pub app: App,
    /// The browser.
    pub browser: Browser,
}

impl Journey {
    /// Starts both.
    pub async fn begin(scripts: Scripts) -> Self {
        let furnished = FURNISHED.get_or_init(furnish).await;
        let app = App::over(TestDb::copy_of(&furnished.template).await, furnished.keys.clone()).await;
        let browser = Browser::start(&app.base, scripts).await;
        Self { app, browser }
    }

    /// Starts both, and signs a person in by the form.
    pub async fn of(person: Person, scripts: Scripts) -> Self {
        let journey = Self::begin(scripts).await;
        journey.sign_in(person).await;
        journey
    }

    /// Signs in by the form.
    pub async fn sign_in(&self, person: Person) {
        self.browser.open("/sign-in").await;
        self.fill_in_sign_in(person).await;
        self.browser.at("/").await;
    }

    /// Fills in the form that is open, and sends it.
    pub async fn fill_in_sign_in(&self, person: Person) {
        let browser = &self.browser;
        browser.fill("#email", person.email()).await;
        browser.fill("#password", PASSWORD).await;
        browser.click("form[action='/sign-in'] button").await;
        browser.see(".account").await;
    }

    /// The end: nothing on the console but what the journey provoked, and no script or style refused.
    pub async fn end(self, provoked: &[&str]) {
        let complaints = self.browser.complaints(provoked).await;
        assert!(complaints.is_empty(), "the browser's console: {complaints:#?}");
        drop(self.browser);
        self.app.done().await;
    }
}

/// The rows of a file of the estate, its header first.
pub fn estate(name: &str) -> Vec<Vec<String>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("demo/estate").join(name);
    rows(&fs::read(path).unwrap(), if name == "admin-center-keys.csv" { b'\t' } else { b',' })
}

/// The rows of a delimited text.
pub fn rows(bytes: &[u8], delimiter: u8) -> Vec<Vec<String>> {
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .from_reader(bytes)
        .records()
        .map(|row| row.unwrap().iter().map(str::to_owned).collect())
        .collect()
}

/// The rows of the keys' file, its header left out, that `wanted` keeps, sorted.
pub fn keys(wanted: impl Fn(&[String]) -> bool) -> Vec<Vec<String>> {
    let mut keys: Vec<_> = estate("admin-center-keys.csv").into_iter().skip(1).filter(|row| wanted(row)).collect();
    keys.sort();
    keys
}

/// Columns of the keys' file.
pub mod column {
    /// License ID.
    pub const LICENSE_ID: usize = 0;
    /// Organization.
    pub const ORGANIZATION: usize = 2;
    /// Product.
    pub const PRODUCT: usize = 3;
    /// The key in clear.
    pub const KEY: usize = 4;
    /// MAK, KMS, …
    pub const KIND: usize = 5;
    /// `42/50`.
    pub const USED: usize = 6;
    /// Available or Redeemed.
    pub const OSA: usize = 8;
}
