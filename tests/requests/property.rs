//! Random sequences of posts by several people, over HTTP and against the real database: only the drawn
//! transitions happen, each by whom it is for, and every one leaves history and audit.

use keyward::{
    keys::ProductKey,
    postgres::Scope,
    requests::machine::{Action, Course, Standing, State, next},
};
use proptest::prelude::*;
use uuid::Uuid;

use crate::{
    support::app::App,
    web::world::{A, key, world},
};

/// The people: two who administer A, one who reads its keys, one who only asked for access, and two others.
const PEOPLE: [&str; 6] =
    ["administrator A", "no grant", "keys reader A", "auditor", "position reader A", "administrator B"];
const ADMINISTRATORS: [usize; 2] = [0, 1];
const READER: usize = 2;

/// What a request is about, and who asks.
const REQUESTS: [(&str, usize); 5] = [("vendor", 2), ("vendor", 0), ("own", 0), ("own", 2), ("access", 3)];

/// One post.
#[derive(Clone, Debug)]
struct Post {
    who: usize,
    request: usize,
    action: Action,
}

fn posts() -> impl Strategy<Value = (bool, Vec<Post>)> {
    let post = (0..PEOPLE.len(), 0..REQUESTS.len(), 0..Action::ALL.len()).prop_map(|(who, request, action)| Post {
        who,
        request,
        action: Action::ALL[action],
    });
    // Mostly the people who may do something, else little would ever happen.
    let likely = (0..4_usize, 0..REQUESTS.len(), 0..Action::ALL.len() - 1).prop_map(|(who, request, action)| Post {
        who,
        request,
        action: Action::ALL[action],
    });
    (any::<bool>(), proptest::collection::vec(prop_oneof![1 => post, 3 => likely], 10..40))
}

/// As the model has it.
#[derive(Clone, Copy)]
struct Model {
    state: State,
    course: Course,
    steps: i64,
}

struct Site {
    app: App,
    numbers: Vec<i64>,
}

impl Site {
    async fn person(&self, who: usize) -> Uuid {
        world().await.person(PEOPLE[who]).unwrap()
    }

    /// A portal where five requests are drafts, one for each line of [`REQUESTS`].
    async fn new(second_person: bool) -> Self {
        let world = world().await;
        let app = world.app().await;
        let contract = world.planted.contracts[0];
        app.grant(world.person("no grant").unwrap(), "administrator", contract).await;
        let product = Uuid::now_v7();
        let mut tx = app.state.db.begin(Scope::System).await.unwrap();
        sqlx::query(
            "INSERT INTO products (id, slug, name, estate, category, family, created_at) VALUES ($1, 'own', 'Own', 'own', 'Own', 'Own', now())",
        )
        .bind(product)
        .execute(&mut *tx)
        .await
        .unwrap();
        tx.commit().await.unwrap();
        let text = "OWNKY-22222-33333-44444-55555";
        assert!(ProductKey::parse(text).is_ok());
        let own = key(&app, contract, product, text).await;
        let mut site = Self { app, numbers: Vec::new() };
        if second_person {
            let path = format!("/contracts/{A}/second-person");
            let person = site.person(0).await;
            site.app.post(&path, Some(person), &[("second_person", "yes")]).await;
        }
        for (about, asker) in REQUESTS {
            let id = if about == "own" { own } else { world.planted.keys[0] }.to_string();
            let form: &[(&str, &str)] = match about {
                "access" => &[
                    ("kind", "access"),
                    ("license_id", A),
                    ("role", "license-position-reader"),
                    ("justification", "x"),
                    ("then", "draft"),
                ],
                _ => &[
                    ("kind", "mak-limit"),
                    ("key_id", &id),
                    ("quantity", "7"),
                    ("justification", "x"),
                    ("then", "draft"),
                ],
            };
            let person = site.person(asker).await;
            let answer = site.app.post("/requests", Some(person), form).await;
            let to = answer.headers()["location"].to_str().unwrap().to_owned();
            site.numbers.push(to.trim_start_matches("/requests/").split('?').next().unwrap().parse().unwrap());
        }
        site
    }

    async fn send(&self, post: &Post) -> u16 {
        let base = format!("/requests/{}", self.numbers[post.request]);
        let (path, form): (&str, &[(&str, &str)]) = match post.action {
            Action::Approve => ("decision", &[("decision", "approve")]),
            Action::Decline => ("decision", &[("decision", "decline"), ("comment", "no")]),
            Action::Ask => ("decision", &[("decision", "ask"), ("comment", "why?")]),
            Action::Submit => ("step", &[("step", "submit")]),
            Action::Answer => ("step", &[("step", "answer"), ("comment", "so")]),
            Action::Send => ("step", &[("step", "send")]),
            Action::Refuse => ("step", &[("step", "refuse"), ("comment", "not now")]),
            Action::Withdraw => ("step", &[("step", "withdraw")]),
            Action::Close => ("reading", &[("total", "1"), ("all", "yes")]),
        };
        let person = self.person(post.who).await;
        self.app.post(&format!("{base}/{path}"), Some(person), form).await.status().as_u16()
    }

    /// State and number of history lines of each request, and the own key's limit.
    async fn stands(&self) -> (Vec<(String, i64)>, i64) {
        let mut tx = self.app.state.db.begin(Scope::System).await.unwrap();
        let requests = sqlx::query_as(
            "SELECT r.state, (SELECT count(*) FROM request_entries e WHERE e.request_id = r.id) FROM requests r
             WHERE r.number = ANY($1) ORDER BY r.number",
        )
        .bind(&self.numbers)
        .fetch_all(&mut *tx)
        .await
        .unwrap();
        let limit = sqlx::query_scalar(
            "SELECT total FROM product_keys k JOIN products p ON p.id = k.product_id WHERE p.slug = 'own'",
        )
        .fetch_one(&mut *tx)
        .await
        .unwrap();
        (requests, limit)
    }
}

fn standing(who: usize, asker: usize) -> Standing {
    let administers = ADMINISTRATORS.contains(&who);
    Standing { asker: who == asker, administers, may_ask: administers || who == READER }
}

/// Whether the person sees the request: else it is as absent.
fn sees(who: usize, request: usize, model: Model) -> bool {
    let (about, asker) = REQUESTS[request];
    let standing = standing(who, asker);
    let reach = if about == "access" { standing.asker || standing.administers } else { standing.may_ask };
    reach && (model.state != State::Draft || standing.asker)
}

async fn play(second_person: bool, posts: Vec<Post>) -> Result<(), TestCaseError> {
    let site = Site::new(second_person).await;
    let mut models: Vec<Model> = REQUESTS
        .iter()
        .map(|(about, _)| {
            let vendor = *about == "vendor";
            Model { state: State::Draft, course: Course { vendor, second_person: false }, steps: 1 }
        })
        .collect();
    let mut limit = 50;
    for post in &posts {
        let before = site.app.events().await;
        let model = &mut models[post.request];
        let standing = standing(post.who, REQUESTS[post.request].1);
        let to = next(model.state, post.action, model.course);
        let expected = if !sees(post.who, post.request, *model) {
            404
        } else if !standing.may(post.action, model.course) {
            403
        } else if to.is_none() {
            409
        } else {
            303
        };
        let status = site.send(post).await;
        prop_assert_eq!(status, expected, "{:?} at {}", post, model.state);
        if let (303, Some(to)) = (status, to) {
            if post.action == Action::Submit {
                model.course.second_person = second_person && model.course.vendor;
            }
            if REQUESTS[post.request].0 == "own" && to == State::Done {
                limit += 7;
            }
            model.state = to;
            model.steps += 1;
        }
        prop_assert!(site.app.events().await > before, "every post leaves an event: {:?}", post);
        let (stands, total) = site.stands().await;
        let wanted: Vec<(String, i64)> = models.iter().map(|m| (m.state.code().to_owned(), m.steps)).collect();
        prop_assert_eq!(stands, wanted, "after {:?}", post);
        prop_assert_eq!(total, limit);
    }
    site.app.done().await;
    Ok(())
}

#[test]
fn only_the_drawn_transitions_happen_and_every_one_leaves_history_and_audit() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    proptest!(ProptestConfig { cases: 16, max_shrink_iters: 40, ..ProptestConfig::default() }, |((second_person, posts) in posts())| {
        runtime.block_on(play(second_person, posts))?;
    });
}
