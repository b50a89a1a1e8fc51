//! `GET /products` and `GET /products/{slug}`: from the address to the page.

use axum::{
    extract::{RawQuery, State},
    response::{IntoResponse, Redirect, Response},
};
use secrecy::SecretString;
use uuid::Uuid;

use super::{
    about::{self, WrongDay},
    away, db,
    downloads::{self, upload::Form},
    list::{COLUMNS, Category, ProductRow, ProductsPage},
    model::{Filter, Listed, Product, Sort},
    panel::{ProductPanel, ProductTab},
};
use crate::{
    app::AppState,
    auth::{
        proof::{OnProduct, SignedIn},
        roles::Role,
    },
    error::Result,
    hand::{self, db::resting::Resting, model::Thing},
    keys::{
        self, ProductKey,
        model::{Of, Standing},
        tab::Tab,
    },
    postgres::Scoped,
    requests,
    web::{
        form::Pairs,
        page::{Html, Shell, Tone},
        paging::{PAGE, page_of},
        view::{
            Address, Archive, Archived, Columns, Empty, EmptyKind, Export, KeyLead, KeyList, Locked, Pager, Undo,
            named_in, product_path,
        },
    },
};

/// The list.
///
/// # Errors
/// When the database fails.
pub async fn list(person: SignedIn, State(state): State<AppState>, RawQuery(query): RawQuery) -> Result<Response> {
    let query = Pairs::parse(query.unwrap_or_default().as_bytes());
    if let Some(elsewhere) = without_key(&query) {
        return Ok(elsewhere);
    }
    let mut tx = person.begin(&state).await?;
    let (shell, address) = (person.visitor().shell(&state), address(&query));
    if shell.operates() && Archive::of(&address, Archive::LIST) == Archive::Only {
        let filter = filter(&address);
        return Ok(Html(away::page(&mut tx, shell, address, &filter).await?).into_response());
    }
    Ok(Html(page(&state, &person, &mut tx, &query, None).await?).into_response())
}

/// The list with a product's panel open.
///
/// # Errors
/// When the database fails.
pub async fn open(product: OnProduct, State(state): State<AppState>, RawQuery(query): RawQuery) -> Result<Response> {
    let query = Pairs::parse(query.unwrap_or_default().as_bytes());
    let (person, product, mut tx) = product.begun();
    let panel = panel(&state, &mut tx, &product, &query, Extra::default()).await?;
    let mut page = page(&state, &person, &mut tx, &query, Some(panel)).await?;
    page.shell = told(&mut tx, page.shell, &query).await?;
    Ok(Html(page).into_response())
}

/// What a panel shows beyond what its address says.
#[derive(Default)]
pub(super) struct Extra {
    /// A key in clear.
    pub(super) revealed: Option<(Uuid, SecretString)>,
    /// A day for a key that isn't one.
    pub(super) day: Option<WrongDay>,
    /// The form for a file, with what is wrong with it.
    pub(super) upload: Option<Form>,
}

/// The page with a form of the product's that isn't right.
///
/// # Errors
/// When the database fails.
pub(super) async fn with(
    state: &AppState,
    person: &SignedIn,
    tx: &mut Scoped,
    product: &Product,
    tab: &'static str,
    extra: Extra,
) -> Result<ProductsPage> {
    let query = Pairs::of([("tab", tab.to_owned())]);
    let panel = panel(state, tx, product, &query, extra).await?;
    page(state, person, tx, &query, Some(panel)).await
}

/// What just happened, told by the file itself where it is about one: the address names it, and says nothing on its own.
async fn told(tx: &mut Scoped, shell: Shell, query: &Pairs) -> Result<Shell> {
    let file = match query.one("undo").parse::<Uuid>() {
        Ok(id) => downloads::db::find(tx, id).await?,
        Err(_) => None,
    };
    let undo = |text: String, way: &str, id: Uuid| Undo::new(text, format!("/downloads/{id}/{way}"));
    Ok(match (query.one("notice"), file) {
        ("day-set", _) => shell.notice(Tone::Good, "The key’s day was set."),
        ("begin", _) => {
            shell.notice(Tone::Info, "A download is begun here: press Download, and it can be resumed for a day.")
        }
        ("restored", _) => shell.notice(Tone::Good, "The file is back."),
        ("added", Some(file)) if file.removed_at.is_none() => {
            shell.undo(undo(format!("Added {}.", file.name), "remove", file.id))
        }
        ("removed", Some(file)) if file.removed_at.is_some() => {
            shell.undo(undo(format!("Removed {}.", file.name), "restore", file.id))
        }
        _ => shell,
    })
}

/// The page that a reveal without JavaScript answers with: the panel it was asked from, with the key
/// shown. `None` where that isn't a product's panel any more.
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
    let Some(slug) = named_in(path, "/products/") else { return Ok(None) };
    let mut tx = person.begin(state).await?;
    let Some(product) = db::by_slug(&mut tx, &slug).await? else { return Ok(None) };
    let query = Pairs::parse(query.as_bytes());
    let extra = Extra { revealed: Some((id, key)), ..Extra::default() };
    let panel = panel(state, &mut tx, &product, &query, extra).await?;
    if !panel.keys.as_ref().is_some_and(KeyList::shows_revealed) {
        return Ok(None);
    }
    Ok(Some(Html(page(state, person, &mut tx, &query, Some(panel)).await?).into_response()))
}

/// A whole key pasted into the search must not stay in an address: its last five characters find
/// it as well.
fn without_key(query: &Pairs) -> Option<Response> {
    let key = ProductKey::parse(query.one("q")).ok()?;
    Some(Redirect::to(&address(query).with("q", key.last_five()).href()).into_response())
}

/// The list's address.
pub fn address(query: &Pairs) -> Address {
    let address = ["q", "category", "archived", "sort", "page"]
        .into_iter()
        .fold(Address::new("/products"), |address, part| address.with(part, query.one(part).trim()));
    let address = address.with("columns", Columns::parse(&COLUMNS, &query.all("columns")).part());
    // A word that narrows nothing gets no chip that claims it does.
    address.with("keys", Standing::parse(query.one("keys")).map_or("", Standing::code))
}

fn filter(address: &Address) -> Filter {
    Filter {
        q: address.get("q").to_owned(),
        category: address.get("category").to_owned(),
        keys: Standing::parse(address.get("keys")),
    }
}

/// How many products the list at this query shows on all its pages; `None` for whoever sees no License ID.
///
/// # Errors
/// When the database fails.
pub async fn count(tx: &mut Scoped, query: &Pairs) -> sqlx::Result<Option<i64>> {
    let address = address(query);
    let filter = filter(&address);
    let survey = db::survey(tx, &filter, sort(address.get("sort")), 1, 0).await?;
    let (show, live) = (Archive::of(&address, Archive::LIST), survey.sees_any.then_some(survey.total));
    hand::beside::counted(tx, Thing::Product, (show, live), away::resting(&filter)).await
}

fn sort(text: &str) -> (Sort, bool) {
    let (name, descending) = text.strip_prefix('-').map_or((text, false), |name| (name, true));
    let sort = match name {
        "category" => Sort::Category,
        "license_ids" => Sort::LicenseIds,
        "keys" => Sort::Keys,
        _ => Sort::Name,
    };
    (sort, descending)
}

async fn page(
    state: &AppState,
    person: &SignedIn,
    tx: &mut Scoped,
    query: &Pairs,
    panel: Option<ProductPanel>,
) -> Result<ProductsPage> {
    let mut shell = person.visitor().shell(state);
    let address = Archived::beside(address(query), shell.operates());
    let filter = filter(&address);
    let number = page_of(query.one("page"));
    let survey = db::survey(tx, &filter, sort(address.get("sort")), PAGE, (number - 1) * PAGE).await?;
    let resting = away::resting(&filter);
    let archived = hand::beside::archived(tx, Thing::Product, &address, Archive::LIST, resting).await?;
    if query.one("notice") == "nothing-selected" {
        shell = shell
            .notice(Tone::Warn, "Nothing was selected, so nothing was exported. Tick the keys you want, then export.");
    }
    Ok(ProductsPage {
        shell,
        q: filter.q.clone(),
        categories: categories(&address, survey.categories),
        standing: filter.keys.map(|standing| (standing, survey.keys.unsigned_abs())),
        rows: survey.rows.into_iter().map(|listed| row(&address, listed)).collect(),
        pager: Pager::new(&address, "page", number.unsigned_abs(), PAGE.unsigned_abs(), survey.total.unsigned_abs()),
        export: survey.reads_any.then(|| {
            Export::of_keys("export-keys", "Export all keys", "all")
                .text("Every key that you may see, of all products and License IDs.")
        }),
        empty: empty(tx, person, &filter, survey.sees_any).await?,
        archived,
        panel,
        columns: Columns::parse(&COLUMNS, &query.all("columns")),
        address,
    })
}

async fn empty(tx: &mut Scoped, person: &SignedIn, filter: &Filter, sees_any: bool) -> Result<Empty> {
    if !filter.q.is_empty() || !filter.category.is_empty() || filter.keys.is_some() {
        return Ok(Empty::new(
            EmptyKind::NothingMatches,
            "No product matches",
            "Try fewer words, or the last five characters of a key.",
        )
        .action("Clear filters", "/products"));
    }
    if sees_any {
        return Ok(Empty::new(
            EmptyKind::NothingYet,
            "No products yet",
            "Import a key or order file from the vendor’s admin centre; its products show here.",
        ));
    }
    crate::web::overview::nothing_to_see(tx, person).await
}

fn categories(address: &Address, counts: Vec<(String, i64)>) -> Vec<Category> {
    let current = address.get("category");
    let all: i64 = counts.iter().map(|(_, count)| count).sum();
    let href = |value: &str| address.clone().without("page").with("category", value).href();
    let everything =
        Category { label: "All".to_owned(), href: href(""), count: all.unsigned_abs(), current: current.is_empty() };
    let each = counts.into_iter().map(|(label, count)| Category {
        href: href(&label),
        count: count.unsigned_abs(),
        current: label == current,
        label,
    });
    std::iter::once(everything).chain(each).collect()
}

fn row(address: &Address, listed: Listed) -> ProductRow {
    ProductRow {
        href: address.clone().at(product_path(&listed.slug)).href(),
        slug: listed.slug,
        name: listed.name,
        category: listed.category,
        license_ids: listed.license_ids.unsigned_abs(),
        keys: listed.keys.unsigned_abs(),
        needs_key: listed.needs_key,
    }
}

async fn panel(
    state: &AppState,
    tx: &mut Scoped,
    product: &Product,
    query: &Pairs,
    extra: Extra,
) -> Result<ProductPanel> {
    let tab = ProductTab::parse(query.one("tab"));
    let list = address(query);
    let (keys, total) = keys_tab(tx, product, (tab, &list), query, extra.revealed).await?;
    let about = match tab {
        ProductTab::About => about::about(tx, product, extra.day.as_ref()).await?,
        ProductTab::Downloads | ProductTab::Keys => about::known(product),
    };
    let downloads = match tab {
        ProductTab::Downloads => {
            Some(downloads::tab::tab(tx, product, query, state.downloads.limit, extra.upload).await?)
        }
        ProductTab::About | ProductTab::Keys => None,
    };
    Ok(ProductPanel {
        slug: product.slug.clone(),
        name: product.name.clone(),
        standing: Standing::parse(list.get("keys")),
        list,
        tab,
        about,
        key_count: total,
        keys,
        downloads,
    })
}

/// The keys where their tab is open; how many there are in any case.
async fn keys_tab(
    tx: &mut Scoped,
    product: &Product,
    (tab, list): (ProductTab, &Address),
    query: &Pairs,
    revealed: Option<(Uuid, SecretString)>,
) -> Result<(Option<KeyList>, u64)> {
    let standing = Standing::parse(list.get("keys"));
    let tab = Tab {
        of: Of::Product(product, standing),
        open: tab == ProductTab::Keys,
        here: list.clone().at(product_path(&product.slug)).with("tab", "keys"),
        resting: Resting { facts: vec![("product", &product.slug)], ..Resting::default() },
        lead: KeyLead::Contract,
        export: Export::of_keys("export-selected", "Export selected keys", "selected")
            .field("product", product.slug.clone())
            .text("The ticked keys."),
        empty: if standing.is_some() { none_of_standing() } else { no_keys(product) },
    };
    let (mut keys, total) = tab.read(tx, query).await?;
    if let Some(keys) = &mut keys {
        keys.locked = locked(tx, product.id).await?;
        if let Some((id, key)) = revealed {
            keys.reveal(id, key);
        }
    }
    Ok((keys, total))
}

fn none_of_standing() -> Empty {
    Empty::new(
        EmptyKind::NothingMatches,
        "No key of this product matches",
        "Its keys stand otherwise, or none of your roles reads them on this page: those of a License ID are on its own page too.",
    )
}

fn no_keys(product: &Product) -> Empty {
    if product.needs_key {
        Empty::new(
            EmptyKind::NothingYet,
            "No keys here yet",
            "None of your License IDs has a key of this product. Import a key file to see them.",
        )
    } else {
        Empty::new(EmptyKind::NothingYet, "No key needed", product.no_key_reason.clone())
    }
}

/// The part of the keys that is there but not for this person: known License IDs, missing role.
async fn locked(tx: &mut Scoped, product: Uuid) -> Result<Option<Locked>> {
    let closed = keys::db::locked_on(tx, product).await?;
    if closed.is_empty() {
        return Ok(None);
    }
    Ok(Some(requests::ask::locked(tx, Role::ProductKeysReader, closed).await?))
}
