//! What a site operator may give, and what happens to the last Administrator.

use keyward::{
    auth::roles::Role,
    people::{
        db,
        grants::{GrantError, revoke_one},
        model::Target,
    },
};

use crate::support::people::World;

#[tokio::test]
async fn an_operator_appoints_an_administrator_only_where_there_is_none_and_never_himself() {
    let world = World::new().await;
    let north = world.organization("North", None).await;
    let contract = world.contract("1", north, None).await;
    let operator = world.account("operator", true, false).await;
    let (first, second) = (world.person("first").await, world.person("second").await);
    let refused = |result| matches!(result, Err(GrantError::Refused));
    assert!(refused(world.give_as(&operator, &operator, Role::Administrator, contract).await), "himself");
    assert!(refused(world.give_as(&operator, &first, Role::ProductKeysReader, contract).await), "another role");
    assert!(world.give_as(&operator, &first, Role::Administrator, contract).await.is_ok());
    assert!(refused(world.give_as(&operator, &second, Role::Administrator, contract).await), "there is one now");

    let mut tx = world.system().await;
    let closed = keyward::people::accounts::disable(&mut tx, first.id).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(closed.without_administrator, ["1"]);
    assert!(world.give_as(&operator, &second, Role::Administrator, contract).await.is_ok(), "the one can't sign in");
    world.done().await;
}

/// He was shown its password: that would be naming himself.
#[tokio::test]
async fn an_operator_does_not_appoint_an_account_that_he_made() {
    let world = World::new().await;
    let north = world.organization("North", None).await;
    let contract = world.contract("1", north, None).await;
    let (maker, other) = (world.account("maker", true, false).await, world.account("other", true, false).await);
    let made = world.person("made").await;
    let mut tx = world.system().await;
    keyward::hand::db::made(&mut tx, made.id, maker.id).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = world.as_person(&maker).await;
    assert_eq!(db::grantee(&mut tx, &made.email).await.unwrap().unwrap().added_by, Some(maker.id));
    drop(tx);
    let refused = world.give_as(&maker, &made, Role::Administrator, contract).await;
    assert!(matches!(refused, Err(GrantError::Refused)), "row-level security alone");
    assert!(world.give_as(&other, &made, Role::Administrator, contract).await.is_ok());
    world.done().await;
}

#[tokio::test]
async fn an_operator_learns_of_a_license_id_its_number_and_its_roles_and_no_more() {
    let world = World::new().await;
    let north = world.organization("North", None).await;
    let contract = world.contract("1", north, None).await;
    let operator = world.account("operator", true, false).await;
    let admin = world.person("admin").await;
    let _ = world.give(&admin, Role::Administrator, Target::Contract(contract), None).await;
    assert!(world.sees(&operator).await.is_empty());
    let mut tx = world.as_person(&operator).await;
    let managed = db::managed(&mut tx, "1").await.unwrap().unwrap();
    assert!(!managed.administered && managed.has_administrator);
    assert_eq!(db::with_administrators(&mut tx, 1).await.unwrap().license_ids, ["1"]);
    drop(tx);
    let mut tx = world.as_person(&world.person("nobody").await).await;
    assert!(db::managed(&mut tx, "1").await.unwrap().is_none());
    assert!(db::grantee(&mut tx, &admin.email).await.unwrap().is_none(), "nor who has an account");
    drop(tx);
    world.done().await;
}

#[tokio::test]
async fn the_last_administrator_has_to_hand_over_first() {
    let world = World::new().await;
    let north = world.organization("North", None).await;
    let on = Target::Contract(world.contract("1", north, None).await);
    let (one, two) = (world.person("one").await, world.person("two").await);
    let (first, second) = (
        world.give(&one, Role::Administrator, on, None).await.id,
        world.give(&two, Role::Administrator, on, None).await.id,
    );
    // They revoke each other at the same moment: the second isn't an Administrator any more when it is his turn.
    let (mut left, mut right) = (world.as_person(&one).await, world.as_person(&two).await);
    let of_two = db::grant_head(&mut left, second).await.unwrap().unwrap();
    let of_one = db::grant_head(&mut right, first).await.unwrap().unwrap();
    assert_eq!(revoke_one(&mut left, &of_two, one.id).await.unwrap().grants, 1);
    let late = tokio::spawn(async move { revoke_one(&mut right, &of_one, two.id).await.map(|revoked| revoked.grants) });
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    left.commit().await.unwrap();
    assert!(matches!(late.await.unwrap(), Ok(0)));

    let mut tx = world.as_person(&one).await;
    let own = db::grant_head(&mut tx, first).await.unwrap().unwrap();
    assert!(matches!(revoke_one(&mut tx, &own, one.id).await, Err(GrantError::LastAdministrator)));
    drop(tx);
    world.done().await;
}

#[tokio::test]
async fn an_inherited_grant_is_not_taken_away_at_the_license_id() {
    let world = World::new().await;
    let north = world.organization("North", None).await;
    world.contract("1", north, None).await;
    let (one, two) = (world.person("one").await, world.person("two").await);
    let _ = world.give(&one, Role::Administrator, Target::All, None).await;
    let _ = world.give(&two, Role::ProductKeysReader, Target::Organization(north), None).await;
    let mut tx = world.as_person(&one).await;
    let held = db::held(&mut tx, &db::Filter::default(), &[two.id]).await.unwrap();
    assert_eq!((held[0].revocable, held[0].covers.as_str(), held[0].source.as_str()), (false, "organization", "North"));
    let head = db::grant_head(&mut tx, held[0].id).await.unwrap().unwrap();
    assert_eq!(revoke_one(&mut tx, &head, one.id).await.unwrap().grants, 0, "row-level security alone");
    drop(tx);
    world.done().await;
}
