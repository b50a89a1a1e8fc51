//! Many roles at once: planned, saved, taken back; in the scope of whoever gives.

use keyward::{
    auth::roles::Role,
    notices::{self, Notice, To},
    people::{
        change::{self, From, Kind, Saved},
        choose::{Choices, plan},
        grants::{GrantError, revoke_one},
        model::{Named, Target},
        plan::{Outcome, Plan},
        saved, undo,
    },
    postgres::Scoped,
    web::form::Pairs,
};
use time::{Duration, macros::date};

use crate::support::people::World;

const NONE: [&str; 0] = [];

async fn planned(tx: &mut Scoped, me: &Named, operator: bool, query: &str) -> Plan {
    let found = Choices::read(Pairs::parse(query.as_bytes())).find(tx, operator).await.unwrap();
    assert_eq!(
        (found.people_error.as_ref(), found.places_error.as_ref(), found.roles_error.as_ref()),
        (None, None, None)
    );
    plan(tx, me.id, found).await.unwrap()
}

async fn saved(tx: &mut Scoped, me: &Named, plan: &Plan) -> Result<Saved, GrantError> {
    change::save(tx, me.id, Kind::Give, plan, &From::default(), "done").await
}

/// Two License IDs below an organisation, one elsewhere; an Administrator of all three, two others.
async fn three() -> (World, Named, Named, Named, String) {
    let world = World::new().await;
    let north = world.organization("North", None).await;
    let below = world.organization("North below", Some(north)).await;
    let south = world.organization("South", None).await;
    world.contract("1", north, None).await;
    world.contract("2", below, None).await;
    world.contract("3", south, None).await;
    let (admin, one, two) = (world.person("admin").await, world.person("one").await, world.person("two").await);
    let _ = world.give(&admin, Role::Administrator, Target::All, None).await;
    (world, admin, one, two, north.to_string())
}

#[tokio::test]
async fn a_whole_organisation_is_given_with_all_below_it_and_acts_at_once() {
    let (world, admin, one, two, north) = three().await;
    let query =
        format!("emails={}+{}&organization={north}&role=product-keys-reader&until=2027-03-31", one.email, two.email);
    let mut tx = world.as_person(&admin).await;
    let plan = planned(&mut tx, &admin, false, &query).await;
    assert_eq!((plan.items.len(), plan.changes()), (4, 4));
    let done = saved(&mut tx, &admin, &plan).await.unwrap();
    assert_eq!(done.events.len(), 4, "one on the chain of each License ID and person");
    assert!(done.events.iter().all(|event| event.contract.is_some() && event.detail["until"] == "2027-03-31"));
    assert_eq!(world.sees(&one).await, NONE, "not before it is committed");
    tx.commit().await.unwrap();
    assert_eq!(world.sees(&one).await, ["1", "2"]);
    assert_eq!(world.sees(&two).await, ["1", "2"]);
    // A License ID to come isn't included: that is what a rule is for.
    world.contract("4", north.parse().unwrap(), None).await;
    assert_eq!(world.sees(&one).await, ["1", "2"]);
    world.clock.turn(Duration::days(200));
    assert_eq!(world.sees(&one).await, NONE, "it ends by itself");
    world.done().await;
}

#[tokio::test]
async fn what_is_inherited_is_shown_and_not_given_twice() {
    let (world, admin, one, _, north) = three().await;
    let _ = world.give(&one, Role::ProductKeysReader, Target::Organization(north.parse().unwrap()), None).await;
    let mut tx = world.as_person(&admin).await;
    let query = format!("emails={}&every=administered&role=product-keys-reader", one.email);
    let plan = planned(&mut tx, &admin, false, &query).await;
    let outcomes: Vec<_> = plan.items.iter().map(|item| item.outcome.clone()).collect();
    let held = Outcome::Held("through the organisation North".to_owned());
    assert_eq!(outcomes, [held.clone(), held, Outcome::New]);
    drop(tx);
    world.done().await;
}

#[tokio::test]
async fn an_administrator_reaches_no_license_id_but_his_own_whatever_is_sent() {
    let (world, _, one, two, north) = three().await;
    let mut tx = world.system().await;
    let own = keyward::people::db::contract_id(&mut tx, "1").await.unwrap().unwrap();
    drop(tx);
    let _ = world.give(&one, Role::Administrator, Target::Contract(own), None).await;
    let mut tx = world.as_person(&one).await;
    for all in ["every=administered", "every=without", &format!("organization={north}"), "license_id=1&license_id=2"] {
        let query = format!("emails={}&role=administrator&numbers=1&{all}", two.email);
        let plan = planned(&mut tx, &one, false, &query).await;
        let reached: Vec<&str> = plan.places.iter().map(|place| place.license_id.as_str()).collect();
        assert_eq!(reached, ["1"], "{all}");
    }
    let typed =
        Choices::read(Pairs::parse(format!("emails={}&role=administrator&numbers=1+2+9", two.email).as_bytes()));
    let found = typed.find(&mut tx, false).await.unwrap();
    assert!(found.places_error.unwrap().contains("no License ID with the number 2, 9"), "foreign and absent alike");
    drop(tx);
    world.done().await;
}

/// Between the look and the write: nothing of the plan is written.
#[tokio::test]
async fn a_save_whose_grants_changed_since_writes_nothing() {
    let (world, admin, one, two, _) = three().await;
    let mut tx = world.as_person(&admin).await;
    let query = format!("emails={}+{}&every=administered&role=product-keys-reader", one.email, two.email);
    let plan = planned(&mut tx, &admin, false, &query).await;
    let shown = plan.digest();
    drop(tx);
    let mut system = world.system().await;
    let contract = keyward::people::db::contract_id(&mut system, "2").await.unwrap().unwrap();
    drop(system);
    let _ = world.give(&one, Role::ProductKeysReader, Target::Contract(contract), Some(date!(2027 - 01 - 31))).await;
    let mut tx = world.as_person(&admin).await;
    assert_ne!(
        planned(&mut tx, &admin, false, &query).await.digest(),
        shown,
        "what was shown isn't what would be saved"
    );
    assert!(matches!(saved(&mut tx, &admin, &plan).await, Err(GrantError::Refused)), "nor does the old one go through");
    drop(tx);
    assert_eq!(world.sees(&two).await, NONE);
    world.done().await;
}

#[tokio::test]
async fn a_save_is_taken_back_once_within_minutes_and_only_as_it_was_left() {
    let (world, admin, one, two, _) = three().await;
    let give = async |query: String| {
        let mut tx = world.as_person(&admin).await;
        let plan = planned(&mut tx, &admin, false, &query).await;
        let id = saved(&mut tx, &admin, &plan).await.unwrap().id;
        tx.commit().await.unwrap();
        id
    };
    let back = async |by: &Named, id| {
        let mut tx = world.as_person(by).await;
        let undone = undo::undo(&mut tx, by.id, id).await?;
        tx.commit().await?;
        Ok::<usize, GrantError>(undone.events.len())
    };
    let long = give(format!("emails={}&every=administered&role=product-keys-reader", one.email)).await;
    let short =
        give(format!("emails={}&every=administered&role=product-keys-reader&until=2026-12-31", one.email)).await;
    assert!(matches!(back(&one, short).await, Err(GrantError::Refused)), "another's");
    assert!(matches!(back(&admin, long).await, Ok(3)), "what was given goes, whatever its end by now");
    assert_eq!(world.sees(&one).await, NONE);
    assert!(matches!(back(&admin, long).await, Err(GrantError::Refused)), "once");
    assert!(matches!(back(&admin, short).await, Err(GrantError::Refused)), "not as it was left");

    let late = give(format!("emails={}&every=administered&role=product-keys-reader", two.email)).await;
    world.clock.turn(saved::UNDO_FOR + Duration::seconds(1));
    assert!(matches!(back(&admin, late).await, Err(GrantError::Refused)), "too late");
    assert_eq!(world.sees(&two).await, ["1", "2", "3"]);
    world.done().await;
}

#[tokio::test]
async fn who_has_lost_the_role_takes_nothing_back() {
    let world = World::new().await;
    let north = world.organization("North", None).await;
    let on = Target::Contract(world.contract("1", north, None).await);
    let (admin, one) = (world.person("admin").await, world.person("one").await);
    let mine = world.give(&admin, Role::Administrator, on, None).await.id;
    let mut tx = world.as_person(&admin).await;
    let plan = planned(&mut tx, &admin, false, &format!("emails={}&numbers=1&role=administrator", one.email)).await;
    let given = saved(&mut tx, &admin, &plan).await.unwrap().id;
    tx.commit().await.unwrap();
    let mut tx = world.as_person(&one).await;
    let head = keyward::people::db::grant_head(&mut tx, mine).await.unwrap().unwrap();
    assert_eq!(revoke_one(&mut tx, &head, one.id).await.unwrap().grants, 1);
    tx.commit().await.unwrap();
    let mut tx = world.as_person(&admin).await;
    assert!(matches!(undo::undo(&mut tx, admin.id, given).await, Err(GrantError::Refused)), "not his any more");
    drop(tx);
    world.done().await;
}

#[tokio::test]
async fn an_operator_names_one_administrator_for_all_that_have_none_and_gets_nothing_himself() {
    let world = World::new().await;
    let north = world.organization("North", None).await;
    world.contract("1", north, None).await;
    world.contract("2", north, None).await;
    let held = world.contract("3", north, None).await;
    let operator = world.account("operator", true, false).await;
    let (one, two) = (world.person("one").await, world.person("two").await);
    let _ = world.give(&two, Role::Administrator, Target::Contract(held), None).await;
    let mut tx = world.as_person(&operator).await;
    let both =
        format!("emails={}+{}&every=without&role=administrator&role=product-keys-reader", one.email, operator.email);
    let plan = planned(&mut tx, &operator, true, &both).await;
    assert_eq!(plan.places.len(), 2, "where somebody administers, an operator is not asked");
    assert_eq!(plan.changes(), 2, "one person, one role: {:?}", plan.items);
    assert!(!plan.administered(), "so it isn't his to take back");
    let _ = saved(&mut tx, &operator, &plan).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(world.sees(&one).await, ["1", "2"]);
    assert_eq!(world.sees(&operator).await, NONE);
    world.done().await;
}

/// Row-level security alone, whatever the program would have said.
#[tokio::test]
async fn a_forged_plan_is_refused_by_the_database() {
    let (world, admin, one, _, _) = three().await;
    let mut tx = world.as_person(&admin).await;
    let plan =
        planned(&mut tx, &admin, false, &format!("emails={}&every=administered&role=administrator", one.email)).await;
    drop(tx);
    let mut tx = world.as_person(&one).await;
    assert!(matches!(saved(&mut tx, &one, &plan).await, Err(GrantError::Refused)));
    drop(tx);
    let operator = world.account("operator", true, false).await;
    let mut tx = world.as_person(&operator).await;
    assert!(matches!(saved(&mut tx, &operator, &plan).await, Err(GrantError::Refused)), "there are Administrators");
    drop(tx);
    world.done().await;
}

/// A person's transaction tells of roles only those whose roles it changed.
#[tokio::test]
async fn nobody_is_told_of_roles_but_whose_roles_were_changed() {
    let (world, admin, one, two, _) = three().await;
    let mut tx = world.as_person(&admin).await;
    let plan = planned(&mut tx, &admin, false, &format!("emails={}&numbers=1&role=administrator", one.email)).await;
    let change = saved(&mut tx, &admin, &plan).await.unwrap().id;
    let notice = |about: &str| Notice {
        kind: notices::Kind::RoleChanged,
        about: about.to_owned(),
        subject: "Your roles have changed".to_owned(),
        sentence: format!("{change}"),
        link: "/contracts".to_owned(),
        contract_id: None,
    };
    notices::put(&mut tx, &notice("one"), To::People(&[one.id])).await.unwrap();
    assert!(notices::put(&mut tx, &notice("two"), To::People(&[two.id])).await.is_err());
    drop(tx);
    let mut tx = world.as_person(&two).await;
    assert!(notices::put(&mut tx, &notice("three"), To::People(&[one.id])).await.is_err(), "who changed nothing");
    drop(tx);
    world.done().await;
}
