//! The direction of arrows (docs/architecture.md): read from what each file under `src/` uses.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// The layers, the lowest first: a file uses its own and those below it. A file belongs where the longest pattern is
/// that begins its module's path; `*` stands for any slice, and counts as shorter than a name.
const LAYERS: [(&str, &[&str]); 10] = [
    ("ground", &["clock", "postgres"]),
    (
        "seals and the log",
        &[
            "error",
            "vault",
            "audit/chain",
            "audit/db",
            "audit/event",
            "audit/heads",
            "audit/verify",
            "auth/password",
            "auth/roles",
            "auth/throttle",
            "keys/kind",
            "keys/product_key",
        ],
    ),
    ("activation", &["activation", "activation/db", "agent", "responder"]),
    ("parts of pages", &["web/assets", "web/attachment", "web/page", "web/paging", "web/view"]),
    (
        "what is known of a thing",
        &[
            "*/db",
            "*/model",
            "hand/rights",
            "imports/head",
            "keys/standing",
            "people/paths",
            "people/rules",
            "people/saved",
            "pools/forecast",
            "pools/plot",
            "products/downloads/db",
            "products/downloads/store",
            "requests/machine",
        ],
    ),
    (
        "a request",
        &[
            "app",
            "auth/pending",
            "auth/session",
            "hand/way_back",
            "views/db",
            "views/model",
            "web/form",
            "web/registry",
            "web/strangers",
            "web/visitor",
        ],
    ),
    ("permission", &["auth/proof"]),
    (
        "slices",
        &[
            "audit",
            "auth",
            "contracts",
            "exports",
            "exports/db",
            "find",
            "hand",
            "imports",
            "imports/db",
            "keys",
            "notices",
            "orders",
            "people",
            "pools",
            "products",
            "reference",
            "requests",
            "vault/gate",
            "views",
            "web/overview",
        ],
    ),
    ("the portal", &["app/routes", "config", "web"]),
    ("the program", &["cli", "lifecycle", "simulate", "telemetry"]),
];

/// A module's path below the crate.
type Module = Vec<String>;

/// What a file says.
#[derive(Default)]
struct Source {
    /// Paths it uses, each with the name it has there; from the crate's root.
    uses: Vec<(Module, String)>,
    /// Names it hands on, and what they are.
    hands_on: BTreeMap<String, Module>,
    /// The rest of its text.
    body: String,
}

fn words(path: &str) -> Vec<String> {
    path.split("::").map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// All paths of a `use` with their names: `a::{b, c as d}` is `a::b` by the name of b and `a::c` by the name of d.
fn leaves(before: &[String], tree: &str, found: &mut Vec<(Module, String)>) {
    let tree = tree.trim();
    if let Some((head, inner)) = tree.strip_suffix('}').and_then(|tree| tree.split_once('{')) {
        let before = [before, &words(head)].concat();
        let (mut depth, mut from) = (0, 0);
        for (at, letter) in inner.char_indices().chain([(inner.len(), ',')]) {
            match letter {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    leaves(&before, &inner[from..at], found);
                    from = at + 1;
                }
                _ => {}
            }
        }
    } else if !tree.is_empty() {
        let (path, alias) = tree.split_once(" as ").map_or((tree, None), |(path, alias)| (path, Some(alias)));
        let mut path = [before, &words(path)].concat();
        path.retain(|word| word != "self");
        let name = alias.map(|alias| alias.trim().to_owned()).or_else(|| path.last().cloned()).unwrap_or_default();
        found.push((path, name));
    }
}

/// The paths in `body` that begin with the word `first`, without it.
fn mentions(body: &str, first: &str) -> Vec<Module> {
    let part = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == ':';
    let found = body.match_indices(first).filter_map(|(at, _)| {
        let rest = &body[at + first.len()..];
        let begins = !body[..at].ends_with(part) && rest.starts_with("::");
        begins.then(|| words(&rest[..rest.find(|letter| !part(letter)).unwrap_or(rest.len())]))
    });
    found.collect()
}

/// A path from the crate's root; none where it leads to another crate.
fn rooted(module: &[String], path: &[String], is_child: impl Fn(&[String]) -> bool) -> Option<Module> {
    let ups = path.iter().take_while(|word| *word == "super").count();
    match path.first()?.as_str() {
        "crate" => Some(path[1..].to_vec()),
        "super" => Some([&module[..module.len().checked_sub(ups)?], &path[ups..]].concat()),
        first => {
            let below = [module, path].concat();
            (is_child(&below[..=module.len()]) || first == "self").then_some(below)
        }
    }
}

fn read(module: &[String], text: &str, is_module: impl Fn(&[String]) -> bool) -> Source {
    let text = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let lines = text.lines().map(|line| line.split("//").next().unwrap_or_default());
    let mut source = Source::default();
    let mut open: Option<(bool, String)> = None;
    for line in lines {
        let (visibility, statement) = line.trim().split_once("use ").unwrap_or(("no use", ""));
        if open.is_none() && (visibility.is_empty() || visibility.starts_with("pub")) {
            open = Some((!visibility.is_empty(), statement.to_owned()));
        } else if let Some((_, statement)) = &mut open {
            statement.push_str(line);
        } else {
            source.body.push_str(line);
            source.body.push('\n');
        }
        if let Some((public, statement)) = open.take_if(|(_, statement)| statement.trim_end().ends_with(';')) {
            let mut found = Vec::new();
            leaves(&[], statement.trim_end().trim_end_matches(';'), &mut found);
            for (path, name) in found {
                let Some(path) = rooted(module, &path, &is_module) else { continue };
                if public {
                    source.hands_on.insert(name, path);
                } else {
                    source.uses.push((path, name));
                }
            }
        }
    }
    source
}

/// All files of the crate by their modules.
fn files() -> BTreeMap<Module, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root.clone()];
    let mut files = BTreeMap::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(&root).unwrap().with_extension("");
            let mut module: Module = name.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
            module.pop_if(|last| last == "mod");
            if module != ["lib"] && module != ["main"] {
                files.insert(module, fs::read_to_string(path).unwrap());
            }
        }
    }
    files
}

/// The file in which a path ends, through names that modules hand on.
fn resolve(sources: &BTreeMap<Module, Source>, path: &[String]) -> Option<Module> {
    let at = (1..=path.len()).rev().find(|at| sources.contains_key(&path[..*at]))?;
    let (module, rest) = path.split_at(at);
    let handed_on = rest.first().and_then(|name| sources[module].hands_on.get(name));
    handed_on.and_then(|to| resolve(sources, &[to, &rest[1..]].concat())).or_else(|| Some(module.to_vec()))
}

/// Which file uses which.
fn arrows() -> BTreeMap<Module, BTreeSet<Module>> {
    let files = files();
    let is_module = |path: &[String]| files.contains_key(path);
    let sources: BTreeMap<Module, Source> =
        files.iter().map(|(module, text)| (module.clone(), read(module, text, is_module))).collect();
    let is_folder = |path: &Module| files.keys().any(|file| file.len() > path.len() && file.starts_with(path));
    let mut arrows = BTreeMap::new();
    for (module, source) in &sources {
        let mut paths = Vec::new();
        for (path, name) in &source.uses {
            if sources.contains_key(path) && is_folder(path) {
                // `use crate::keys::{self}`: what counts is what `keys::` stands before.
                paths.extend(mentions(&source.body, name).into_iter().map(|rest| [path.clone(), rest].concat()));
            } else {
                paths.push(path.clone());
            }
        }
        for first in ["crate", "super"] {
            let found = mentions(&source.body, first).into_iter().map(|rest| [vec![first.to_owned()], rest].concat());
            paths.extend(found.filter_map(|path| rooted(module, &path, is_module)));
        }
        let to: BTreeSet<Module> = paths.iter().filter_map(|path| resolve(&sources, path)).collect();
        arrows.insert(module.clone(), to.into_iter().filter(|to| to != module).collect());
    }
    arrows
}

/// The layer of a module, from below.
fn layer(module: &[String]) -> Option<usize> {
    let fits = |pattern: &str| {
        let parts: Vec<&str> = pattern.split('/').collect();
        let fits =
            parts.len() <= module.len() && parts.iter().zip(module).all(|(part, word)| *part == "*" || part == word);
        fits.then(|| (parts.len(), !pattern.starts_with('*')))
    };
    let all = LAYERS.iter().enumerate().flat_map(|(at, (_, patterns))| patterns.iter().map(move |one| (at, one)));
    all.filter_map(|(at, pattern)| Some((fits(pattern)?, at))).max().map(|(_, at)| at)
}

#[test]
fn arrows_run_down() {
    let mut wrong = Vec::new();
    let name = |at: usize| LAYERS[at].0;
    for (module, used) in arrows() {
        let Some(here) = layer(&module) else {
            wrong.push(format!("{} has no layer: say in LAYERS where it belongs", module.join("/")));
            continue;
        };
        for to in used {
            if let Some(above) = layer(&to).filter(|there| *there > here) {
                let (from, to) = (module.join("/"), to.join("/"));
                wrong.push(format!("{from} ({}) uses {to} ({}), which stands above it", name(here), name(above)));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_circle_of_files_leaves_its_slice() {
    let arrows = arrows();
    assert!(arrows.values().map(BTreeSet::len).sum::<usize>() > 1_000, "the arrows were read");
    let reaches = |from: &Module, to: &Module| {
        let (mut seen, mut next) = (BTreeSet::new(), vec![from]);
        while let Some(at) = next.pop() {
            if at == to {
                return true;
            }
            next.extend(arrows[at].iter().filter(|one| seen.insert(*one)));
        }
        false
    };
    let mut circles = Vec::new();
    for (from, used) in &arrows {
        for to in used.iter().filter(|to| to[0] != from[0] && reaches(to, from)) {
            circles.push(format!("{} uses {}, which leads back to it", from.join("/"), to.join("/")));
        }
    }
    assert!(circles.is_empty(), "{}", circles.join("\n"));
}
