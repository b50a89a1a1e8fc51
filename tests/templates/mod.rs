//! (f) Every template renders: each page has a view with a sample and a unit test that renders it.

use std::{fs, path::Path};

fn files(dir: &str, ending: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(dir);
    let mut folders = vec![root.clone()];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|known| known == ending) {
                let name = path.strip_prefix(&root).unwrap().display().to_string();
                found.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found
}

#[test]
fn every_page_has_a_view_that_a_test_renders() {
    let sources = files("src", "rs");
    let templates = files("templates", "html");
    let mut pages = 0;
    for (name, text) in &templates {
        let used = |by: &str| text.contains(by);
        if used("{% extends") {
            let attribute = format!("path = \"{name}\"");
            let (source, view) = sources
                .iter()
                .find(|(_, text)| text.contains(&attribute))
                .unwrap_or_else(|| panic!("no view renders {name}"));
            assert!(
                view.contains("::sample") && view.contains(".render()"),
                "{source} has no test that renders {name}"
            );
            pages += 1;
        } else if name != "base.html" {
            // A part: some template takes it in, or it is a value that renders itself there.
            let part = format!("path = \"{name}\"");
            let taken = templates.iter().any(|(_, text)| text.contains(&format!("\"{name}\"")))
                || sources.iter().any(|(_, text)| text.contains(&part) && text.contains(".render()"));
            assert!(taken, "nothing uses {name}");
        }
    }
    assert!(pages >= 12, "{pages}");
}
