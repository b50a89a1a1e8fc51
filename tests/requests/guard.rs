//! The database draws the same transitions as `requests::machine`, for the same people.

use keyward::{
    postgres::Scope,
    requests::machine::{Action, Course, Standing, State, next},
};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use uuid::Uuid;

use crate::{support::app::App, web::world::world};

/// Everybody who matters: the name, and what they are to a request of the keys reader of A.
const PEOPLE: [(&str, Standing); 4] = [
    ("keys reader A", Standing { asker: true, administers: false, may_ask: true }),
    ("administrator A", Standing { asker: false, administers: true, may_ask: true }),
    ("position reader A", Standing { asker: false, administers: false, may_ask: false }),
    ("administrator B", Standing { asker: false, administers: false, may_ask: false }),
];

/// An asker who is Administrator himself.
const OWN_ASKER: (&str, Standing) = ("administrator A", Standing { asker: true, administers: true, may_ask: true });

/// Puts the request into a state as nothing in the program could.
async fn put(owner: &mut PgConnection, id: Uuid, asker: Uuid, other: Uuid, course: Course, state: State) {
    let estate = if course.vendor { "vendor" } else { "own" };
    let decided = matches!(state, State::Approved | State::Sent | State::Done | State::Declined);
    let statement = format!(
        "ALTER TABLE requests DISABLE TRIGGER requests_guard; ALTER TABLE requests DISABLE TRIGGER requests_raise;
         UPDATE requests SET asker_id = '{asker}', estate = '{estate}', second_person = {}, state = '{state}', decided_by = {},
                sent_on = {}, total_read = {} WHERE id = '{id}';
         ALTER TABLE requests ENABLE TRIGGER requests_guard; ALTER TABLE requests ENABLE TRIGGER requests_raise",
        course.second_person,
        if decided { format!("'{other}'") } else { "NULL".to_owned() },
        if state == State::Sent { "'2026-11-20'" } else { "NULL" },
        if state == State::Done && course.vendor { "70" } else { "NULL" },
    );
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(owner).await.unwrap();
}

/// Tries the bare statement as the server's role, working for `person`.
async fn tries(app: &App, person: Uuid, id: Uuid, from: State, to: State) -> bool {
    let mut tx = app.state.db.begin(Scope::Person(person)).await.unwrap();
    let decides = from == State::Submitted && matches!(to, State::Approved | State::Declined | State::Done);
    let decided = if decides { ", decided_by = app_person()" } else { "" };
    let statement = format!(
        "UPDATE requests SET state = '{to}', sent_on = coalesce(sent_on, '2026-11-21'), total_read = coalesce(total_read, 70){decided} WHERE id = $1"
    );
    match sqlx::query(AssertSqlSafe(statement)).bind(id).execute(&mut *tx).await {
        Ok(done) => done.rows_affected() == 1,
        Err(fault) => {
            let code = fault.as_database_error().unwrap().code().unwrap().into_owned();
            assert!(["23514", "42501"].contains(&code.as_str()), "{from} to {to}: {fault}");
            false
        }
    }
}

#[tokio::test]
async fn the_database_draws_the_same_transitions_for_the_same_people() {
    let world = world().await;
    let app = world.app().await;
    let mut owner = PgConnection::connect_with(&app.database().owner).await.unwrap();
    let id: Uuid = sqlx::query_scalar("SELECT id FROM requests WHERE number = $1")
        .bind(world.planted.requests[0])
        .fetch_one(&mut owner)
        .await
        .unwrap();
    let reader = world.person("keys reader A").unwrap();
    let administrator = world.person("administrator A").unwrap();
    let other = world.person("auditor").unwrap();
    let (mut tried, mut drawn) = (0, 0);
    for (vendor, second_person) in [(true, false), (true, true), (false, false)] {
        let course = Course { vendor, second_person };
        for (asker, people) in [(reader, &PEOPLE[..]), (administrator, &[OWN_ASKER][..])] {
            let reached = State::ALL.into_iter().filter(|s| vendor || !matches!(s, State::Approved | State::Sent));
            for from in reached {
                put(&mut owner, id, asker, other, course, from).await;
                for (name, standing) in people {
                    for to in State::ALL.into_iter().filter(|to| *to != from) {
                        let wanted = Action::ALL
                            .into_iter()
                            .any(|action| next(from, action, course) == Some(to) && standing.may(action, course));
                        let done = tries(&app, world.person(name).unwrap(), id, from, to).await;
                        assert_eq!(done, wanted, "{from} to {to} by {name}, {course:?}");
                        tried += 1;
                        drawn += i32::from(done);
                    }
                }
            }
        }
    }
    assert!(tried > 700 && drawn > 40, "{tried} {drawn}");
    owner.close().await.unwrap();
    app.done().await;
}
