//! Taking a change back: `GET /changes/{id}`, `POST /changes/{id}/undo`, and the offer after each change.

use askama::Template;
use axum::{
    extract::{RawQuery, State},
    response::{IntoResponse, Redirect, Response},
};

use super::{db, history::HistoryRow, write};
use crate::{
    app::AppState,
    auth::proof::OnChangeSet,
    error::{Error, Result},
    postgres::{Scope, Scoped},
    web::{
        form::Pairs,
        page::{Html, Shell, Tone},
        view::{Undo, count},
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
fn named(subjects: &[String]) -> String {
    const NAMED: usize = 5;
    let first = subjects.iter().take(NAMED).cloned().collect::<Vec<_>>().join("; ");
    match subjects.len().saturating_sub(NAMED) {
        0 => first,
        more => format!("{first}; and {}", count(more as u64, "other", "others")),
    }
}

/// A page of ours and nothing else, and its query: a form's field can't send anybody away.
fn ours(back: &str) -> (String, &str) {
    let (path, query) = back.split_once('?').unwrap_or((back, ""));
    let ours = path.starts_with('/') && !path.starts_with("//") && !path.contains('\\');
    // Letters beyond ASCII, as a product's address may hold, can't stand in a header as they are.
    let read = url::Url::parse("http://keyward.invalid").and_then(|base| base.join(path));
    match read {
        // Reading it takes dots and tabs out, and may leave another host's name behind.
        Ok(url) if ours && url.host_str() == Some("keyward.invalid") && !url.path().starts_with("//") => {
            (url.path().to_owned(), query)
        }
        _ => ("/changes".to_owned(), ""),
    }
}

/// An address of ours as a link can have it.
pub(super) fn cleaned(back: &str) -> String {
    match ours(back) {
        (path, "") => path,
        (path, query) => [&path, "?", query].concat(),
    }
}

/// Where to go on after a change: where one was, with what was done, and the set to take back.
pub fn done(back: &str, word: &str, rows: usize, set: Option<&write::Set>) -> String {
    let (path, query) = ours(back);
    let mut to = url::form_urlencoded::Serializer::new(String::new());
    let kept = url::form_urlencoded::parse(query.as_bytes())
        .filter(|(name, _)| !["did", "n", "undo", "notice"].contains(&name.as_ref()));
    to.extend_pairs(kept).append_pair("did", word).append_pair("n", &rows.to_string());
    if let Some(set) = set {
        to.append_pair("undo", &set.id.to_string());
    }
    [&path, "?", &to.finish()].concat()
}

/// What a page's address says was just done: a sentence, and the offer to take it back. Said in the program's own
/// words only; what an address makes up takes nothing back without the right to it.
#[must_use]
pub fn offered(shell: Shell, address: &str) -> Shell {
    let Some((path, query)) = address.split_once('?').filter(|(_, query)| query.contains("did=")) else {
        return shell;
    };
    let query = Pairs::parse(query.as_bytes());
    let rows: u64 = query.one("n").parse().unwrap_or(1);
    let things = count(rows, "thing", "things");
    let text = match query.one("did") {
        "changed" if rows > 1 => ["Changed ", &things, "."].concat(),
        "changed" => "Changed. What was there before is in the history.".to_owned(),
        "same" => "Nothing was different, so nothing was changed.".to_owned(),
        "added" => "Added.".to_owned(),
        "read" => "The reading is kept, with its day and source.".to_owned(),
        "archived" if rows > 1 => ["Archived ", &things, ": out of lists, counts and exports."].concat(),
        "archived" => "Archived: out of lists, counts and exports. It waits in the archive.".to_owned(),
        "restored" => "Restored: back in its lists.".to_owned(),
        "undone" => "Taken back.".to_owned(),
        "view" => "Saved. The view stands under Views, with how many match now.".to_owned(),
        "none" => "Nothing was ticked. Tick the keys that you want to edit.".to_owned(),
        _ => return shell,
    };
    match query.one("undo").parse::<uuid::Uuid>() {
        Ok(set) => {
            let back = done(address, "", 0, None);
            let back = back.split("did=").next().unwrap_or(path).trim_end_matches(['?', '&']).to_owned();
            // What is archived may have been the page itself.
            shell.undo(Undo::new(text, format!("/changes/{set}/undo")).field("back", back))
        }
        Err(_) => shell.notice(if matches!(query.one("did"), "same" | "none") { Tone::Info } else { Tone::Good }, text),
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
    let to = if rows == 0 { done(back, "same", 0, None) } else { done(back, word, rows, Some(&set)) };
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
    fn one_comes_back_to_where_one_was_and_nowhere_else() {
        let set = write::Set::new(uuid::Uuid::nil(), "");
        let to = done("/products/x?tab=keys&did=changed&undo=1", "archived", 3, Some(&set));
        assert_eq!(to, format!("/products/x?tab=keys&did=archived&n=3&undo={}", set.id));
        assert!(
            done("/products/universität-köln", "changed", 1, None).starts_with("/products/universit%C3%A4t-k%C3%B6ln?")
        );
        let hidden = ["/.//evil.example", "/\t/x//evil.example", "/x/..//evil.example"];
        for elsewhere in ["//evil.example/x", "https://evil.example", "", "/\\evil.example", "javascript:alert(1)"]
            .into_iter()
            .chain(hidden)
        {
            assert!(done(elsewhere, "changed", 1, None).starts_with("/changes?"), "{elsewhere}");
            assert_eq!(cleaned(elsewhere), "/changes", "{elsewhere}");
        }
    }

    #[test]
    fn the_offer_speaks_in_words_of_its_own() {
        let shell = offered(
            Shell::sample("/x"),
            "/products/x?tab=keys&did=archived&n=3&undo=01936f2e-5a70-7000-8000-000000000001",
        );
        let offer = shell.undo.expect("offered");
        assert_eq!(offer.text, "Archived 3 things: out of lists, counts and exports.");
        assert_eq!(offer.fields, [("back", "/products/x?tab=keys".to_owned())]);
        assert!(offered(Shell::sample("/x"), "/x?did=<b>").undo.is_none());
        assert!(offered(Shell::sample("/x"), "/x?did=added").notice.is_some());
    }

    #[test]
    fn a_set_shows_what_it_changed() {
        let html = SetPage::sample().render().expect("renders");
        assert!(html.contains("Lab image") && html.contains("action=\"/changes/7/undo\""), "{html}");
    }
}
