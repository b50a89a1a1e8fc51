//! `/keys/bulk`: note, owner, place of many keys at once, or all of them put away, as one change.

use std::collections::HashMap;

use askama::Template;
use axum::{
    extract::{RawQuery, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use uuid::Uuid;

use super::{
    db::{self, Ticked},
    input::{self, Draft},
    model::{Spec, Thing},
    rights::Allowed,
    undo, way_back, write,
};
use crate::{
    app::AppState,
    auth::proof::{SignedIn, Site, SomeAdministrator},
    error::{Error, Result},
    postgres::{Scope, Scoped},
    web::{
        form::Pairs,
        page::{Html, Shell},
        view::{Field, count},
    },
};

/// The most keys changed at once: they travel in an address.
const MOST: usize = 1_000;
/// What a bulk edit may set.
const COLUMNS: [&str; 3] = ["note", "owner_id", "place"];

/// The page.
#[derive(Template)]
#[template(path = "hand/bulk.html")]
pub struct BulkPage {
    /// The frame.
    pub shell: Shell,
    /// The keys: id, and what each is called.
    pub keys: Vec<(String, String)>,
    /// How many were ticked that this person may not change.
    pub left_out: usize,
    /// Where to go back to.
    pub back: String,
    /// The fields, each with whether it shall be set.
    pub fields: Vec<(Field, bool)>,
    /// The word about it.
    pub message: Field,
    /// What is wrong with the whole form.
    pub failure: Option<String>,
}

impl BulkPage {
    fn title(&self) -> String {
        ["Edit ", &count(self.keys.len() as u64, "key", "keys")].concat()
    }

    fn left_out_words(&self) -> String {
        let keys = count(self.left_out as u64, "ticked key is", "ticked keys are");
        [keys.as_str(), " left out: you don’t administer their License IDs, or they are gone."].concat()
    }

    fn all_fields(&self) -> Vec<Field> {
        self.fields.iter().map(|(field, _)| field.clone()).chain([self.message.clone()]).collect()
    }
}

fn specs() -> impl Iterator<Item = &'static Spec> {
    COLUMNS.into_iter().filter_map(|column| Thing::Key.field(column))
}

fn ids(form: &Pairs) -> Result<Vec<Uuid>> {
    let mut ids: Vec<Uuid> = form.all("key_id").iter().filter_map(|id| id.parse().ok()).collect();
    ids.sort_unstable();
    ids.dedup();
    within(ids)
}

fn within(ids: Vec<Uuid>) -> Result<Vec<Uuid>> {
    if ids.len() > MOST {
        return Err(Error::Malformed("At most 1,000 keys are changed at once. Tick fewer.".to_owned()));
    }
    Ok(ids)
}

/// The form, for the ticked keys.
///
/// # Errors
/// When the database fails.
pub async fn get(person: Site<SomeAdministrator>, State(state): State<AppState>, query: RawQuery) -> Result<Response> {
    let query = undo::query(query);
    let back = way_back::cleaned(query.one("back"));
    let ids = match query.one("scope") {
        // "Select all that match" on a Keys tab: those of its product or its License ID.
        "matching" => {
            let mut tx = person.begin(&state).await?;
            let (product, license_id) = (query.one("product"), query.one("license_id"));
            within(db::matching(&mut tx, product, license_id, MOST + 1).await?)?
        }
        _ => ids(&query)?,
    };
    if ids.is_empty() {
        return Ok(Redirect::to(&way_back::done(&back, "none", 0, None)).into_response());
    }
    let fields = blank();
    let page = page(&state, &person, &ids, &back, fields, &query, None).await?;
    Ok(Html(page).into_response())
}

fn blank() -> Vec<(Field, bool)> {
    let field = |spec: &Spec| {
        let kind = match spec.column {
            "note" => "area",
            "owner_id" => "email",
            _ => "text",
        };
        (Field::new(kind, spec.column, spec.label).help(spec.help).optional(), false)
    };
    specs().map(field).collect()
}

async fn page(
    state: &AppState,
    person: &SignedIn,
    ids: &[Uuid],
    back: &str,
    fields: Vec<(Field, bool)>,
    form: &Pairs,
    failure: Option<String>,
) -> Result<BulkPage> {
    let mut tx = person.begin(state).await?;
    let keys = db::ticked(&mut tx, ids).await?;
    Ok(BulkPage {
        shell: person.visitor().shell(state),
        left_out: ids.len() - keys.len(),
        keys: keys.iter().map(|key| (key.id.to_string(), called(key))).collect(),
        back: back.to_owned(),
        fields,
        message: input::message(form),
        failure,
    })
}

fn called(key: &Ticked) -> String {
    let last_five = key.last_five.as_ref().map(|five| format!(" …{five}")).unwrap_or_default();
    format!("{}{last_five}, License ID {}", key.product, key.license_id)
}

/// Changes them.
///
/// # Errors
/// [`Error::Conflict`] with the names where own applications' keys are among those to put away; else when the database
/// fails.
pub async fn post(person: Site<SomeAdministrator>, State(state): State<AppState>, form: Pairs) -> Result<Response> {
    let ids = ids(&form)?;
    let back = way_back::cleaned(form.one("back"));
    let chosen = form.all("set");
    let away = form.one("do") == "archive";
    // In the person's own scope: what isn't his is left out, as if it weren't there.
    let mut tx = person.begin(&state).await?;
    let keys = db::ticked(&mut tx, &ids).await?;
    drop(tx);
    if keys.is_empty() {
        return Err(Error::NotFound);
    }
    if away {
        none_of_the_ledger(&keys)?;
    }
    // System scope: nobody's own writes keys. The right is asked for each License ID again, in this transaction.
    let mut tx = state.db.begin(Scope::System).await?;
    let now = tx.now();
    let set_now: Vec<&Spec> = specs().filter(|spec| chosen.iter().any(|c| c == spec.column)).collect();
    let mut draft = input::read(&mut tx, set_now, &form).await?;
    let nothing = chosen.is_empty() && !away;
    if !away && draft.is_wrong() || input::message(&form).error.is_some() || nothing {
        drop(tx);
        let failure = nothing.then(|| "Nothing was saved: tick what you want to set, then save again.".to_owned());
        let page = page(&state, &person, &ids, &back, sent(&chosen, &draft), &form, failure).await?;
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(page)).into_response());
    }
    input::settle_moments(Thing::Key, now, &write::Row::new(), &mut draft.row);
    let mut set = write::Set::new(person.person().id, form.one("message"));
    let what = if away { None } else { Some(&draft.row) };
    let changed = carry_out(&mut tx, person.person().id, &keys, what, &mut set).await?;
    let word = if away { "archived" } else { "changed" };
    undo::finish(&state, person.visitor(), tx, set, changed, word, &back).await
}

/// Own applications' keys aren't put away by hand. Said with their names before anything is written; the write itself
/// refuses them too.
fn none_of_the_ledger(keys: &[Ticked]) -> Result<()> {
    let own: Vec<String> = keys.iter().filter(|key| key.ledger).map(called).collect();
    if own.is_empty() {
        return Ok(());
    }
    Err(Error::Conflict(format!(
        "Nothing was archived. Leave out of what you tick: {}. {}",
        undo::named(&own),
        write::LEDGER
    )))
}

/// The fields as they were sent, each with what is wrong with it.
fn sent(chosen: &[String], draft: &Draft) -> Vec<(Field, bool)> {
    let mut fields = blank();
    for (field, set) in &mut fields {
        *set = chosen.iter().any(|c| c == field.name);
        if let Some(sent) = draft.fields.iter().find(|sent| sent.name == field.name) {
            (field.value, field.error) = (sent.value.clone(), sent.error.clone());
        }
    }
    fields
}

/// Puts `patch` over each of the keys, or puts all of them away where there is none; how many are different now.
async fn carry_out(
    tx: &mut Scoped,
    me: Uuid,
    keys: &[Ticked],
    patch: Option<&write::Row>,
    set: &mut write::Set,
) -> Result<usize> {
    let mut changed = 0;
    let mut rights: HashMap<Uuid, Allowed> = HashMap::new();
    for key in keys {
        let allowed = match rights.get(&key.contract_id) {
            Some(allowed) => *allowed,
            None => {
                let allowed = Allowed::on(tx, me, Some(key.contract_id)).await?.ok_or(Error::NotFound)?;
                rights.insert(key.contract_id, allowed);
                allowed
            }
        };
        let done = match patch {
            None => set.archive(tx, allowed, Thing::Key, key.id, true).await?,
            Some(patch) => set.edit(tx, allowed, Thing::Key, key.id, patch).await?,
        };
        changed += usize::from(done);
    }
    Ok(changed)
}

#[cfg(test)]
impl BulkPage {
    /// Two keys.
    pub fn sample() -> Self {
        Self {
            shell: Shell::sample("/keys/bulk"),
            keys: vec![
                ("7".into(), "Windows 11 Pro …AB12C, License ID 8671204".into()),
                ("8".into(), "Windows 11 Pro …XY34Z, License ID 8671311".into()),
            ],
            left_out: 1,
            back: "/products/windows-11-pro?tab=keys".into(),
            fields: blank(),
            message: input::message(&Pairs::default()),
            failure: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bulk_edit_says_how_many_and_leaves_out_what_is_not_ones_own() {
        let html = BulkPage::sample().render().expect("renders");
        for part in ["Edit 2 keys", "1 ticked key is left out", "name=\"set\" value=\"owner_id\"", "value=\"archive\""]
        {
            assert!(html.contains(part), "{part}");
        }
    }
}
