//! Editions of an application: registering one, and the panel that shows it and changes what it needs.

use axum::{
    extract::{RawQuery, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use uuid::Uuid;

use super::{
    application::{address, page},
    db,
    input::Input,
    model::Sku,
    register::is_constraint,
};
use crate::{
    activation::administration::{self, NewSku, SkuKind},
    app::AppState,
    auth::proof::OnApplication,
    error::{Error, Result},
    postgres::{Scope, Scoped},
    products::classify::slug,
    web::{
        form::Pairs,
        page::Html,
        view::{Address, Choice, Field, number, product_path},
    },
};

/// Stands for a product that is to be made.
const NEW: &str = "new";

/// A kind in words.
pub fn kind_words(kind: &str) -> &'static str {
    match SkuKind::parse(kind) {
        Some(SkuKind::Client) => "Client",
        Some(SkuKind::Server) => "Server",
        Some(SkuKind::Office) => "Office-like",
        Some(SkuKind::Custom) | None => "Custom",
    }
}

/// The form that registers an edition.
#[derive(Debug)]
pub struct EditionForm {
    edition: Input,
    product: Input,
    product_name: Input,
    category: Input,
    version: Input,
    kind: Input,
    by_count: Input,
    needed: Input,
    lease_days: Input,
}

impl Default for EditionForm {
    fn default() -> Self {
        Self {
            edition: Input::default(),
            product: Input::of(NEW),
            product_name: Input::default(),
            category: Input::of("Own products"),
            version: Input::default(),
            kind: Input::of(SkuKind::Client.as_str()),
            by_count: Input::of("yes"),
            needed: Input::default(),
            lease_days: Input::of("180"),
        }
    }
}

impl EditionForm {
    fn read(pairs: &Pairs) -> Self {
        let read = |name| Input::read(pairs, name);
        Self {
            edition: read("edition"),
            product: read("product"),
            product_name: read("product_name"),
            category: read("category"),
            version: read("version"),
            kind: read("kind"),
            by_count: read("by_count"),
            needed: read("needed"),
            lease_days: read("lease_days"),
        }
    }

    fn is_wrong(&self) -> bool {
        let all = [
            &self.edition,
            &self.product,
            &self.product_name,
            &self.category,
            &self.version,
            &self.kind,
            &self.by_count,
            &self.needed,
            &self.lease_days,
        ];
        all.iter().any(|input| input.error.is_some())
    }

    /// As fields, with the own products of the License ID to choose from.
    pub(super) fn fields(self, products: &[(Uuid, String)]) -> Vec<Field> {
        let product = std::iter::once(Choice::new(NEW, "A new product, named below", &self.product.value))
            .chain(products.iter().map(|(id, name)| Choice::new(id.to_string(), name, &self.product.value)));
        let kind = SkuKind::ALL.map(|kind| {
            let label = format!("{}, needs {}", kind_words(kind.as_str()), kind.needed());
            Choice::new(kind.as_str(), label, &self.kind.value)
        });
        let by_count = [("yes", "By count, and by key"), ("no", "By key only")];
        let by_count = by_count.map(|(value, label)| Choice::new(value, label, &self.by_count.value));
        let products = product.collect();
        vec![
            self.edition.field("text", "edition", "Edition").help("For example Standard."),
            self.product
                .field("text", "product", "Product")
                .choices(products)
                .help("Where its keys stand in the catalogue."),
            self.product_name
                .field("text", "product_name", "Name of the new product")
                .help("For example Plotter 5 Standard. Leave it empty for a product that is there.")
                .optional(),
            self.version.field("text", "version", "Version").optional(),
            self.category.field("text", "category", "Category").help("Groups products in the catalogue.").optional(),
            self.kind.field("text", "kind", "Kind").choices(kind.into()),
            self.by_count.field("text", "by_count", "Activated").choices(by_count.into()),
            self.needed
                .field("number", "needed", "Machines needed")
                .help("Before any of them is activated by count. Empty: what the kind needs.")
                .optional(),
            self.lease_days
                .field("number", "lease_days", "Lease in days")
                .help("From 1 to 180; machines renew every 7 days."),
        ]
    }
}

/// Registers an edition, and its product where that is new.
///
/// # Errors
/// 422 with the page where the form is wrong; else when the database fails.
pub async fn add(application: OnApplication, State(state): State<AppState>, pairs: Pairs) -> Result<Response> {
    let mut form = EditionForm::read(&pairs);
    if let Some(sku) = attempt(&application, &state, &mut form).await? {
        return Ok(
            Redirect::to(&format!("{}/editions/{sku}?notice=edition", application.application.href())).into_response()
        );
    }
    let page = page(&state, &application, &Pairs::default(), Some(form), None).await?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(page)).into_response())
}

/// Everything that can be said about the form at once; none when something is wrong with it.
async fn attempt(application: &OnApplication, state: &AppState, form: &mut EditionForm) -> Result<Option<Uuid>> {
    let own = &application.application;
    let edition = form.edition.text(60);
    let kind = SkuKind::parse(&form.kind.value).unwrap_or_else(|| {
        form.kind.wrong("Choose one of the kinds.");
        SkuKind::Custom
    });
    let by_count = form.by_count.value != "no";
    let needed = if form.needed.value.is_empty() { i64::from(kind.needed()) } else { form.needed.number(1, 1_000_000) };
    let lease_days = form.lease_days.number(1, 180);
    let product = product(application, state, form).await?;
    if form.is_wrong() {
        return Ok(None);
    }
    // What the License ID is was asked by the proof; the writing is the program's.
    let mut tx = state.db.begin(Scope::System).await?;
    let product = match product {
        Some(id) => id,
        None => match new_product(&mut tx, own.contract_id, form).await? {
            Some(id) => id,
            None => return Ok(None),
        },
    };
    let bounded = |number: i64| i32::try_from(number).unwrap_or(i32::MAX);
    let (needed, lease_days) = (bounded(needed), bounded(lease_days));
    let new = NewSku { application: own.id, product, edition, kind, by_count, needed, lease_days };
    match administration::add_sku(&mut tx, &new).await {
        Ok((sku, event)) => {
            application.record(state, &mut tx, event).await?;
            tx.commit().await?;
            Ok(Some(sku))
        }
        Err(fault) if is_constraint(&fault, "skus_edition_is_unique") => {
            form.edition.wrong("This application has an edition of this name. Choose another one.");
            Ok(None)
        }
        Err(fault) => Err(fault.into()),
    }
}

/// The product chosen; none for one that is to be made.
async fn product(application: &OnApplication, state: &AppState, form: &mut EditionForm) -> Result<Option<Uuid>> {
    if form.product.value == NEW {
        form.product_name.text(120);
        if !form.version.value.is_empty() {
            form.version.text(40);
        }
        if form.category.value.is_empty() {
            form.category = Input::of("Own products");
        }
        form.category.text(60);
        return Ok(None);
    }
    let mut tx = application.begin(state).await?;
    let products = db::products(&mut tx, application.application.contract_id).await?;
    let chosen = products.into_iter().map(|(id, _)| id).find(|id| id.to_string() == form.product.value);
    if chosen.is_none() {
        form.product.wrong("Choose one of the products, or a new one.");
    }
    Ok(chosen)
}

/// Makes the product; none where its name is taken.
async fn new_product(tx: &mut Scoped, contract: Uuid, form: &mut EditionForm) -> Result<Option<Uuid>> {
    let name = &form.product_name.value;
    match administration::add_product(tx, &slug(name), name).await {
        Ok(id) => {
            let told = [&form.category, &form.version, &form.edition].map(|input| input.value.as_str());
            db::list_product(tx, contract, id, told).await?;
            Ok(Some(id))
        }
        Err(fault)
            if is_constraint(&fault, "products_slug_is_unique") || is_constraint(&fault, "products_name_is_unique") =>
        {
            form.product_name
                .wrong("A product of this name is there already. Choose it above if it is yours, or another name.");
            Ok(None)
        }
        Err(fault) => Err(fault.into()),
    }
}

/// The panel of an edition.
#[derive(Clone, Debug)]
pub struct EditionPanel {
    /// The activation id.
    pub id: String,
    /// Where its form is sent.
    pub href: String,
    /// The application's page.
    pub list: Address,
    /// Its name.
    pub edition: String,
    /// Its kind in words.
    pub kind: &'static str,
    /// Whether it is activated by count.
    pub by_count: bool,
    /// The product.
    pub product: String,
    /// The product's page.
    pub product_href: String,
    /// Machines that asked for it within 30 days.
    pub machines: String,
    /// Keys that activate it.
    pub keys: String,
    /// The form's fields: `needed_machines`, `lease`.
    pub fields: Vec<Field>,
}

impl EditionPanel {
    /// The form's fields, for the template's macros.
    pub fn fields(&self) -> &Vec<Field> {
        &self.fields
    }
}

fn panel(sku: Sku, list: Address, needed: Input, lease: Input) -> EditionPanel {
    EditionPanel {
        href: format!("{}/editions/{}", list.path(), sku.id),
        id: sku.id.to_string(),
        list,
        edition: sku.edition,
        kind: kind_words(&sku.kind),
        by_count: sku.by_count,
        product: sku.product,
        product_href: [&product_path(&sku.slug), "?tab=keys"].concat(),
        machines: number(sku.machines),
        keys: number(sku.keys),
        fields: vec![
            needed.field("number", "needed_machines", "Machines needed"),
            lease.field("number", "lease", "Lease in days").help("Leases that are out keep their end."),
        ],
    }
}

async fn sku(application: &OnApplication, state: &AppState) -> Result<Sku> {
    let id = application.part("sku")?;
    let mut tx = application.begin(state).await?;
    let skus = db::skus(&mut tx, application.application.id).await?;
    skus.into_iter().find(|sku| sku.id == id).ok_or(Error::NotFound)
}

/// The page with an edition's panel open.
///
/// # Errors
/// When the database fails.
pub async fn open(
    application: OnApplication,
    State(state): State<AppState>,
    RawQuery(query): RawQuery,
) -> Result<Response> {
    let query = Pairs::parse(query.unwrap_or_default().as_bytes());
    let sku = sku(&application, &state).await?;
    let (needed, lease) = (Input::of(sku.needed.to_string()), Input::of(sku.lease_days.to_string()));
    let panel = panel(sku, address(&application.application.href(), &query), needed, lease);
    Ok(Html(page(&state, &application, &query, None, Some(panel)).await?).into_response())
}

/// Changes what an edition needs and how long its leases last.
///
/// # Errors
/// 422 with the page where the form is wrong; else when the database fails.
pub async fn change(application: OnApplication, State(state): State<AppState>, pairs: Pairs) -> Result<Response> {
    let sku = sku(&application, &state).await?;
    let (mut needed, mut lease) = (Input::read(&pairs, "needed_machines"), Input::read(&pairs, "lease"));
    let (machines, days) = (needed.number(1, 1_000_000), lease.number(1, 180));
    if needed.error.is_some() || lease.error.is_some() {
        let panel = panel(sku, Address::new(application.application.href()), needed, lease);
        let page = page(&state, &application, &Pairs::default(), None, Some(panel)).await?;
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(page)).into_response());
    }
    let bounded = |number: i64| i32::try_from(number).unwrap_or(i32::MAX);
    let mut tx = state.db.begin(Scope::System).await?;
    let event = administration::change_sku(&mut tx, sku.id, bounded(machines), bounded(days)).await?;
    application.record(&state, &mut tx, event).await?;
    tx.commit().await?;
    let href = application.application.href();
    Ok(Redirect::to(&format!("{href}/editions/{}?notice=changed", sku.id)).into_response())
}

#[cfg(test)]
impl EditionPanel {
    /// An edition of a client.
    pub fn sample() -> Self {
        let sku = Sku {
            id: Uuid::from_u128(7),
            edition: "Standard".into(),
            kind: "client".into(),
            by_count: true,
            needed: 25,
            lease_days: 180,
            product: "Plotter 5 Standard".into(),
            slug: "plotter-5-standard".into(),
            machines: 60,
            keys: 1,
        };
        panel(sku, Address::new("/activation/x"), Input::of("25"), Input::of("180"))
    }
}
