//! Taking a change back: `GET /changes/{id}`, `POST /changes/{id}/undo`, and the offer after each change.

use askama::Template;
use axum::{
    extract::{RawQuery, State},
    response::{IntoResponse, Redirect, Response},
};

use super::{db, history::HistoryRow, way_back::done, write};
use crate::{
    app::AppState,
    auth::proof::OnChangeSet,
    error::{Error, Result},
    postgres::{Scope, Scoped},
    web::{
        form::Pairs,
        page::{Html, Shell, Tone},
        view::count,
        visitor::Visitor,
    },
};

/// Things of a set that its page names one by one.
const SHOWN: i64 = 200;

/// What was done at once.
#[derive(Template)]
#[template(path = "hand/set.html")]
pub struct SetPage {
    /// The frame.
    pub shell: Shell,
    /// The set's id.
    pub id: String,
    /// What was changed.
    pub rows: Vec<HistoryRow>,
    /// Whether it can be taken back.
    pub open: bool,
}

impl SetPage {
    fn title(&self) -> String {
        match self.rows.as_slice() {
            [one] => one.what.clone(),
            many => count(many.len() as u64, "change", "changes"),
        }
    }
}

/// The page of a set.
///
/// # Errors
/// When the database fails.
pub async fn get(set: OnChangeSet, State(state): State<AppState>) -> Result<Response> {
    let shell = set.visitor().shell(&state);
    Ok(Html(page(&state, &set, shell).await?).into_response())
}

async fn page(state: &AppState, set: &OnChangeSet, shell: Shell) -> Result<SetPage> {
    let mut tx = set.begin(state).await?;
    let rows = db::set(&mut tx, set.id, SHOWN).await?;
    let open = rows.iter().any(|row| !row.undone);
    let now = tx.now();
    let rows = rows.into_iter().map(|row| HistoryRow::of(row, now)).collect();
    Ok(SetPage { shell, id: set.id.to_string(), rows, open })
}

/// Takes a set back.
///
/// # Errors
/// [`Error::Conflict`] where nothing of it can be taken back any more.
pub async fn post(set: OnChangeSet, State(state): State<AppState>, form: Pairs) -> Result<Response> {
    // System scope: an archived License ID is out of its Administrator's sight. `write::undo` asks the right of each
    // License ID first, in this transaction.
    let mut tx = state.db.begin(Scope::System).await?;
    let mut back = write::Set::new(set.person().id, "");
    let undone = write::undo(&mut tx, set.person().id, set.id, &mut back).await?;
    if undone.rows == 0 {
        return Err(Error::Conflict(format!(
            "Nothing was taken back, because it has been changed since: {}. Look at its history, and correct it by hand.",
            named(&undone.changed_since)
        )));
    }
    set.visitor().record_all(&state, &mut tx, std::mem::take(&mut back.events)).await?;
    tx.commit().await?;
    if undone.changed_since.is_empty() {
        let back = done(form.one("back"), "undone", undone.rows, None);
        return Ok(Redirect::to(&back).into_response());
    }
    let text = format!(
        "{} taken back. What was changed since stays: {}.",
        count(undone.rows as u64, "change was", "changes were"),
        named(&undone.changed_since)
    );
    let shell = set.visitor().shell(&state).notice(Tone::Warn, text);
    Ok(Html(page(&state, &set, shell).await?).into_response())
}

/// The first of them, and how many more.
pub(super) fn named(subjects: &[String]) -> String {
    const NAMED: usize = 5;
    let first = subjects.iter().take(NAMED).cloned().collect::<Vec<_>>().join("; ");
    match subjects.len().saturating_sub(NAMED) {
        0 => first,
        more => format!("{first}; and {}", count(more as u64, "other", "others")),
    }
}

/// Records what a set did, commits, and goes back to where one was, with the way back.
///
/// # Errors
/// When the database fails.
pub(super) async fn finish(
    state: &AppState,
    visitor: &Visitor,
    mut tx: Scoped,
    mut set: write::Set,
    rows: usize,
    word: &str,
    back: &str,
) -> Result<Response> {
    // Without a change there is none to record: the layer notes that the form was sent.
    visitor.record_all(state, &mut tx, std::mem::take(&mut set.events)).await?;
    tx.commit().await?;
    let to = if rows == 0 { done(back, "same", 0, None) } else { done(back, word, rows, Some(set.id)) };
    Ok(Redirect::to(&to).into_response())
}

/// The query of a page, read.
pub(super) fn query(query: RawQuery) -> Pairs {
    Pairs::parse(query.0.unwrap_or_default().as_bytes())
}

#[cfg(test)]
impl SetPage {
    /// One change.
    pub fn sample() -> Self {
        Self { shell: Shell::sample("/changes/7"), id: "7".into(), rows: vec![HistoryRow::sample()], open: true }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_shows_what_it_changed() {
        let html = SetPage::sample().render().expect("renders");
        assert!(html.contains("Lab image") && html.contains("action=\"/changes/7/undo\""), "{html}");
    }
}
