//! The handler.

use axum::extract::{RawQuery, State};

use super::{
    db::{self, Hit},
    model::{Found, Kind},
    page::FindPage,
    places,
};
use crate::{
    app::AppState,
    auth::proof::SignedIn,
    error::Result,
    views::{self, model::View},
    web::{
        form::Pairs,
        page::Html,
        view::{Address, contract_path, product_path},
    },
};

/// Characters that are looked for at most: no name is longer, and a longer text finds nothing.
const LONGEST: usize = 200;
/// Saved views at most.
const VIEWS: i64 = 6;

/// Shows what `q` finds.
///
/// # Errors
/// When the database fails.
pub async fn get(person: SignedIn, State(state): State<AppState>, RawQuery(query): RawQuery) -> Result<Html<FindPage>> {
    let query = Pairs::parse(query.unwrap_or_default().as_bytes());
    let shell = person.visitor().shell(&state);
    let q: String = query.one("q").trim().chars().take(LONGEST).collect();
    let mut found = Vec::new();
    if !q.is_empty() {
        found = places::find(&shell.nav, &q);
        let people = shell.nav.iter().any(|item| item.href == "/people");
        let mut tx = person.begin(&state).await?;
        found.extend(views::db::named(&mut tx, &q, VIEWS).await?.iter().filter_map(view));
        found.extend(db::find(&mut tx, &q, people).await?.into_iter().filter_map(thing));
    }
    Ok(Html(FindPage { shell, q, found }))
}

fn view(view: &View) -> Option<Found> {
    let list = view.list()?;
    let (title, detail) = (view.name.clone(), list.label().to_owned());
    Some(Found { kind: Kind::View, title, detail, href: list.address(&view.pairs()).href() })
}

fn thing(hit: Hit) -> Option<Found> {
    let kind = Kind::ALL.into_iter().find(|kind| kind.code() == hit.kind)?;
    let of = |list: &str| Address::new(list).with("q", hit.key.as_str()).href();
    let href = match kind {
        Kind::Page | Kind::View => return None,
        Kind::Product => product_path(&hit.key),
        Kind::Contract => contract_path(&hit.key),
        Kind::Key => format!("/keys/{}", hit.key),
        Kind::Order => of("/orders"),
        Kind::Person => of("/people"),
    };
    Some(Found { kind, title: hit.title, detail: hit.detail, href })
}
