//! One role on one License ID.

use keyward::{
    auth::roles::Role,
    people::{
        grants::{Change, GrantError, grant},
        model::{Grant, Target},
    },
};
use time::{Duration, macros::date};

use crate::support::people::World;

const NONE: [&str; 0] = [];

#[tokio::test]
async fn a_role_that_ends_by_itself_ends_after_its_last_day_and_can_be_given_again() {
    let world = World::new().await;
    let (north, reader) = (world.organization("North", None).await, world.person("reader").await);
    let on = Target::Contract(world.contract("1", north, None).await);
    let _ = world.give(&reader, Role::ProductKeysReader, on, Some(date!(2026 - 11 - 23))).await;
    world.clock.turn(Duration::days(1));
    assert_eq!(world.sees(&reader).await, ["1"]);
    world.clock.turn(Duration::hours(12));
    assert_eq!(world.sees(&reader).await, NONE, "at midnight");
    let again = world.give(&reader, Role::ProductKeysReader, on, None).await;
    assert_eq!(again.change, Change::New);
    assert_eq!(world.sees(&reader).await, ["1"]);
    world.done().await;
}

#[tokio::test]
async fn a_role_is_held_once_and_giving_it_again_changes_its_last_day() {
    let world = World::new().await;
    let (north, reader) = (world.organization("North", None).await, world.person("reader").await);
    let contract = world.contract("1", north, None).await;
    let on = Target::Contract(contract);
    let until = date!(2027 - 03 - 31);
    let first = world.give(&reader, Role::ProductKeysReader, on, None).await;
    assert_eq!((first.change, first.events.len()), (Change::New, 1));
    let same = world.give(&reader, Role::ProductKeysReader, on, None).await;
    assert_eq!((same.change, same.events.len(), same.id), (Change::Same, 0, first.id));
    let changed = world.give(&reader, Role::ProductKeysReader, on, Some(until)).await;
    assert_eq!(changed.change, Change::Until { before: None });
    let back = world.give(&reader, Role::ProductKeysReader, on, None).await;
    assert_eq!(back.change, Change::Until { before: Some(until) });
    assert_eq!(world.take(&reader, Role::ProductKeysReader, contract).await.grants, 1);
    assert_eq!(world.take(&reader, Role::ProductKeysReader, contract).await.grants, 0);
    assert_eq!(world.sees(&reader).await, NONE);
    world.done().await;
}

#[tokio::test]
async fn a_last_day_in_the_past_and_a_disabled_account_are_refused() {
    let world = World::new().await;
    let (north, mut reader) = (world.organization("North", None).await, world.person("reader").await);
    let on = Target::Contract(world.contract("1", north, None).await);
    let mut tx = world.system().await;
    let role = Role::ProductKeysReader;
    let past = Grant { person: &reader, role, on, until: Some(date!(2026 - 11 - 21)), by: None };
    assert!(matches!(grant(&mut tx, past).await, Err(GrantError::Past(_))));
    reader.disabled = true;
    let closed = Grant { person: &reader, role, on, until: None, by: None };
    assert!(matches!(grant(&mut tx, closed).await, Err(GrantError::Disabled(_))));
    drop(tx);
    world.done().await;
}

#[tokio::test]
async fn an_administrator_gives_on_his_license_ids_and_nowhere_else() {
    let world = World::new().await;
    let north = world.organization("North", None).await;
    let (own, foreign) = (world.contract("1", north, None).await, world.contract("2", north, None).await);
    let (admin, other) = (world.person("admin").await, world.person("other").await);
    let _ = world.give(&admin, Role::Administrator, Target::Contract(own), None).await;
    let given = world.give_as(&admin, &other, Role::ProductKeysReader, own).await.unwrap();
    assert_eq!(given.events[0].contract, Some(own));
    let refused = world.give_as(&admin, &other, Role::ProductKeysReader, foreign).await;
    assert!(matches!(refused, Err(GrantError::Refused)), "{refused:?}");
    let refused = world.give_as(&other, &other, Role::Administrator, own).await;
    assert!(matches!(refused, Err(GrantError::Refused)), "a reader may give nothing: {refused:?}");
    world.done().await;
}
