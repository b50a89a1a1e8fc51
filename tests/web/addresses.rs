//! A License ID may hold any character: every link to it leads to it.

use std::collections::BTreeSet;

use keyward::{app as routes_of, imports, notices, postgres::Scope, products::classify};
use reqwest::header;
use uuid::Uuid;

use super::world::{CANARY_A, World, world};
use crate::support::app::App;

const ODD: &str = "A/B 1%?#";
/// It as one part of a path.
const PART: &str = "A%2FB%201%25%3F%23";
/// It in a query.
const QUERIED: &str = "A%2FB+1%25%3F%23";
const WHO: &str = "administrator A";

/// The world with License ID A called so, ending in 30 days, with a saved view that names it.
async fn odd() -> (App, &'static World) {
    let world = world().await;
    let app = world.app().await;
    let mut tx = app.state.db.begin(Scope::System).await.unwrap();
    sqlx::query("UPDATE contracts SET license_id = $2, ends_on = app_now()::date + 30 WHERE id = $1")
        .bind(world.planted.contracts[0])
        .bind(ODD)
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    notices::plan::plan(&app.state.db).await.unwrap();
    let view = [("list", "/contracts"), ("query", &format!("q={QUERIED}")), ("name", "Odd")];
    assert_eq!(app.post("/views", world.person(WHO), &view).await.status(), 303);
    (app, world)
}

/// The addresses in a page's `href`, `action` and `back`, as a browser reads them.
fn addresses(html: &str) -> Vec<String> {
    ["href=\"", "action=\"", "name=\"back\" value=\""]
        .iter()
        .flat_map(|lead| html.split(lead).skip(1))
        .filter_map(|rest| rest.split('"').next())
        .map(|text| text.replace("&#38;", "&").replace("&amp;", "&").replace("&#39;", "'"))
        .filter(|address| address.starts_with('/') && !address.starts_with("/static/"))
        .collect()
}

#[tokio::test]
async fn every_link_to_a_license_id_of_odd_characters_leads_to_it() {
    let (app, world) = odd().await;
    let [key, request] = [world.planted.keys[0].to_string(), world.planted.requests[0].to_string()];
    let mut waiting: Vec<String> = [
        "/",
        "/contracts",
        "/contracts/summary?by=license_id",
        "/products/alpha-suite?tab=keys",
        "/products/rds",
        "/orders",
        "/people",
        "/people/alone",
        "/notices",
        "/audit",
        "/views",
        "/changes",
        "/find?q=A%2FB",
        "/people/give?step=license-ids&emails=no.grant%40keyward.example",
    ]
    .map(str::to_owned)
    .into();
    waiting.push(format!("/keys/{key}"));
    waiting.push(format!("/keys/{key}/access"));
    waiting.push(format!("/requests/{request}"));
    waiting.push(format!("/requests/new?key={key}"));
    waiting.push(format!("/orders/{}", world.planted.orders[0]));
    waiting.push(format!("/activation/{}", world.planted.own[0].application));
    waiting.push(format!("/people/{}", world.planted.known[0]));
    let mut seen = BTreeSet::new();
    let mut named = BTreeSet::new();
    while let Some(address) = waiting.pop() {
        if !seen.insert(address.clone()) {
            continue;
        }
        let answer = app.get(&address, world.person(WHO)).await;
        let status = answer.status();
        let html = answer.text().await.unwrap();
        assert_eq!(status, 200, "{address}: {html}");
        if address.contains(PART) {
            assert!(html.contains(ODD), "{address} is about it: {html}");
        }
        for link in addresses(&html) {
            assert!(!link.contains("A/B") && !link.contains("A%2FB 1"), "{address} has {link}");
            // Posts have an address of their own, and what is said there is asked for below. Of a list each address
            // once, however it is sorted and filtered besides.
            let post = ["/ask", "/second-person"].iter().any(|end| link.ends_with(end));
            let ordered = ["sort=", "archived=", "only="].iter().any(|part| link.contains(part));
            if !post && !ordered && (link.contains(PART) || link.contains(QUERIED)) {
                named.insert(link.split('?').next().unwrap().to_owned());
                waiting.push(link);
            }
        }
        assert!(seen.len() < 100, "it goes round in circles at {address}");
    }
    let reached: Vec<&str> = named.iter().map(String::as_str).collect();
    for path in ["", "/edit"] {
        let path = format!("/contracts/{PART}{path}");
        assert!(reached.contains(&path.as_str()), "{path} in {reached:?}");
    }
    for path in [
        "/audit",
        "/people",
        "/orders",
        "/contracts",
        "/contracts/summary",
        "/keys/new",
        "/contacts/new",
        "/orders/new",
    ] {
        assert!(reached.contains(&path), "{path} in {reached:?}");
    }
    app.done().await;
}

#[tokio::test]
async fn posts_about_such_a_license_id_come_back_to_it() {
    let (app, world) = odd().await;
    let me = world.person(WHO);
    let here = format!("/contracts/{PART}");
    let leads = async |path: &str, actor: Option<Uuid>, form: &[(&str, &str)]| {
        let answer = app.post(path, actor, form).await;
        assert_eq!(answer.status(), 303, "{path}: {}", answer.text().await.unwrap());
        answer.headers()[header::LOCATION].to_str().unwrap().to_owned()
    };
    assert_eq!(leads(&format!("{here}/second-person"), me, &[("second_person", "yes")]).await, here);
    let asked = leads(&format!("{here}/ask"), world.person("keys reader A"), &[("role", "administrator")]).await;
    assert!(asked.starts_with("/requests/"), "{asked}");

    // A reveal without JavaScript shows the page that it was asked from.
    let key = world.planted.keys[0];
    let keys = format!("{here}?tab=keys");
    for back in [keys.as_str(), ""] {
        let answer = app.post(&format!("/keys/{key}/reveal"), me, &[("back", back)]).await;
        let html = answer.text().await.unwrap();
        assert!(html.contains(CANARY_A) && html.contains(ODD), "{html}");
    }
    // What was put away leads back to where it was.
    let form = [("thing", "key"), ("id", &key.to_string()), ("back", &keys)];
    let to = leads("/archive", me, &form).await;
    assert!(to.starts_with(&format!("{here}?tab=keys&did=archived")), "{to}");
    assert!(app.get(&to, me).await.text().await.unwrap().contains("Archived: out of lists"));

    // A stranger comes back to it from the sign-in.
    let answer = app.get(&keys, None).await;
    let to = answer.headers()[header::LOCATION].to_str().unwrap().to_owned();
    let next = url::form_urlencoded::parse(to.split_once('?').unwrap().1.as_bytes()).next().unwrap().1.into_owned();
    assert_eq!(next, keys);
    app.done().await;
}

/// What is a page of its own is no License ID's name, and no product's address.
#[tokio::test]
async fn no_license_id_or_product_stands_behind_another_page() {
    let pages = |below: &str| -> BTreeSet<String> {
        let routes = routes_of::routes();
        let names = routes.list().iter().filter_map(|route| route.path.strip_prefix(below));
        names.filter(|name| !name.contains(['/', '{'])).map(str::to_owned).collect()
    };
    let contracts = pages("/contracts/");
    assert!(contracts.contains("new") && contracts.contains("summary"), "{contracts:?}");
    let world = world().await;
    let app = world.app().await;
    for name in contracts {
        let fault = imports::license_id(&name).unwrap_err();
        assert!(fault.contains("is the address of a page of its own here"), "{fault}");
        let form = [("license_id", &*name), ("organization_id", "Holder of 1111111"), ("status", "Active")];
        let answer = app.post("/contracts/new", world.person("site operator"), &form).await;
        assert_eq!(answer.status(), 422);
        let html = answer.text().await.unwrap();
        assert!(html.contains("This can’t be a License ID: ") && html.contains("is the address of a page"), "{html}");
    }
    assert!(imports::license_id("New").is_ok());
    let products = pages("/products/");
    assert!(products.contains("rds") && products.contains("which-key"), "{products:?}");
    for name in products {
        assert_ne!(classify::slug(&name), name);
    }
    app.done().await;
}

/// The wizard takes it ticked and typed, a line each.
#[tokio::test]
async fn roles_are_given_on_such_a_license_id() {
    let (app, world) = odd().await;
    let people = "emails=no.grant%40keyward.example&role=product-keys-reader";
    for chosen in [format!("license_id={QUERIED}"), format!("numbers={QUERIED}")] {
        let answer = app.get(&format!("/people/give?step=check&{people}&{chosen}"), world.person(WHO)).await;
        assert_eq!(answer.status(), 200, "{chosen}");
        let html = answer.text().await.unwrap();
        assert!(html.contains("Save 1 role") && html.contains(ODD), "{html}");
    }
    app.done().await;
}
