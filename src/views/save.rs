//! `POST /views` and `POST /views/{id}/rename`: a view gets its name.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use serde_json::json;
use uuid::Uuid;

use super::{
    db,
    model::{List, View, called},
    page::Unsaved,
    screens::{Wrong, back, kept, page},
    words::words,
};
use crate::{
    app::AppState,
    audit::Event,
    auth::proof::{OnView, SignedIn},
    error::{Error, Result},
    imports, products,
    web::{
        form::Pairs,
        page::Html,
        view::{Archive, Field},
    },
};

/// Characters of a name at most.
const NAME: usize = 80;
/// Bytes of a query at most, as the address has them.
const QUERY: usize = 2_000;
/// Views that a person has at most.
const VIEWS: usize = 50;
/// The same of one list: so many are counted where the list's menu shows them.
const OF_A_LIST: usize = 20;

/// Saves what a list shows under a name, and goes back to the list.
///
/// # Errors
/// 400 for what isn't a list, 403 for one that the person may not open. What is wrong with the name is told at it.
pub async fn post(person: SignedIn, State(state): State<AppState>, form: Pairs) -> Result<Response> {
    let list = List::at(form.one("list"))
        .ok_or_else(|| Error::Malformed("Views are saved from the list that they are of.".to_owned()))?;
    let shell = person.visitor().shell(&state);
    if !list.opens(&shell) {
        return Err(Error::Lacking(format!(
            "You may not open {}, so no view of it can be saved. Ask a site operator or an Administrator for the role.",
            list.label()
        )));
    }
    let address = list.address(&Pairs::parse(form.one("query").as_bytes()));
    let address = if list.restores(&shell) { address } else { address.without(Archive::LIST) };
    let (query, typed) = (address.query(), form.one("name").trim());
    let mut tx = person.begin(&state).await?;
    db::hold(&mut tx, person.person().id).await?;
    let views = db::all(&mut tx).await?;
    let key = address.filters().iter().any(|(_, value)| imports::holds_key(value));
    let unfit = key || query.len() > QUERY;
    let why = if key {
        Some("The filter holds a whole product key. Search by its last five characters, then save the view.".to_owned())
    } else if unfit {
        Some("The filter is too long to be saved. Take some words out of it.".to_owned())
    } else {
        let nobody = Uuid::nil();
        name_error(typed)
            .or_else(|| taken(&views, list.path(), typed, nobody))
            .or_else(|| too_many(&views, list.path()))
    };
    if let Some(why) = why {
        let product = products::db::called(&mut tx, if unfit { "" } else { address.get("product") }).await?;
        let unsaved = Unsaved {
            list,
            // A key goes nowhere, not even back.
            query: if unfit { String::new() } else { query },
            words: if unfit { String::new() } else { words(list, &address, &product) },
            fields: vec![field(typed).error(Some(why))],
        };
        let page = page(&state, &person, &mut tx, None, Wrong::Save(Box::new(unsaved))).await?;
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(page)).into_response());
    }
    db::add(&mut tx, person.person().id, list.path(), &query, typed).await?;
    let event = Event::done("view.save", called(typed, list.label())).with(json!({ "list": list.path() }));
    person.record(&state, &mut tx, event).await?;
    tx.commit().await?;
    Ok(Redirect::to(&address.with("did", "view").href()).into_response())
}

/// Gives a view another name.
///
/// # Errors
/// When the database fails. What is wrong with the name is told at it.
pub async fn rename(view: OnView, State(state): State<AppState>, form: Pairs) -> Result<Response> {
    kept(&view)?;
    let typed = form.one("name").trim();
    let mut tx = view.begin(&state).await?;
    db::hold(&mut tx, view.person().id).await?;
    let views = db::all(&mut tx).await?;
    let id = view.view.id;
    if let Some(why) = name_error(typed).or_else(|| taken(&views, &view.view.path, typed, id)) {
        let shown = if imports::holds_key(typed) { String::new() } else { typed.to_owned() };
        let page = page(&state, &view, &mut tx, List::at(form.one("list")), Wrong::Rename(id, shown, why)).await?;
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(page)).into_response());
    }
    db::rename(&mut tx, id, typed).await?;
    let now = View { name: typed.to_owned(), ..view.view.clone() };
    let event = Event::done("view.rename", now.called()).with(json!({ "before": view.view.name }));
    view.record(&state, &mut tx, event).await?;
    tx.commit().await?;
    Ok(back(&form, "renamed", id))
}

/// The field for a name.
pub(super) fn field(typed: &str) -> Field {
    let kept = if imports::holds_key(typed) { "" } else { typed };
    Field::new("text", "name", "Name").value(kept).help("At most 80 characters.")
}

fn name_error(name: &str) -> Option<String> {
    if name.is_empty() {
        return Some("Give the view a name, so that you find it again.".to_owned());
    }
    if name.chars().count() > NAME || name.chars().any(char::is_control) {
        return Some(format!("Write at most {NAME} characters on one line."));
    }
    imports::holds_key(name).then(|| "This looks like a product key, which no name may hold.".to_owned())
}

/// Whether another view of the list has the name, as a sentence.
pub(super) fn taken(views: &[View], path: &str, name: &str, but: Uuid) -> Option<String> {
    let name = name.to_lowercase();
    let other = views.iter().find(|view| view.id != but && view.path == path && view.name.to_lowercase() == name)?;
    Some(format!(
        "You have a view “{}” of this list already. Choose another name, or delete that one first.",
        other.name
    ))
}

/// Whether there is no room for another view of the list, as a sentence.
pub(super) fn too_many(views: &[View], path: &str) -> Option<String> {
    if views.iter().filter(|view| view.path == path).count() >= OF_A_LIST {
        return Some(format!(
            "You have {OF_A_LIST} views of this list, which is the most. Delete one that you no longer need."
        ));
    }
    (views.len() >= VIEWS)
        .then(|| format!("You have {VIEWS} saved views, which is the most. Delete one that you no longer need."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(path: &str, name: &str) -> View {
        View { id: Uuid::from_u128(7), path: path.into(), query: String::new(), name: name.into(), removed_at: None }
    }

    #[test]
    fn a_name_is_a_short_line_and_no_key() {
        assert!(name_error("").is_some() && name_error(&"x".repeat(81)).is_some() && name_error("a\nb").is_some());
        assert!(name_error("the ABCDE-FGHJK-12345-VWXYZ-QRTPM").is_some());
        assert!(name_error(&"ü".repeat(80)).is_none());
        assert_eq!(field("ABCDE-FGHJK-12345-VWXYZ-QRTPM").value, "");
    }

    #[test]
    fn a_list_has_each_name_once() {
        let views = [view("/contracts", "Ending")];
        assert!(taken(&views, "/contracts", "ENDING", Uuid::nil()).is_some());
        assert!(taken(&views, "/orders", "Ending", Uuid::nil()).is_none());
        assert!(taken(&views, "/contracts", "ending", Uuid::from_u128(7)).is_none(), "its own name is free");
    }

    #[test]
    fn there_is_an_end_to_them() {
        let of = |path: &str, count: usize| (0..count).map(|_| view(path, "x")).collect::<Vec<_>>();
        assert!(too_many(&of("/contracts", 19), "/contracts").is_none());
        assert!(too_many(&of("/contracts", 20), "/contracts").is_some());
        assert!(too_many(&of("/contracts", 20), "/orders").is_none());
        assert!(too_many(&of("/contracts", 50), "/orders").is_some());
    }
}
