//! Fills an empty installation: organisations, License IDs, products, and keys that the vault seals one by
//! one; beside them a plain table with the same nine columns in clear, for the anchor.

use std::fmt::Write as _;

use keyward::{
    keys::ProductKey,
    postgres::{Db, Scope},
    vault::{Vault, keyring::DataKey},
};
use sqlx::{Connection, Executor, PgConnection, postgres::PgConnectOptions};
use uuid::Uuid;

use crate::estate::{ADMINISTRATOR, READER};

/// License IDs.
pub const CONTRACTS: usize = 10_000;
/// Of them the reader's: every so many-th, so that they lie all over the estate.
const READERS: usize = 100;
/// Products on a License ID, each with [`KEYS`] keys.
const PRODUCTS: usize = 25;
/// Keys of a product on a License ID.
const KEYS: usize = 4;
/// License IDs whose keys are written in one go.
const BATCH: usize = 250;
/// The alphabet of keys.
const ALPHABET: &[u8; 24] = b"2346789BCDFGHJKMNPQRTVWX";
const FAMILIES: [(&str, &str); 10] = [
    ("Windows", "Windows"),
    ("Windows Server", "Servers"),
    ("SQL Server", "Servers"),
    ("Exchange Server", "Servers"),
    ("SharePoint Server", "Servers"),
    ("System Center", "Management"),
    ("Office LTSC", "Office"),
    ("Project", "Office"),
    ("Visio", "Office"),
    ("Visual Studio", "Developer tools"),
];
const VERSIONS: [&str; 5] = ["2012", "2016", "2019", "2022", "2025"];
const EDITIONS: [&str; 4] = ["Standard", "Enterprise", "Datacenter", "Essentials"];

/// A License ID as its keys need it.
struct Contract {
    id: Uuid,
    license_id: String,
    organization: String,
}

/// A product.
struct Product {
    id: Uuid,
    name: String,
}

/// The same numbers in every run (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) >> 8).unwrap() % limit
    }
}

/// Plants everything.
pub async fn plant(db: &Db, vault: &Vault, superuser: &PgConnectOptions) {
    let mut connection = PgConnection::connect_with(superuser).await.unwrap();
    let contracts = contracts(&mut connection).await;
    let products = products(&mut connection).await;
    people(&mut connection, &contracts).await;
    connection
        .execute(
            "CREATE SCHEMA bench;
             CREATE TABLE bench.plain_keys (license_id text, parent_program text, organization text, product text,
                 product_key text, type text, activations text, seats text, osa_status text)",
        )
        .await
        .unwrap();
    let ids: Vec<Uuid> = contracts.iter().map(|contract| contract.id).collect();
    let mut tx = db.begin(Scope::System).await.unwrap();
    let data_keys = vault.data_keys_for(&mut tx, &ids).await.unwrap();
    tx.commit().await.unwrap();
    let mut numbers = Numbers(1);
    for batch in contracts.chunks(BATCH) {
        let (mut sealed, mut plain) = (String::new(), String::new());
        for contract in batch {
            keys(vault, &data_keys[&contract.id], contract, &products, &mut numbers, &mut sealed, &mut plain);
        }
        copy(&mut connection, "COPY product_keys (id, contract_id, product_id, kind, fingerprint, last_five, data_key_id, sealed, used, total, seats, read_at, created_at) FROM STDIN", &sealed).await;
        copy(&mut connection, "COPY bench.plain_keys FROM STDIN", &plain).await;
    }
    connection.execute("VACUUM (ANALYZE)").await.unwrap();
    connection.execute("CHECKPOINT").await.unwrap();
    connection.close().await.unwrap();
}

async fn copy(connection: &mut PgConnection, statement: &'static str, rows: &str) {
    let mut copy = connection.copy_in_raw(statement).await.unwrap();
    copy.send(rows.as_bytes()).await.unwrap();
    copy.finish().await.unwrap();
}

async fn contracts(connection: &mut PgConnection) -> Vec<Contract> {
    let mut rows = String::new();
    let organizations: Vec<(Uuid, String)> =
        (1..=1_000).map(|n| (Uuid::now_v7(), format!("Northwind Subsidiary {n:04} Ltd."))).collect();
    for (id, name) in &organizations {
        writeln!(rows, "{id}\t{name}").unwrap();
    }
    copy(connection, "COPY organizations (id, name) FROM STDIN", &rows).await;
    rows.clear();
    let contracts: Vec<Contract> = (0..CONTRACTS)
        .map(|n| {
            let (organization, name) = &organizations[n % organizations.len()];
            let (id, license_id) = (Uuid::now_v7(), (1_000_000 + n * 37).to_string());
            writeln!(rows, "{id}\t{license_id}\t{organization}\tEnterprise 6\t2031-06-30\t2026-01-01 00:00:00Z")
                .unwrap();
            Contract { id, license_id, organization: name.clone() }
        })
        .collect();
    copy(
        connection,
        "COPY contracts (id, license_id, organization_id, program, ends_on, created_at) FROM STDIN",
        &rows,
    )
    .await;
    contracts
}

async fn products(connection: &mut PgConnection) -> Vec<Product> {
    let mut rows = String::new();
    let mut products = Vec::new();
    for (family, category) in FAMILIES {
        for version in VERSIONS {
            for edition in EDITIONS {
                let (id, name) = (Uuid::now_v7(), format!("{family} {version} {edition}"));
                let slug = name.to_lowercase().replace(' ', "-");
                writeln!(
                    rows,
                    "{id}\t{slug}\t{name}\t{category}\t{family}\t{version}\t{edition}\t2026-01-01 00:00:00Z"
                )
                .unwrap();
                products.push(Product { id, name });
            }
        }
    }
    copy(
        connection,
        "COPY products (id, slug, name, category, family, version, edition, created_at) FROM STDIN",
        &rows,
    )
    .await;
    products
}

async fn people(connection: &mut PgConnection, contracts: &[Contract]) {
    let (reader, administrator) = (Uuid::now_v7(), Uuid::now_v7());
    for (id, email, name) in [(reader, READER, "Rea Reader"), (administrator, ADMINISTRATOR, "Ada Administrator")] {
        sqlx::query("INSERT INTO people (id, email, name, created_at) VALUES ($1, $2, $3, '2026-01-01 00:00:00Z')")
            .bind(id)
            .bind(email)
            .bind(name)
            .execute(&mut *connection)
            .await
            .unwrap();
    }
    let seen: Vec<Uuid> = contracts.iter().step_by(CONTRACTS / READERS).map(|contract| contract.id).collect();
    sqlx::query("INSERT INTO grants (person_id, role, contract_id, granted_at) SELECT $1, 'product-keys-reader', c, '2026-01-01 00:00:00Z' FROM unnest($2::uuid[]) AS c")
        .bind(reader)
        .bind(seen)
        .execute(&mut *connection)
        .await
        .unwrap();
    sqlx::query("INSERT INTO grant_rules (id, person_id, role, covers, granted_at) VALUES ($1, $2, 'administrator', 'all', '2026-01-01 00:00:00Z')")
        .bind(Uuid::now_v7())
        .bind(administrator)
        .execute(&mut *connection)
        .await
        .unwrap();
}

fn keys(
    vault: &Vault,
    data_key: &DataKey,
    contract: &Contract,
    products: &[Product],
    numbers: &mut Numbers,
    sealed: &mut String,
    plain: &mut String,
) {
    let first = numbers.below(products.len());
    for n in 0..PRODUCTS {
        // Steps of 7 through 200: all different, and License IDs overlap in some products only.
        let product = &products[(first + n * 7) % products.len()];
        for place in 0..KEYS {
            let text = key_text(numbers);
            let key = ProductKey::parse(&text).unwrap();
            let id = Uuid::now_v7();
            let (kind, label) = [("MAK", "MAK"), ("KMS", "KMS"), ("MAK", "MAK"), ("VLK", "VLK")][place];
            let (used, total) = (numbers.below(500), 500 + numbers.below(4_500));
            let counted = kind == "MAK";
            let counts = if counted { format!("{used}\t{total}") } else { r"\N	\N".to_owned() };
            let seats = if kind == "VLK" { "250" } else { r"\N" };
            writeln!(
                sealed,
                "{id}\t{}\t{}\t{kind}\t\\\\x{}\t{}\t{}\t\\\\x{}\t{counts}\t{seats}\t2026-11-01 00:00:00Z\t2026-01-01 00:00:00Z",
                contract.id,
                product.id,
                hex(&vault.fingerprint(&key)),
                key.last_five(),
                data_key.id,
                hex(&vault.seal_key(data_key, id, &key)),
            )
            .unwrap();
            writeln!(
                plain,
                "{}\tEnterprise 6\t{}\t{}\t{text}\t{label}\t{}\t{}\t",
                contract.license_id,
                contract.organization,
                product.name,
                if counted { format!("{used}/{total}") } else { String::new() },
                if kind == "VLK" { "250" } else { "" },
            )
            .unwrap();
        }
    }
}

fn key_text(numbers: &mut Numbers) -> String {
    (0..29).map(|at| if at % 6 == 5 { '-' } else { char::from(ALPHABET[numbers.below(24)]) }).collect()
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}
