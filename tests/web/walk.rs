//! Every route of the registry, asked by everybody for what is theirs, what is another's, and what is
//! nowhere. Other tests look at what came back.

use keyward::{app, web::registry::Route};
use reqwest::Method;
use tokio::sync::OnceCell;
use uuid::Uuid;

use super::corrected::Corrected;
use super::own::Own;
use super::world::{A, ABSENT, ACTORS, B, World, world};
use crate::support::{app::App, log};

/// Whose resource is asked for; "own" is License ID A's.
pub const CASES: [&str; 3] = ["own", "foreign", "absent"];

/// One answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// `GET /contracts/{license_id}`.
    pub route: String,
    /// GET or POST.
    pub method: Method,
    /// One of [`ACTORS`].
    pub actor: &'static str,
    /// One of [`CASES`], or `-` where the route names nothing.
    pub case: &'static str,
    /// The status.
    pub status: u16,
    /// Where a redirect leads.
    pub location: String,
    /// Headers and body, as sent.
    pub bytes: Vec<u8>,
    /// How many audit events the request left.
    pub events: i64,
}

static ANSWERS: OnceCell<Vec<Answer>> = OnceCell::const_new();

/// All answers; asked once a run.
pub async fn answers() -> &'static [Answer] {
    ANSWERS.get_or_init(walk).await
}

async fn walk() -> Vec<Answer> {
    log::keep();
    let world = world().await;
    let mut answers = Vec::new();
    let reading = world.app().await;
    // Posts change things: after each that may have, the next one gets a world of its own.
    let mut writing = world.app().await;
    for route in app::routes().list() {
        for actor in ACTORS {
            for case in cases(route) {
                if route.method == Method::GET {
                    answers.push(ask(&reading, world, route, actor, case).await);
                    continue;
                }
                let answer = ask(&writing, world, route, actor, case).await;
                let refused = matches!(answer.status, 403 | 404) && world.person(actor).is_some();
                answers.push(answer);
                if !refused {
                    writing.done().await;
                    writing = world.app().await;
                }
            }
        }
    }
    writing.done().await;
    reading.done().await;
    answers
}

/// What a post sends: its fields name the same resource as its path would.
fn form(route: &Route, world: &World, case: usize) -> Vec<(&'static str, String)> {
    let license_id = [A, B, ABSENT][case].to_owned();
    let key = id(&world.planted.keys, case).to_string();
    match route.path {
        "/exports/keys" => vec![("scope", "selected".into()), ("format", "csv".into()), ("key_id", key)],
        "/keys/{id}/edit" => vec![("note", "walked".into())],
        "/keys/{id}/reading" => vec![
            ("used", "43".into()),
            ("total", "50".into()),
            ("read_on", "2026-11-21".into()),
            ("source", "the walk".into()),
        ],
        "/keys/new" => vec![
            ("license_id", license_id),
            ("product", "Walked suite".into()),
            ("fresh", "yes".into()),
            ("kind", "MAK".into()),
            ("keys", "QX3TJ-7WKPD-9HMCV-2BRFG-84YNX".into()),
        ],
        "/keys/bulk" => vec![("key_id", key), ("set", "note".into()), ("note", "walked".into())],
        "/archive" | "/archive/restore" => vec![("thing", "key".into()), ("id", key)],
        "/contracts/new" => vec![
            ("license_id", "WALKED-1".into()),
            ("organization_id", format!("Holder of {A}")),
            ("status", "Active".into()),
        ],
        "/contracts/{license_id}/edit" => vec![
            ("organization_id", format!("Holder of {A}")),
            ("location", "Walked".into()),
            ("status", "Active".into()),
        ],
        "/contacts/new" | "/contacts/{id}/edit" => {
            vec![("license_id", license_id), ("role", "Walked".into()), ("name", "Somebody".into())]
        }
        "/orders/new" | "/orders/{id}/edit" => vec![
            ("license_id", license_id),
            ("description", "Walked suite".into()),
            ("part_number", "W1".into()),
            ("quantity", "5".into()),
            ("reseller_order_no", "W1".into()),
            ("ordered_on", "2026-11-01".into()),
        ],
        "/accounts" => vec![("email", "walked@keyward.example".into()), ("name", "Walked".into())],
        "/accounts/{id}/name" => vec![("name", "Walked".into())],
        "/organizations/new" | "/organizations/{id}/edit" => vec![("name", "Walked".into())],
        "/agreements/new" | "/agreements/{id}/edit" => vec![("number", "Walked".into())],
        "/products/new" | "/products/{slug}/edit" => vec![
            ("name", "Walked suite".into()),
            ("category", "Other".into()),
            ("family", "Walked".into()),
            ("needs_key", "yes".into()),
        ],
        "/exports/audit" => vec![("format", "csv".into())],
        "/exports/contracts" => vec![("format", "csv".into()), ("license_id", license_id)],
        "/exports/summary" => vec![("format", "csv".into()), ("license_id", license_id)],
        "/exports/orders" => {
            vec![("format", "csv".into()), ("order_id", id(&world.planted.orders, case).to_string())]
        }
        "/people/grants" => vec![
            ("email", "no.grant@keyward.example".into()),
            ("role", "product-keys-reader".into()),
            ("license_id", license_id),
        ],
        "/people/give" => vec![
            ("emails", "no.grant@keyward.example".into()),
            ("role", "product-keys-reader".into()),
            ("numbers", license_id),
            ("shown", "what was shown".into()),
        ],
        "/people/copy" | "/people/hand-over" => {
            vec![("from", "keys.reader.a@keyward.example".into()), ("to", "no.grant@keyward.example".into())]
        }
        "/people/settings" => vec![("administrators", "hidden".into())],
        "/contracts/{license_id}/ask" => vec![("role", "product-download-manager".into())],
        "/notices/read" => vec![("id", id(&world.planted.notices, case).to_string())],
        "/notices/send" => vec![("about", format!("{}:180", date(world, case)))],
        "/notices/snooze" => vec![("name", date(world, case)), ("until", "2027-02-01".into())],
        "/notices/owner" => vec![
            ("name", date(world, case)),
            (
                "owner",
                world.person(["administrator A", "administrator B", "administrator A"][case]).unwrap().to_string(),
            ),
        ],
        "/notices/settings" => vec![("contract-end", "portal".into())],
        "/notices/webhook" => vec![("url", "https://hooks.keyward.example/in".into())],
        "/requests" => vec![
            ("kind", "access".into()),
            ("license_id", license_id),
            ("role", "product-keys-reader".into()),
            ("justification", "the walk".into()),
        ],
        "/requests/{number}/decision" => vec![("decision", "approve".into())],
        "/requests/{number}/step" => vec![("step", "send".into())],
        "/requests/{number}/comment" => vec![("comment", "a word".into())],
        "/requests/{number}/due" => vec![("due_on", "2026-12-01".into())],
        "/requests/{number}/reading" => vec![("total", "70".into())],
        "/contracts/{license_id}/second-person" => vec![("second_person", "yes".into())],
        "/activation" => vec![
            ("license_id", license_id),
            ("name", "Walked".into()),
            ("trust", "open".into()),
            ("tolerance", "7".into()),
        ],
        "/activation/{application}/close" => vec![("closed", "yes".into())],
        "/activation/{application}/editions" => vec![
            ("edition", "Walked".into()),
            ("product", "new".into()),
            ("product_name", "Walked suite".into()),
            ("kind", "server".into()),
            ("lease_days", "90".into()),
        ],
        "/activation/{application}/editions/{sku}" => vec![("needed_machines", "30".into()), ("lease", "90".into())],
        "/activation/{application}/machines/{cmid}/revoke" => vec![("machine", "PLANTED".into())],
        "/activation/{application}/keys" => {
            vec![("kind", "mak".into()), ("sku", own(world, case, |own| own.sku)), ("activations", "50".into())]
        }
        "/activation/{application}/keys/{key}/block" => vec![("blocked", "yes".into())],
        "/activation/{application}/keys/{key}/limit" => vec![("limit", "100".into()), ("reason", "the walk".into())],
        "/activation/{application}/devices" => {
            vec![("note", "the walk".into()), ("devices", "5".into()), ("days", "5".into())]
        }
        "/activation/offline/codes" => vec![("codes", "PC-1 nonsense".into())],
        "/activation/offline/file" => vec![("request", own(world, case, |own| own.request))],
        "/products/esu" => vec![("product", "Windows 10".into()), ("year", "3".into()), ("day", "2027-08-01".into())],
        "/keys/{id}/usable-from" => vec![("day", "2027-08-01".into())],
        "/views" => vec![("list", "/contracts".into()), ("query", "status=Active".into()), ("name", "Walked".into())],
        "/views/{id}/rename" => vec![("name", "Walked".into())],
        "/views/{id}/move" => vec![("to", "up".into())],
        "/sign-in" => vec![("email", "nobody@keyward.example".into()), ("password", "wrong".into())],
        "/confirm" => vec![("password", "wrong".into())],
        _ => Vec::new(),
    }
}

fn cases(route: &Route) -> &'static [&'static str] {
    // what is the same for everybody belongs to nobody
    let public = ["/static/", "/error-codes/", "/guides/"].iter().any(|begin| route.path.starts_with(begin));
    let named = [
        "/exports/keys",
        "/exports/contracts",
        "/exports/summary",
        "/exports/orders",
        "/people/grants",
        "/people/give",
        "/requests",
        "/notices/read",
        "/notices/send",
        "/notices/snooze",
        "/notices/owner",
        "/keys/new",
        "/keys/bulk",
        "/archive",
        "/archive/restore",
        "/contacts/new",
        "/orders/new",
        "/activation",
        "/activation/offline/file",
    ];
    let names_something =
        route.path.contains('{') && !public || route.method == Method::POST && named.contains(&route.path);
    if names_something { &CASES } else { &["-"] }
}

/// What names the end of a License ID.
fn date(world: &World, case: usize) -> String {
    format!("contract:{}:end:2027-06-30", id(&world.planted.contracts, case))
}

/// Something of an own application.
fn own(world: &World, case: usize, part: fn(&Own) -> Uuid) -> String {
    id(&world.planted.own.map(|own| part(&own)), case).to_string()
}

fn id(planted: &[Uuid; 2], case: usize) -> Uuid {
    planted.get(case).copied().unwrap_or(Uuid::from_u128(0xdead))
}

fn path(route: &Route, world: &World, case: usize) -> String {
    let planted = &world.planted;
    let corrected = |part: fn(&Corrected) -> Uuid| planted.corrected.map(|corrected| part(&corrected));
    let by_hand = match route.path.split('/').nth(1) {
        Some("orders") => Some(corrected(|of| of.order)),
        Some("contacts") => Some(corrected(|of| of.contact)),
        Some("organizations") => Some(corrected(|of| of.organization)),
        Some("agreements") => Some(corrected(|of| of.agreement)),
        Some("accounts") => Some([planted.people[6], planted.people[7]]),
        Some("changes") => Some(corrected(|of| of.set)),
        _ => None,
    };
    let ids = match route.path {
        _ if by_hand.is_some() => by_hand.as_ref().unwrap(),
        path if path.starts_with("/keys/") => &planted.keys,
        path if path.starts_with("/orders/") => &planted.orders,
        path if path.starts_with("/views/") => &planted.views,
        path if path.starts_with("/downloads/") => &planted.downloads,
        path if path.starts_with("/people/grants/") => &planted.grants,
        path if path.starts_with("/people/rules/") => &planted.rules,
        path if path.starts_with("/people/{id}") => &planted.known,
        path if path.starts_with("/account/sessions/") => &planted.sessions,
        path if path.starts_with("/requests/") => &planted.files,
        _ => &planted.imports,
    };
    route
        .path
        .replace("/guides/{slug}", "/guides/kms-host")
        .replace("{code}", "0xC004F038")
        .replace("{application}", &own(world, case, |own| own.application))
        .replace("{sku}", &own(world, case, |own| own.sku))
        .replace("{cmid}", &own(world, case, |own| own.cmid))
        .replace("{key}", &own(world, case, |own| own.key))
        .replace("{enrolment}", &own(world, case, |own| own.code))
        .replace("{change}", &id(&planted.changes, case).to_string())
        .replace("{license_id}", [A, B, ABSENT][case])
        .replace("{slug}", ["alpha-suite", "beta-suite", "no-suite"][case])
        .replace("{id}", &id(ids, case).to_string())
        .replace("{number}", &planted.requests.get(case).copied().unwrap_or(404_404).to_string())
        .replace("{*path}", "css/base.css")
}

async fn ask(app: &App, world: &World, route: &Route, actor: &'static str, case: &'static str) -> Answer {
    let at = CASES.iter().position(|known| *known == case).unwrap_or(0);
    let before = app.events().await;
    let mut request = app.request(route.method.clone(), &path(route, world, at), world.person(actor));
    if route.method == Method::POST {
        request = match route.path {
            "/imports" => request.multipart(upload(at)),
            "/activation/offline" => request.multipart(upload(at)),
            "/requests/{number}/files" => request.multipart(attachment()),
            "/products/{slug}/downloads" => request.multipart(installer()),
            _ => request.form(&form(route, world, at)),
        };
    }
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let header =
        |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let location = header("location");
    let mut bytes = format!("{:?}\n", response.headers()).into_bytes();
    bytes.extend(response.bytes().await.unwrap());
    let events = app.events().await - before;
    Answer {
        route: format!("{} {}", route.method, route.path),
        method: route.method.clone(),
        actor,
        case,
        status,
        location,
        bytes,
        events,
    }
}

fn upload(case: usize) -> reqwest::multipart::Form {
    let text = format!(
        "License ID,Product,Product Key,Type\r\n{},Gamma Suite,22222-33333-44444-66666-77777,MAK\r\n",
        [A, B, ABSENT][case]
    );
    let part = reqwest::multipart::Part::bytes(text.into_bytes()).file_name("keys.csv");
    reqwest::multipart::Form::new().part("files", part)
}

fn attachment() -> reqwest::multipart::Form {
    let part = reqwest::multipart::Part::bytes(b"%PDF-1.7 a plan".to_vec()).file_name("plan.pdf");
    reqwest::multipart::Form::new().part("file", part)
}

fn installer() -> reqwest::multipart::Form {
    let part = reqwest::multipart::Part::bytes(b"MZ and so on".to_vec()).file_name("setup.exe");
    let typed = [("language", "English"), ("system", "64-bit"), ("component", "EXE")];
    typed
        .into_iter()
        .fold(reqwest::multipart::Form::new(), |form, (name, value)| form.text(name, value))
        .part("file", part)
}
