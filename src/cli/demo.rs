//! `keyward demo`: the portal with a believable estate, in a data directory of its own.

use std::{fs, io::Write, os::unix::fs::OpenOptionsExt, path::Path, process::ExitCode};

use anyhow::{Context, Result, bail};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use secrecy::SecretString;

use super::{
    demo_activation, demo_requests, import,
    open::{self, Opened},
    responder, serve,
};
use crate::{
    audit::{self, Actor},
    auth::{password::Passwords, roles::Role},
    config::{BadSetting, Settings, default_data_dir},
    imports::{Caps, read_file},
    notices,
    people::{
        accounts::{self, add_person, set_password_hash},
        db, grants,
        model::{Grant, Target},
    },
    postgres::Scope,
    vault::envelope::fill_random,
};

/// Says that a directory is a demo's and may be emptied by `--reset`; holds the sign-ins' password.
const MARKER: &str = "demo-password";

/// The estate: synthetic, in the shapes of the vendor's exports.
const ESTATE: [(&str, &[u8]); 7] = [
    ("contracts.csv", include_bytes!("../../demo/estate/contracts.csv")),
    ("mbsa.csv", include_bytes!("../../demo/estate/mbsa.csv")),
    ("contacts.csv", include_bytes!("../../demo/estate/contacts.csv")),
    ("license-summary.csv", include_bytes!("../../demo/estate/license-summary.csv")),
    ("admin-center-keys.csv", include_bytes!("../../demo/estate/admin-center-keys.csv")),
    ("orders.csv", include_bytes!("../../demo/estate/orders.csv")),
    ("select-plus-orders.csv", include_bytes!("../../demo/estate/select-plus-orders.csv")),
];

/// A sign-in of the demo.
struct SignIn {
    email: &'static str,
    name: &'static str,
    is: &'static str,
    site_operator: bool,
    auditor: bool,
    holds: &'static [(Role, On)],
}

enum On {
    All,
    Organization(&'static str),
    LicenseId(&'static str),
}

const SIGN_INS: [SignIn; 4] = [
    SignIn {
        email: "admin@northwind.example",
        name: "Licence Administrator",
        is: "Administrator of everything, and site operator",
        site_operator: true,
        auditor: false,
        holds: &[(Role::Administrator, On::All)],
    },
    SignIn {
        email: "second@northwind.example",
        name: "Second Administrator",
        is: "Administrator of Northwind Holding AG and the companies below it, and auditor",
        site_operator: false,
        auditor: true,
        holds: &[(Role::Administrator, On::Organization("Northwind Holding AG"))],
    },
    SignIn {
        email: "helpdesk@northwind.example",
        name: "Help Desk",
        is: "Product keys reader of License IDs 8671204 and 8671311",
        site_operator: false,
        auditor: false,
        holds: &[
            (Role::ProductKeysReader, On::LicenseId("8671204")),
            (Role::ProductKeysReader, On::LicenseId("8671311")),
        ],
    },
    SignIn {
        email: "newcomer@northwind.example",
        name: "Newcomer",
        is: "holds no role yet",
        site_operator: false,
        auditor: false,
        holds: &[],
    },
];

/// How to begin.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Throw the demo's data away and begin anew
    #[arg(long)]
    reset: bool,
}

/// Serves the demo.
///
/// # Errors
/// Settings; a data directory that isn't a demo's.
pub async fn run(settings: &Settings, args: &Args) -> Result<ExitCode> {
    if settings.database_url.is_some() {
        bail!(BadSetting::new("--database-url (DATABASE_URL)", "the demo has a database of its own: leave this out"));
    }
    let dir = settings.data_dir.clone().map_or_else(|| default_data_dir("keyward-demo"), Ok)?;
    let settings =
        Settings { data_dir: Some(dir.clone()), kek_file: None, responder_key_file: None, ..settings.clone() };
    let listener = serve::listen(&settings).await?;
    let machines = responder::listen(&settings).await?;
    if args.reset && dir.join(MARKER).exists() {
        fs::remove_dir_all(&dir).with_context(|| format!("{} can't be emptied", dir.display()))?;
    }
    let password = password(&dir)?;
    let opened = open::for_server(&settings).await?;
    furnish(&opened, &password).await?;
    let address = settings.web(listener.local_addr()?)?.base_url;
    println!(
        "\nKeyward's demo is at {address}\n\nSign in with one of these; the password is the same for all: {password}"
    );
    for sign_in in &SIGN_INS {
        println!("  {:<28} {}", sign_in.email, sign_in.is);
    }
    println!("\nIts data is in {}. End with Ctrl+C; begin anew with keyward demo --reset.\n", dir.display());
    serve::serve(&settings, listener, machines, opened).await?;
    Ok(ExitCode::SUCCESS)
}

/// The demo's password: made at random once and kept, so that a second start prints the same.
fn password(dir: &Path) -> Result<String> {
    let marker = dir.join(MARKER);
    if let Ok(known) = fs::read_to_string(&marker) {
        return Ok(known.trim().to_owned());
    }
    if fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some()) {
        bail!(BadSetting::new(
            "--data-dir (KEYWARD_DATA_DIR)",
            format!("{} holds something that isn't a demo's: name an empty directory", dir.display())
        ));
    }
    let unwritable = || format!("{} can't be written: name another directory with --data-dir", dir.display());
    fs::create_dir_all(dir).with_context(unwritable)?;
    let mut random = [0; 12];
    fill_random(&mut random);
    let password = format!("demo-{}", BASE64_URL_SAFE_NO_PAD.encode(random));
    let draft = marker.with_extension("new");
    let _ = fs::remove_file(&draft);
    let mut file =
        fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft).with_context(unwritable)?;
    writeln!(file, "{password}")?;
    file.sync_all()?;
    fs::rename(&draft, &marker)?;
    Ok(password)
}

/// Fills the demo with its estate and people. Does again what a killed start has left undone: an
/// import that finds everything there changes nothing.
///
/// # Errors
/// When the database fails.
pub async fn furnish(opened: &Opened, password: &str) -> Result<()> {
    let mut tx = opened.db.begin(Scope::System).await?;
    let furnished = db::find_by_email(&mut tx, SIGN_INS[SIGN_INS.len() - 1].email).await?.is_some();
    drop(tx);
    if !furnished {
        people_and_estate(opened, password).await?;
    }
    demo_activation::make(opened).await?;
    demo_requests::make(opened).await
}

async fn people_and_estate(opened: &Opened, password: &str) -> Result<()> {
    let mut files = Vec::new();
    for (name, bytes) in ESTATE {
        files.push(
            read_file(name, bytes, Caps::NONE)
                .map_err(|faults| anyhow::anyhow!("the demo's estate is damaged: {}", faults[0]))?,
        );
    }
    import::write(opened, files).await?;
    let hash = Passwords::new().hash(SecretString::from(password)).await?;
    // All in one transaction: the last of them says that the demo is furnished.
    let mut tx = opened.db.begin(Scope::System).await?;
    let mut events = Vec::new();
    for sign_in in &SIGN_INS {
        let id = add_person(&mut tx, sign_in.email, sign_in.name, sign_in.site_operator, sign_in.auditor).await?;
        set_password_hash(&mut tx, id, &hash).await?;
        events.push(accounts::added(sign_in.email, sign_in.site_operator, sign_in.auditor));
        let person = db::find_by_email(&mut tx, sign_in.email).await?.context("the account was just made")?;
        for (role, on) in sign_in.holds {
            let on = match on {
                On::All => Target::All,
                On::Organization(name) => {
                    Target::Organization(db::organization_id(&mut tx, name).await?.context("it is in the estate")?)
                }
                On::LicenseId(license_id) => {
                    Target::Contract(db::contract_id(&mut tx, license_id).await?.context("it is in the estate")?)
                }
            };
            let granted = grants::grant(&mut tx, Grant { person: &person, role: *role, on, until: None, by: None })
                .await
                .map_err(|fault| anyhow::anyhow!("{fault}"))?;
            events.extend(granted.events);
        }
    }
    let now = tx.now();
    audit::db::record_all(&mut tx, &opened.linker(), now, &Actor::system("demo"), events).await?;
    tx.commit().await?;
    // So that the first page has a bell with something in it.
    notices::plan::plan(&opened.db).await?;
    Ok(())
}
