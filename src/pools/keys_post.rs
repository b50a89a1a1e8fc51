//! Issuing keys, blocking them, setting their limits. Each wants a recent password.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use serde_json::json;
use uuid::Uuid;

use super::{
    db,
    input::Input,
    keys::{href, key, page, panel},
    model::{OwnKey, Sku},
    register::is_constraint,
};
use crate::{
    activation::administration::{self, HOST_ACTIVATIONS},
    app::AppState,
    auth::proof::{Fresh, OnApplication},
    error::Result,
    postgres::Scope,
    web::{
        form::Pairs,
        page::Html,
        view::{Choice, Field, number},
    },
};

/// Activations that one key may admit.
const MOST: i64 = 10_000_000;

/// The two forms that issue a key.
#[derive(Debug, Default)]
pub struct IssueForm {
    sku: Input,
    limit: Input,
    product: Input,
    kind: Option<&'static str>,
}

impl IssueForm {
    fn read(pairs: &Pairs) -> Self {
        Self {
            sku: Input::read(pairs, "sku"),
            limit: Input::read(pairs, "activations"),
            product: Input::read(pairs, "product"),
            kind: Some(if pairs.one("kind") == "host" { "host" } else { "mak" }),
        }
    }

    /// Which of the two is wrong.
    pub(super) fn wrong(&self) -> Option<&'static str> {
        let wrong = [&self.sku, &self.limit, &self.product].iter().any(|input| input.error.is_some());
        self.kind.filter(|_| wrong)
    }

    /// As fields: of a MAK, of a host key.
    pub(super) fn fields(self, skus: &[Sku], products: &[(Uuid, String)]) -> (Vec<Field>, Vec<Field>) {
        let editions = skus.iter().map(|sku| Choice::new(sku.id.to_string(), &sku.edition, &self.sku.value)).collect();
        let listed = products.iter().map(|(id, name)| Choice::new(id.to_string(), name, &self.product.value)).collect();
        let mak = vec![
            self.sku.field("text", "sku", "Edition").choices(editions),
            self.limit
                .field("number", "activations", "Limit")
                .help("Activations that the key admits. It can be changed later, never below what is used."),
        ];
        let host = vec![
            self.product
                .field("text", "product", "Product")
                .choices(listed)
                .help("Where the key stands in the catalogue. It serves all editions of the application."),
        ];
        (mak, host)
    }
}

/// Issues a key: a MAK for an edition, or a host key.
///
/// # Errors
/// 422 with the page where the form is wrong; else when the vault is sealed or the database fails.
pub async fn issue(application: Fresh<OnApplication>, State(state): State<AppState>, pairs: Pairs) -> Result<Response> {
    state.vault.ensure_unsealed()?;
    let mut form = IssueForm::read(&pairs);
    let own = &application.application;
    let mut tx = application.begin(&state).await?;
    let target = if form.kind == Some("host") {
        let products = db::products(&mut tx, own.contract_id).await?;
        let chosen = products.into_iter().map(|(id, _)| id).find(|id| id.to_string() == form.product.value);
        if chosen.is_none() {
            form.product.wrong("Choose one of the products.");
        }
        chosen
    } else {
        let skus = db::skus(&mut tx, own.id).await?;
        let chosen = skus.into_iter().map(|sku| sku.id).find(|id| id.to_string() == form.sku.value);
        if chosen.is_none() {
            form.sku.wrong("Choose one of the editions.");
        }
        chosen
    };
    drop(tx);
    let limit = if form.kind == Some("host") { HOST_ACTIVATIONS } else { form.limit.number(1, MOST) };
    let (Some(target), None) = (target, form.wrong()) else {
        let page = page(&state, &application, &Pairs::default(), form, None).await?;
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(page)).into_response());
    };
    let mut tx = state.db.begin(Scope::System).await?;
    let issued = if form.kind == Some("host") {
        administration::issue_host_key(&mut tx, &state.vault, own.id, target).await?
    } else {
        administration::issue_mak(&mut tx, &state.vault, target, limit).await?
    };
    application.record(&state, &mut tx, issued.event).await?;
    tx.commit().await?;
    Ok(Redirect::to(&href(&application, issued.id, "issued")).into_response())
}

/// Blocks a key (`blocked` = `yes`), or lifts the block.
///
/// # Errors
/// When the database fails.
pub async fn block(application: Fresh<OnApplication>, State(state): State<AppState>, form: Pairs) -> Result<Response> {
    let key = key(&state, &application).await?;
    let blocked = form.one("blocked") == "yes";
    if blocked != key.blocked_at.is_some() {
        let mut tx = state.db.begin(Scope::System).await?;
        let event = administration::block_key(&mut tx, key.id, blocked).await?;
        application.record(&state, &mut tx, event).await?;
        tx.commit().await?;
    }
    let notice = if blocked { "blocked" } else { "unblocked" };
    Ok(Redirect::to(&href(&application, key.id, notice)).into_response())
}

/// The form that sets a limit.
#[derive(Debug)]
pub struct LimitForm {
    limit: Input,
    reason: Input,
}

impl LimitForm {
    /// As it stands.
    pub fn of(key: &OwnKey) -> Self {
        Self { limit: Input::of(key.total.to_string()), reason: Input::default() }
    }

    /// As fields.
    pub fn fields(self, key: &OwnKey) -> Vec<Field> {
        let help = if key.is_mak() {
            "Never below what is used."
        } else {
            "Ten for each host: 60 admits six hosts. Never below what is used."
        };
        vec![
            self.limit.field("number", "limit", "Limit").help(help),
            self.reason.field("text", "reason", "Reason").help("Why, for whoever reads the log."),
        ]
    }
}

/// Sets a key's limit.
///
/// # Errors
/// 422 with the page where the form is wrong; else when the database fails.
pub async fn limit(application: Fresh<OnApplication>, State(state): State<AppState>, pairs: Pairs) -> Result<Response> {
    let key = key(&state, &application).await?;
    let mut form = LimitForm { limit: Input::read(&pairs, "limit"), reason: Input::read(&pairs, "reason") };
    let limit = form.limit.number(1, MOST);
    let reason = form.reason.text(300);
    if limit < key.used {
        form.limit.wrong(below(&key));
    }
    if form.limit.error.is_none() && form.reason.error.is_none() {
        let mut tx = state.db.begin(Scope::System).await?;
        match administration::set_limit(&mut tx, key.id, limit).await {
            Ok(event) => {
                let event = event.with(json!({ "limit": limit, "before": key.total, "reason": reason }));
                application.record(&state, &mut tx, event).await?;
                tx.commit().await?;
                return Ok(Redirect::to(&href(&application, key.id, "limit")).into_response());
            }
            // Machines were faster.
            Err(fault) if is_constraint(&fault, "product_keys_ledger_within_limit") => form.limit.wrong(below(&key)),
            Err(fault) => return Err(fault.into()),
        }
    }
    let panel = panel(&state, &application, key, form).await?;
    let page = page(&state, &application, &Pairs::default(), IssueForm::default(), Some(panel)).await?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(page)).into_response())
}

fn below(key: &OwnKey) -> String {
    format!("{} are used: the limit can’t be lower. To stop the key, block it.", number(key.used))
}
