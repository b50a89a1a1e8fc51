//! `/keys/new`: keys typed or pasted, many at once. What is sent waits as an import does, sealed, and is shown line by
//! line before it is written.

use axum::{
    extract::{RawQuery, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};

use super::{form::FormPage, rows::TypesKeys, undo};
use crate::{
    app::AppState,
    auth::proof::Site,
    error::Result,
    imports,
    keys::{KeyKind, kind_of},
    people,
    postgres::Scope,
    web::{
        form::Pairs,
        page::Html,
        view::{Choice, Field, Link},
    },
};

/// The most lines at once; a file takes more.
const MOST: usize = 1_000;

/// The form.
///
/// # Errors
/// When the database fails.
pub async fn get(person: Site<TypesKeys>, State(state): State<AppState>, query: RawQuery) -> Result<Response> {
    let query = undo::query(query);
    Ok(Html(page(&state, &person, fields(&query))).into_response())
}

fn fields(form: &Pairs) -> Vec<Field> {
    let one = |name: &str| {
        let text = form.one(name).trim();
        if imports::holds_key(text) { String::new() } else { text.to_owned() }
    };
    let kind = if form.has("kind") { form.one("kind") } else { KeyKind::Mak.code() };
    let kinds = KeyKind::ALL.into_iter().map(|known| Choice::new(known.code(), known.label(), kind)).collect();
    let fresh = [("no", "No: Keyward knows it"), ("yes", "Yes: it is spelled right, and new here")];
    let fresh = fresh.into_iter().map(|(value, label)| Choice::new(value, label, form.one("fresh"))).collect();
    vec![
        Field::new("text", "license_id", "License ID").value(one("license_id")),
        Field::new("text", "product", "Product")
            .value(one("product"))
            .help("Its name, letter by letter as the vendor writes it."),
        Field::new("text", "fresh", "Is the product new?").choices(fresh),
        Field::new("text", "kind", "Type").choices(kinds),
        Field::new("area", "keys", "Product keys")
            .help("One on each line. They are sealed at once, and never shown in this form again."),
    ]
}

fn page(state: &AppState, person: &Site<TypesKeys>, fields: Vec<Field>) -> FormPage {
    FormPage {
        shell: person.visitor().shell(state),
        title: "Add keys".to_owned(),
        lead: "Type or paste them. Every line is checked and shown before anything is written.".to_owned(),
        back: Link::new("Products and services", "/products"),
        action: "/keys/new".to_owned(),
        fields,
        submit: "Check these keys",
        away: None,
        history: None,
    }
}

/// Checks what was typed, and shows it as an import that waits.
///
/// # Errors
/// When the vault is sealed or the database fails.
pub async fn post(person: Site<TypesKeys>, State(state): State<AppState>, form: Pairs) -> Result<Response> {
    let mut fields = fields(&form);
    let mut wrong = |name: &str, sentence: String| {
        if let Some(field) = fields.iter_mut().find(|field| field.name == name) {
            field.error.get_or_insert(sentence);
        }
    };
    let (license_id, product) = (form.one("license_id").trim(), form.one("product").trim());
    if let Err(sentence) = place(&state, &person, license_id).await? {
        wrong("license_id", sentence.to_owned());
    }
    if product.is_empty() {
        wrong("product", "Fill this in.".to_owned());
    } else if imports::holds_key(product) {
        wrong("product", "This looks like a product key, which must not stand in clear here.".to_owned());
    } else if form.one("fresh") != "yes" && !known(&state, &person, product).await? {
        let sentence = "No product in your sight has this name. Look at its spelling, or say below that it is new.";
        wrong("product", sentence.to_owned());
    }
    let kind = kind_of(form.one("kind"));
    if kind.is_none() {
        wrong("kind", "Choose one of these.".to_owned());
    }
    let typed = form.one("keys");
    let file = imports::typed::file(license_id, product, kind.unwrap_or(KeyKind::Mak), typed);
    if let Some(sentence) = unreadable(&file, typed) {
        wrong("keys", sentence);
    }
    if Field::any_wrong(&fields) {
        let mut fields = fields;
        if let Some(field) = fields.iter_mut().find(|field| field.name == "keys") {
            field.error.get_or_insert_with(|| "The keys aren’t sent back: type or paste them again.".to_owned());
        }
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(page(&state, &person, fields))).into_response());
    }
    let import = imports::stage_typed(&state, &person, file).await?;
    Ok(Redirect::to(&format!("/imports/{import}")).into_response())
}

/// Why not one of the lines can be taken; `None` where some can.
fn unreadable(file: &[u8], typed: &str) -> Option<String> {
    let lines = typed.lines().filter(|line| !line.trim().is_empty()).count();
    if lines == 0 {
        return Some("Type at least one key.".to_owned());
    }
    if lines > MOST {
        return Some("At most 1,000 keys are typed at once. Import a file of more.".to_owned());
    }
    let parsed = imports::typed::read("Typed keys", file)?;
    if parsed.rows.is_empty() {
        let first = parsed.left_out.first()?;
        return Some(format!("None of these lines is a product key. Line {}: {}", first.line, first.sentence));
    }
    None
}

/// Whether this person may bring keys under this License ID.
async fn place(
    state: &AppState,
    person: &Site<TypesKeys>,
    license_id: &str,
) -> Result<std::result::Result<(), &'static str>> {
    let mut tx = person.begin(state).await?;
    Ok(match people::db::managed(&mut tx, license_id).await? {
        Some(managed) if managed.administered || person.person().site_operator => Ok(()),
        // Absent or foreign: nobody can tell which.
        _ if person.person().site_operator => Err("There is no License ID with this number. Add it first."),
        _ => Err("You administer no License ID with this number."),
    })
}

async fn known(state: &AppState, person: &Site<TypesKeys>, product: &str) -> Result<bool> {
    let statement = "SELECT EXISTS (SELECT FROM products WHERE name = $1 AND archived_at IS NULL)";
    // A site operator sees no product by a role, and keeps the list of all of them: hence the program's own scope.
    let mut tx = match person.person().site_operator {
        true => state.db.begin(Scope::System).await?,
        false => person.begin(state).await?,
    };
    Ok(sqlx::query_scalar(statement).bind(product).fetch_one(&mut *tx).await?)
}
