//! The forms of all things but keys: making one and correcting it.

use askama::Template;
use axum::{
    extract::{RawQuery, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use uuid::Uuid;

use super::{
    db,
    history::HistoryRow,
    input::{self, Draft},
    model::Thing,
    rights::Allowed,
    rows::{self, Made},
    select_plus, undo, write,
};
use crate::{
    app::AppState,
    auth::proof::{Edits, SignedIn, Site},
    error::{Error, Result},
    postgres::Scope,
    web::{
        form::Pairs,
        page::{Html, Shell},
        view::{Field, Link},
    },
};

/// Lines of history below a form.
const SHOWN: i64 = 25;

/// What can be put away, and its id.
#[derive(Clone, Debug)]
pub struct Away {
    /// The kind of thing, by its code.
    pub thing: &'static str,
    /// The row.
    pub id: String,
    /// Whether it is in the archive.
    pub archived: bool,
}

/// A form.
#[derive(Template)]
#[template(path = "hand/form.html")]
pub struct FormPage {
    /// The frame.
    pub shell: Shell,
    /// What it is about.
    pub title: String,
    /// What is to be known first.
    pub lead: String,
    /// The list it stands in.
    pub back: Link,
    /// Where it is sent.
    pub action: String,
    /// Its fields.
    pub fields: Vec<Field>,
    /// What the button says.
    pub submit: &'static str,
    /// What can be put away; nothing for something new.
    pub away: Option<Away>,
    /// What was changed by hand; nothing for something new.
    pub history: Option<Vec<HistoryRow>>,
}

/// The form that makes a thing.
///
/// # Errors
/// When the database fails.
pub async fn new<T: Made>(person: Site<T::Right>, State(state): State<AppState>, query: RawQuery) -> Result<Response> {
    let query = undo::query(query);
    let mut fields = T::first_fields(&query);
    // System scope as for the post; nothing is looked up for an empty form.
    let mut tx = state.db.begin(Scope::System).await?;
    let mut blank = input::fields(&mut tx, T::THING.fields().iter().collect(), &write::Row::new()).await?;
    if T::THING == Thing::Contract
        && let Some(status) = blank.iter_mut().find(|field| field.name == "status")
    {
        status.value = "Active".to_owned();
    }
    fields.extend(blank);
    fields.push(input::message(&query));
    Ok(Html(new_page::<T>(&state, &person, fields)).into_response())
}

fn new_page<T: Made>(state: &AppState, person: &SignedIn, fields: Vec<Field>) -> FormPage {
    FormPage {
        shell: person.visitor().shell(state),
        title: ["Add ", T::THING.one()].concat(),
        lead: T::LEAD.to_owned(),
        back: T::list(),
        action: T::NEW.to_owned(),
        fields,
        submit: "Add",
        away: None,
        history: None,
    }
}

/// Makes a thing.
///
/// # Errors
/// When the database fails.
pub async fn add<T: Made>(person: Site<T::Right>, State(state): State<AppState>, form: Pairs) -> Result<Response> {
    // System scope: nobody's own writes the estate, and a site operator sees none of it. `rows::further` asks the
    // right in this transaction, and `Set::added` asks again of the row itself.
    let mut tx = state.db.begin(Scope::System).await?;
    let (me, id) = (person.person().id, Uuid::now_v7());
    let read = input::read(&mut tx, T::THING.fields().iter().collect(), &form).await?;
    let mut fields = T::first_fields(&form);
    fields.extend(read.fields);
    fields.push(input::message(&form));
    let mut draft = Draft { row: read.row, fields };
    let further = rows::further(&mut tx, me, T::THING, &form, &mut draft).await?;
    rows::check(&mut tx, T::THING, id, &mut draft).await?;
    let (Some((allowed, columns)), false) = (further, draft.is_wrong()) else {
        let page = new_page::<T>(&state, &person, draft.fields);
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(page)).into_response());
    };
    if let Err(fault) = write::insert(&mut tx, T::THING, id, draft.row.clone(), &columns).await {
        return refused(fault, &mut draft).map(|()| {
            let page = new_page::<T>(&state, &person, draft.fields);
            (StatusCode::UNPROCESSABLE_ENTITY, Html(page)).into_response()
        });
    }
    // A License ID's own row exists only now.
    let allowed = match T::THING {
        Thing::Contract => Allowed::on(&mut tx, me, Some(id)).await?.ok_or(Error::NotFound)?,
        _ => allowed,
    };
    let mut set = write::Set::new(me, form.one("message"));
    set.added(&mut tx, allowed, T::THING, id).await?;
    let name = db::find_name(&mut tx, T::THING, id).await?;
    undo::finish(&state, person.visitor(), tx, set, 1, "added", &T::edit_path(&name, id)).await
}

/// Puts what the database refused at its field.
fn refused(fault: Error, draft: &mut Draft) -> Result<()> {
    let violated = match &fault {
        Error::Internal(inner) => inner.downcast_ref::<sqlx::Error>().and_then(rows::violated),
        _ => None,
    };
    let Some((column, sentence)) = violated else { return Err(fault) };
    draft.wrong(column, sentence);
    Ok(())
}

/// The form of a thing as it stands.
///
/// # Errors
/// When the database fails.
pub async fn get<T: Made>(thing: Edits<T>, State(state): State<AppState>) -> Result<Response> {
    Ok(Html(edit_page(&state, &thing, None).await?).into_response())
}

async fn edit_page<T: Made>(state: &AppState, thing: &Edits<T>, sent: Option<Vec<Field>>) -> Result<FormPage> {
    // System scope: see `Edits`, which has asked the right; here nothing is written.
    let mut tx = state.db.begin(Scope::System).await?;
    let row = write::fields_of(&mut tx, T::THING, thing.id).await?;
    let mut fields = match sent {
        Some(fields) => fields,
        None => {
            let mut fields = input::fields(&mut tx, rows::open_to(T::THING, thing.allowed), &row).await?;
            fields.push(input::message(&Pairs::default()));
            fields
        }
    };
    select_plus::fit(&mut tx, T::THING, thing.contract, &mut fields).await?;
    let name = db::find_name(&mut tx, T::THING, thing.id).await?;
    drop(tx);
    let mut tx = thing.begin(state).await?;
    let now = tx.now();
    let history = db::history(&mut tx, thing.id, SHOWN).await?;
    let archived = row.get("archived_at").is_some_and(|at| !at.is_null());
    Ok(FormPage {
        shell: thing.visitor().shell(state),
        title: [T::THING.label(), " ", &thing.name].concat(),
        lead: if archived {
            "It is in the archive."
        } else {
            "Correct it by hand. The history keeps what was there before."
        }
        .to_owned(),
        back: T::list(),
        action: T::edit_path(&name, thing.id),
        fields,
        submit: "Save",
        away: Some(Away { thing: T::THING.code(), id: thing.id.to_string(), archived }),
        history: Some(history.into_iter().map(|change| HistoryRow::of(change, now)).collect()),
    })
}

/// Corrects a thing.
///
/// # Errors
/// When the database fails.
pub async fn save<T: Made>(thing: Edits<T>, State(state): State<AppState>, form: Pairs) -> Result<Response> {
    // System scope: see `Edits`. The right is asked again here, in the transaction that writes.
    let mut tx = state.db.begin(Scope::System).await?;
    let me = thing.person().id;
    let allowed = Allowed::on(&mut tx, me, thing.contract).await?.ok_or(Error::NotFound)?;
    let mut draft = input::read(&mut tx, rows::open_to(T::THING, allowed), &form).await?;
    draft.fields.push(input::message(&form));
    rows::check(&mut tx, T::THING, thing.id, &mut draft).await?;
    if T::THING == Thing::Contract {
        rows::check_status(allowed, &write::fields_of(&mut tx, T::THING, thing.id).await?, &mut draft);
    }
    let mut set = write::Set::new(me, form.one("message"));
    let saved =
        if draft.is_wrong() { Ok(false) } else { set.edit(&mut tx, allowed, T::THING, thing.id, &draft.row).await };
    let changed = match saved {
        Ok(changed) => changed,
        Err(fault) => refused(fault, &mut draft).map(|()| false)?,
    };
    if draft.is_wrong() {
        // What the database refused has ended this transaction: the page reads in another.
        drop(tx);
        let page = edit_page(&state, &thing, Some(draft.fields)).await?;
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(page)).into_response());
    }
    let name = db::find_name(&mut tx, T::THING, thing.id).await?;
    let back = T::edit_path(&name, thing.id);
    undo::finish(&state, thing.visitor(), tx, set, usize::from(changed), "changed", &back).await
}

#[cfg(test)]
impl FormPage {
    /// A License ID that is corrected.
    pub fn sample() -> Self {
        Self {
            shell: Shell::sample("/contracts/8671204/edit"),
            title: "License ID 8671204".into(),
            lead: "Correct it by hand.".into(),
            back: Link::new("Contracts", "/contracts"),
            action: "/contracts/8671204/edit".into(),
            fields: vec![
                Field::new("text", "program", "Parent Program").value("Enterprise"),
                Field::new("date", "ends_on", "End date").error(Some("This is before the start date.".into())),
            ],
            submit: "Save",
            away: Some(Away { thing: "contract", id: "5".into(), archived: false }),
            history: Some(vec![HistoryRow::sample()]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_names_what_is_wrong_and_how_to_put_it_away() {
        let html = FormPage::sample().render().expect("renders");
        for part in [
            "Nothing was saved",
            "#ends_on",
            "name=\"thing\" value=\"contract\"",
            "action=\"/archive\"",
            "Mara Lindqvist",
        ] {
            assert!(html.contains(part), "{part}");
        }
        let archived = Away { thing: "contract", id: "5".into(), archived: true };
        let html = FormPage { away: Some(archived), ..FormPage::sample() }.render().expect("renders");
        assert!(html.contains("action=\"/archive/restore\""));
    }
}
