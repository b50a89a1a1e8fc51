//! `GET /views`, and what is done with a view that is there: moved, deleted, had back.

use axum::{
    extract::{RawQuery, State},
    response::{IntoResponse, Redirect, Response},
};
use uuid::Uuid;

use super::{
    db,
    model::{List, View},
    page::{Group, Unsaved, ViewRow, ViewsPage},
    save,
    words::words,
};
use crate::{
    app::AppState,
    audit::Event,
    auth::proof::{OnView, SignedIn},
    error::{Error, Result},
    postgres::Scoped,
    products,
    web::{
        form::Pairs,
        page::{Html, Shell, Tone},
        view::{Address, Archive, Empty, EmptyKind, Undo},
    },
};

/// The page.
///
/// # Errors
/// When the database fails.
pub async fn get(person: SignedIn, State(state): State<AppState>, RawQuery(query): RawQuery) -> Result<Response> {
    let query = Pairs::parse(query.unwrap_or_default().as_bytes());
    let mut tx = person.begin(&state).await?;
    let mut page = page(&state, &person, &mut tx, List::at(query.one("list")), Wrong::Nothing).await?;
    page.shell = told(&mut tx, page.shell, &query).await?;
    Ok(Html(page).into_response())
}

/// What a page says is wrong.
pub(super) enum Wrong {
    /// Nothing.
    Nothing,
    /// A view couldn't be saved.
    Save(Box<Unsaved>),
    /// A view can't have that name: the typed one, and why.
    Rename(Uuid, String, String),
}

/// The page; `only` one list's views, with what is wrong.
pub(super) async fn page(
    state: &AppState,
    person: &SignedIn,
    tx: &mut Scoped,
    only: Option<List>,
    wrong: Wrong,
) -> Result<ViewsPage> {
    let shell = person.visitor().shell(state);
    let views = db::all(tx).await?;
    let mut groups = Vec::new();
    for list in List::ALL.into_iter().filter(|list| only.is_none_or(|only| only == *list)) {
        let own: Vec<&View> = views.iter().filter(|view| view.list() == Some(list)).collect();
        let mut rows = Vec::with_capacity(own.len());
        for (at, view) in own.iter().enumerate() {
            let ends = (at == 0, at + 1 == own.len());
            rows.push(row(state, tx, person, &shell, (list, view, ends)).await?);
        }
        if !rows.is_empty() {
            groups.push(Group { list, rows });
        }
    }
    let mut unsaved = None;
    match wrong {
        Wrong::Nothing => {}
        Wrong::Save(form) => unsaved = Some(*form),
        Wrong::Rename(id, name, why) => {
            let id = id.to_string();
            if let Some(row) = groups.iter_mut().flat_map(|group| &mut group.rows).find(|row| row.id == id) {
                row.wrong = Some((name, why));
            }
        }
    }
    Ok(ViewsPage { shell, address: here(only), only, empty: empty(only), groups, unsaved })
}

fn here(only: Option<List>) -> Address {
    Address::new("/views").with("list", only.map_or("", List::name))
}

pub(super) fn empty(only: Option<List>) -> Empty {
    let (what, to) = only.map_or(("a list, as Contracts,", "/contracts"), |list| ("the list", list.path()));
    Empty::new(
        EmptyKind::NothingYet,
        if only.is_some() { "No saved view of this list yet" } else { "No saved views yet" },
        format!("Filter {what} as you need it, open Views above it, and save it under a name."),
    )
    .action(if only.is_some() { "Open the list" } else { "Contracts" }, to)
}

/// A view with its number, which is the list's own at this moment.
async fn row(
    state: &AppState,
    tx: &mut Scoped,
    person: &SignedIn,
    shell: &Shell,
    (list, view, ends): (List, &View, (bool, bool)),
) -> Result<ViewRow> {
    let address = list.address(&view.pairs());
    // Whoever no longer brings anything back is shown, and counted, what is in force.
    let address = if list.restores(shell) { address } else { address.without(Archive::LIST) };
    let query = Pairs::parse(address.query().as_bytes());
    let count = if list.opens(shell) { list.count(state, tx, person.person(), &query).await? } else { None };
    let words = words(list, &address, &products::db::called(tx, address.get("product")).await?);
    Ok(ViewRow {
        id: view.id.to_string(),
        name: view.name.clone(),
        href: count.is_some().then(|| address.href()),
        words,
        count,
        ends,
        wrong: None,
    })
}

/// What was just done, told by the view itself: the address names it, and says nothing on its own.
async fn told(tx: &mut Scoped, shell: Shell, query: &Pairs) -> Result<Shell> {
    let Ok(id) = query.one("view").parse::<Uuid>() else { return Ok(shell) };
    let Some(view) = db::own(tx, id).await? else { return Ok(shell) };
    let name = ["“", &view.name, "”"].concat();
    Ok(match (query.one("notice"), view.removed_at) {
        ("renamed", None) => shell.notice(Tone::Good, format!("The view is called {name} now.")),
        ("restored", None) => shell.notice(Tone::Good, format!("{name} is back.")),
        ("deleted", Some(_)) => shell.undo(
            Undo::new(format!("Deleted {name}."), format!("/views/{id}/restore")).field("list", query.one("list")),
        ),
        _ => shell,
    })
}

/// Back to the page one was on, with what was done.
pub(super) fn back(form: &Pairs, notice: &str, id: Uuid) -> Response {
    let to = here(List::at(form.one("list"))).with("notice", notice).with("view", id.to_string());
    Redirect::to(&to.href()).into_response()
}

/// A view that is there still: what was deleted is only had back.
pub(super) fn kept(view: &OnView) -> Result<()> {
    if view.view.removed_at.is_some() { Err(Error::NotFound) } else { Ok(()) }
}

/// Moves a view by one place within its list; at the end of it nothing moves.
///
/// # Errors
/// 400 for another direction than `up` and `down`.
pub async fn shift(view: OnView, State(state): State<AppState>, form: Pairs) -> Result<Response> {
    kept(&view)?;
    let up = match form.one("to") {
        "up" => true,
        "down" => false,
        _ => return Err(Error::Malformed("A view moves up or down.".to_owned())),
    };
    let mut tx = view.begin(&state).await?;
    db::hold(&mut tx, view.person().id).await?;
    let views = db::all(&mut tx).await?;
    let mut order: Vec<Uuid> = views.iter().filter(|one| one.path == view.view.path).map(|one| one.id).collect();
    if let Some(at) = order.iter().position(|id| *id == view.view.id) {
        let to = if up { at.saturating_sub(1) } else { (at + 1).min(order.len() - 1) };
        order.swap(at, to);
        db::arrange(&mut tx, &order).await?;
    }
    view.record(&state, &mut tx, Event::done("view.move", view.view.called())).await?;
    tx.commit().await?;
    Ok(back(&form, "moved", view.view.id))
}

/// Deletes a view; for a day it can be had back.
///
/// # Errors
/// When the database fails.
pub async fn delete(view: OnView, State(state): State<AppState>, form: Pairs) -> Result<Response> {
    kept(&view)?;
    let mut tx = view.begin(&state).await?;
    db::hold(&mut tx, view.person().id).await?;
    db::remove(&mut tx, view.view.id, true).await?;
    view.record(&state, &mut tx, Event::done("view.delete", view.view.called())).await?;
    tx.commit().await?;
    Ok(back(&form, "deleted", view.view.id))
}

/// Has a deleted view back.
///
/// # Errors
/// [`Error::Conflict`] where it is there already, its name is taken by now, or there are too many.
pub async fn restore(view: OnView, State(state): State<AppState>, form: Pairs) -> Result<Response> {
    let mut tx = view.begin(&state).await?;
    db::hold(&mut tx, view.person().id).await?;
    // Read again under the lock: two clicks have it back once.
    let gone = db::own(&mut tx, view.view.id).await?.is_some_and(|view| view.removed_at.is_some());
    if !gone {
        return Err(Error::Conflict(
            "This view is there, or was thrown away for good. Look at your saved views.".to_owned(),
        ));
    }
    let views = db::all(&mut tx).await?;
    let why = save::taken(&views, &view.view.path, &view.view.name, view.view.id)
        .or_else(|| save::too_many(&views, &view.view.path));
    if let Some(why) = why {
        return Err(Error::Conflict(why));
    }
    db::remove(&mut tx, view.view.id, false).await?;
    view.record(&state, &mut tx, Event::done("view.restore", view.view.called())).await?;
    tx.commit().await?;
    Ok(back(&form, "restored", view.view.id))
}
