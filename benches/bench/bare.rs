//! What the pages are compared with: the same templates and the same rows behind a handler that has nothing
//! but axum, sqlx and a plain query for each thing that the page shows: its list, the counts of the categories,
//! the product of the panel and its keys. No session, no scope (it knows beforehand who asks and which License
//! IDs are his), no row-level security (it connects as the role that passes it by), no layers, no compression.

// Bare on purpose: what the program itself must not do, the handler it is compared with does.
#![allow(clippy::disallowed_types, clippy::disallowed_methods)]

use std::{collections::HashMap, path::Path, sync::Arc};

use axum::response::IntoResponse;
use axum::{
    Router,
    extract::{Path as InPath, Query, State},
    response::Response,
    routing::get,
};
use keyward::{
    keys::{self, model::KeyRow},
    postgres::like,
    products::{
        about::About,
        list::{COLUMNS, Category, ProductRow, ProductsPage},
        model::{Listed, Product},
        panel::{ProductPanel, ProductTab},
    },
    web::{
        page::{Html, Person, Shell},
        view::{
            Address, Archive, Archived, Ask, Columns, Empty, EmptyKind, Export, KeyLead, KeyList, KeyRow as KeyLine,
            Pager,
        },
    },
};
use sqlx::{AssertSqlSafe, PgPool, postgres::PgPoolOptions};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::estate::{READER, attached, superuser};

/// With this argument the benchmark is this server.
pub const FLAG: &str = "--bare";
/// What the reader's navigation leaves out.
const CLOSED: [&str; 6] = ["/people", "/activation", "/organizations", "/imports", "/changes", "/audit"];
/// Rows on a page, as on ours.
const PAGE: i64 = 50;

/// What a request needs.
struct Bare {
    pool: PgPool,
    reader: Person,
    /// The License IDs that the reader sees: known, not asked for.
    contracts: Vec<Uuid>,
}

#[derive(sqlx::FromRow)]
struct Counted<T> {
    #[sqlx(flatten)]
    row: T,
    all: i64,
}

/// Serves; says on the standard output where.
pub async fn serve(data: &Path) {
    let cluster = attached(data).await;
    // As many connections as the portal has, and no ping before each statement either.
    let pool = PgPoolOptions::new()
        .max_connections(32)
        .test_before_acquire(false)
        .connect_with(superuser(&cluster))
        .await
        .unwrap();
    let (name, email, contracts) = sqlx::query_as(
        "SELECT p.name, p.email, array_agg(g.contract_id) FROM people p JOIN grants g ON g.person_id = p.id WHERE p.email = $1 GROUP BY p.id",
    )
    .bind(READER)
    .fetch_one(&pool)
    .await
    .unwrap();
    let bare = Bare { pool, reader: Person { name, email }, contracts };
    let router =
        Router::new().route("/products", get(list)).route("/products/{slug}", get(open)).with_state(Arc::new(bare));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("{}", listener.local_addr().unwrap());
    use axum::serve::ListenerExt;
    let listener = listener.tap_io(|stream| stream.set_nodelay(true).unwrap());
    axum::serve(listener, router).await.unwrap();
}

type Parameters = Query<HashMap<String, String>>;

async fn list(State(bare): State<Arc<Bare>>, Query(query): Parameters) -> Response {
    let q = query.get("q").map_or("", String::as_str);
    Html(page(&bare, "/products", q, None).await).into_response()
}

async fn open(State(bare): State<Arc<Bare>>, InPath(slug): InPath<String>, _: Parameters) -> Response {
    let product = product(&bare, &slug).await;
    let panel = panel(&bare, &product).await;
    Html(page(&bare, &["/products/", &slug].concat(), "", Some(panel)).await).into_response()
}

async fn page(bare: &Bare, path: &str, q: &str, panel: Option<ProductPanel>) -> ProductsPage {
    let (rows, all) = rows(bare, q).await;
    let address = Address::new("/products").with("q", q);
    let nav = Shell::NAV.into_iter().filter(|item| !CLOSED.contains(&item.href));
    let categories = categories(bare, q).await;
    let everything = (String::new(), categories.iter().map(|(_, count)| count).sum());
    ProductsPage {
        shell: Shell::new(path, Some(bare.reader.clone()), nav.collect()).made(OffsetDateTime::now_utc()),
        q: q.to_owned(),
        categories: std::iter::once(everything)
            .chain(categories)
            .map(|(label, count)| Category {
                href: address.clone().with("category", label.as_str()).href(),
                count: count.unsigned_abs(),
                current: label.is_empty(),
                label: if label.is_empty() { "All".to_owned() } else { label },
            })
            .collect(),
        standing: None,
        rows: rows
            .into_iter()
            .map(|listed| ProductRow {
                href: address.clone().at(["/products/", &listed.slug].concat()).href(),
                slug: listed.slug,
                name: listed.name,
                category: listed.category,
                license_ids: listed.license_ids.unsigned_abs(),
                keys: listed.keys.unsigned_abs(),
                needs_key: listed.needs_key,
            })
            .collect(),
        pager: Pager::new(&address, "page", 1, PAGE.unsigned_abs(), all.unsigned_abs()),
        export: Some(
            Export::of_keys("export-keys", "Export all keys", "all")
                .text("Every key that you may see, of all products and License IDs."),
        ),
        empty: Empty::new(EmptyKind::NothingYet, "", ""),
        archived: Archived::of(&address, Archive::LIST),
        panel,
        columns: Columns::parse(&COLUMNS, &[]),
        address,
    }
}

/// What a search narrows both queries to: `$2` as typed, `$3` as a pattern.
const MATCHING: &str = "AND (p.name ILIKE '%' || $3 || '%' OR p.id IN (
    SELECT k.product_id FROM product_keys k WHERE k.last_five = upper($2) AND k.contract_id = ANY($1)))";

/// The one plain query of the list of products.
async fn rows(bare: &Bare, q: &str) -> (Vec<Listed>, i64) {
    let matching = if q.is_empty() { "" } else { MATCHING };
    let statement = format!(
        "SELECT p.slug, p.name, p.category, p.needs_key, count(*) AS license_ids, sum(cp.keys)::bigint AS keys, count(*) OVER () AS all
         FROM contract_products cp JOIN products p ON p.id = cp.product_id
         WHERE cp.contract_id = ANY($1) {matching} GROUP BY p.id ORDER BY lower(p.name) LIMIT {PAGE}"
    );
    let mut statement = sqlx::query_as(AssertSqlSafe(statement)).bind(&bare.contracts);
    if !q.is_empty() {
        statement = statement.bind(q).bind(like(q));
    }
    counted(statement.fetch_all(&bare.pool).await.unwrap())
}

/// The one plain query of the list of keys.
async fn keys_of(bare: &Bare, product: Uuid) -> (Vec<KeyRow>, i64) {
    let statement = sqlx::query_as(
        "SELECT k.id, k.id AS same_as, c.license_id, o.name AS organization, p.name AS product, p.slug, k.kind, k.last_five, k.used, k.total, k.seats,
                k.osa_status, k.read_at, coalesce(k.usable_from, p.usable_from) AS usable_from, k.blocked_at, k.superseded_at, k.no_key_text, count(*) OVER () AS all,
                ARRAY(SELECT DISTINCT c2.license_id FROM product_keys k2 JOIN contracts c2 ON c2.id = k2.contract_id
                      WHERE k2.fingerprint = k.fingerprint AND k2.contract_id <> k.contract_id ORDER BY 1) AS shared_with
         FROM product_keys k JOIN contracts c ON c.id = k.contract_id JOIN organizations o ON o.id = c.organization_id
              JOIN products p ON p.id = k.product_id
         WHERE k.product_id = $1 AND k.contract_id = ANY($2) AND k.archived_at IS NULL ORDER BY c.license_id, k.id LIMIT $3",
    );
    counted(statement.bind(product).bind(&bare.contracts).bind(PAGE).fetch_all(&bare.pool).await.unwrap())
}

fn counted<T>(rows: Vec<Counted<T>>) -> (Vec<T>, i64) {
    let all = rows.first().map_or(0, |row| row.all);
    (rows.into_iter().map(|row| row.row).collect(), all)
}

async fn panel(bare: &Bare, product: &Product) -> ProductPanel {
    let (rows, all) = keys_of(bare, product.id).await;
    let here = Address::new(["/products/", &product.slug].concat()).with("tab", "keys");
    let today = OffsetDateTime::now_utc().date();
    ProductPanel {
        slug: product.slug.clone(),
        name: product.name.clone(),
        list: Address::new("/products"),
        tab: ProductTab::Keys,
        about: About { category: product.category.clone(), ..About::default() },
        key_count: all.unsigned_abs(),
        standing: None,
        downloads: None,
        keys: Some(KeyList {
            lead: KeyLead::Contract,
            place: here.path().to_owned(),
            back: here.href(),
            pager: Pager::new(&here, "keys_page", 1, PAGE.unsigned_abs(), all.unsigned_abs()),
            rows: asked(bare, keys::view::rows(rows, today)).await,
            export: Some(
                Export::of_keys("export-selected", "Export selected keys", "selected")
                    .field("product", product.slug.clone())
                    .text("The ticked keys."),
            ),
            locked: None,
            empty: Empty::new(EmptyKind::NothingYet, "", ""),
            archived: Archived::of(&here, Archive::KEYS),
        }),
    }
}

/// The rows with the way to ask for more of each key, and the one plain query of what is asked for already.
async fn asked(bare: &Bare, mut rows: Vec<KeyLine>) -> Vec<KeyLine> {
    let ids: Vec<Uuid> = rows.iter().filter_map(|row| row.key.id.parse().ok()).collect();
    let open: Vec<Uuid> = sqlx::query_scalar(
        "SELECT key_id FROM requests WHERE key_id = ANY($1) AND state IN ('submitted', 'question', 'approved', 'sent')",
    )
    .bind(ids)
    .fetch_all(&bare.pool)
    .await
    .unwrap();
    assert!(open.is_empty(), "nobody asks for anything on the estate of the benchmarks");
    for row in rows.iter_mut().filter(|row| matches!(row.kind.as_str(), "MAK" | "KMS")) {
        let over = row.quantity.meter().filter(|meter| row.kind == "MAK" && meter.used * 10 > meter.total * 9);
        row.ask = Some(Ask {
            href: format!("/requests/new?key={}", row.key.id),
            offer: over.map(|meter| format!("{} % used: ask for more before the next rollout.", meter.percent())),
        });
    }
    rows
}

/// The categories of what the list shows, with their counts.
async fn categories(bare: &Bare, q: &str) -> Vec<(String, i64)> {
    let matching = if q.is_empty() { "" } else { MATCHING };
    let statement = format!(
        "SELECT category, count(*) FROM (
            SELECT DISTINCT p.id, p.category FROM contract_products cp JOIN products p ON p.id = cp.product_id
            WHERE cp.contract_id = ANY($1) {matching}) p
         GROUP BY category ORDER BY category"
    );
    let mut statement = sqlx::query_as(AssertSqlSafe(statement)).bind(&bare.contracts);
    if !q.is_empty() {
        statement = statement.bind(q).bind(like(q));
    }
    statement.fetch_all(&bare.pool).await.unwrap()
}

async fn product(bare: &Bare, slug: &str) -> Product {
    sqlx::query_as("SELECT * FROM products WHERE slug = $1").bind(slug).fetch_one(&bare.pool).await.unwrap()
}
