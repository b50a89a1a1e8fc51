//! Where a change goes back to: the page where one was, its address telling what was done and how to take it back.

use uuid::Uuid;

use crate::web::{
    form::Pairs,
    page::{Shell, Tone},
    view::{Undo, count},
};

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
pub fn cleaned(back: &str) -> String {
    match ours(back) {
        (path, "") => path,
        (path, query) => [&path, "?", query].concat(),
    }
}

/// Where to go on after a change: where one was, with what was done, and the set to take back.
pub fn done(back: &str, word: &str, rows: usize, set: Option<Uuid>) -> String {
    let (path, query) = ours(back);
    let mut to = url::form_urlencoded::Serializer::new(String::new());
    let kept = url::form_urlencoded::parse(query.as_bytes())
        .filter(|(name, _)| !["did", "n", "undo", "notice"].contains(&name.as_ref()));
    to.extend_pairs(kept).append_pair("did", word).append_pair("n", &rows.to_string());
    if let Some(set) = set {
        to.append_pair("undo", &set.to_string());
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
    match query.one("undo").parse::<Uuid>() {
        Ok(set) => {
            let back = done(address, "", 0, None);
            let back = back.split("did=").next().unwrap_or(path).trim_end_matches(['?', '&']).to_owned();
            // What is archived may have been the page itself.
            shell.undo(Undo::new(text, format!("/changes/{set}/undo")).field("back", back))
        }
        Err(_) => shell.notice(if matches!(query.one("did"), "same" | "none") { Tone::Info } else { Tone::Good }, text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_comes_back_to_where_one_was_and_nowhere_else() {
        let set = Uuid::from_u128(7);
        let to = done("/products/x?tab=keys&did=changed&undo=1", "archived", 3, Some(set));
        assert_eq!(to, format!("/products/x?tab=keys&did=archived&n=3&undo={set}"));
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
}
