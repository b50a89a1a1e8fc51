//! Roles given on many License IDs at once, those to come included.

use keyward::{auth::roles::Role, people::model::Target};
use time::{Duration, macros::date};

use crate::support::people::World;

const NONE: [&str; 0] = [];

#[tokio::test]
async fn a_role_on_an_agreement_reaches_a_new_license_id_and_follows_one_that_moves() {
    let world = World::new().await;
    let (north, reader) = (world.organization("North", None).await, world.person("reader").await);
    let (ours, theirs) = (world.agreement("4E61138").await, world.agreement("4E70000").await);
    world.contract("100", north, Some(ours)).await;
    let granted = world.give(&reader, Role::ProductKeysReader, Target::Agreement(ours), None).await;
    assert_eq!(granted.license_ids, 1);
    assert_eq!(world.sees(&reader).await, ["100"]);

    let moving = world.contract("200", north, Some(ours)).await;
    world.contract("300", north, Some(theirs)).await;
    assert_eq!(world.sees(&reader).await, ["100", "200"]);

    world.run("UPDATE contracts SET agreement_id = NULL WHERE id = $1", moving).await;
    assert_eq!(world.sees(&reader).await, ["100"]);
    let mut tx = world.system().await;
    sqlx::query("UPDATE contracts SET agreement_id = $2 WHERE id = $1")
        .bind(moving)
        .bind(ours)
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(world.sees(&reader).await, ["100", "200"], "it came back, and its roles with it");
    world.done().await;
}

#[tokio::test]
async fn a_role_on_an_organization_covers_those_below_it() {
    let world = World::new().await;
    let reader = world.person("reader").await;
    let group = world.organization("Group", None).await;
    let child = world.organization("Child", Some(group)).await;
    let grandchild = world.organization("Grandchild", Some(child)).await;
    let stranger = world.organization("Stranger", None).await;
    for (license_id, organization) in [("1", group), ("2", child), ("3", grandchild), ("4", stranger)] {
        world.contract(license_id, organization, None).await;
    }
    let _ = world.give(&reader, Role::LicensePositionReader, Target::Organization(child), None).await;
    assert_eq!(world.sees(&reader).await, ["2", "3"]);
    world.contract("5", grandchild, None).await;
    assert_eq!(world.sees(&reader).await, ["2", "3", "5"]);
    // sold: the grandchild leaves with its License IDs
    world.run("UPDATE organizations SET parent_id = NULL WHERE id = $1", grandchild).await;
    assert_eq!(world.sees(&reader).await, ["2"]);
    world.done().await;
}

#[tokio::test]
async fn a_role_on_all_covers_what_is_imported_later_but_not_what_was_taken_away_by_hand() {
    let world = World::new().await;
    let (north, admin) = (world.organization("North", None).await, world.person("admin").await);
    let first = world.contract("1", north, None).await;
    let _ = world.give(&admin, Role::Administrator, Target::All, None).await;
    world.contract("2", north, None).await;
    assert_eq!(world.sees(&admin).await, ["1", "2"]);

    let revoked = world.take(&admin, Role::Administrator, first).await;
    assert_eq!((revoked.grants, revoked.inherited), (1, 1));
    assert_eq!(revoked.without_administrator, ["1"]);
    assert_eq!(world.sees(&admin).await, ["2"]);

    let other = world.organization("South", None).await;
    let mut tx = world.system().await;
    sqlx::query("UPDATE contracts SET organization_id = $2 WHERE id = $1")
        .bind(first)
        .bind(other)
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    // the last day of the rule changes: that gives nothing back either
    let _ = world.give(&admin, Role::Administrator, Target::All, Some(date!(2027 - 01 - 31))).await;
    world.contract("3", north, None).await;
    assert_eq!(world.sees(&admin).await, ["2", "3"], "taken away stays taken away");
    world.done().await;
}

#[tokio::test]
async fn a_rule_ends_at_its_date_and_when_it_is_taken_away() {
    let world = World::new().await;
    let (north, admin) = (world.organization("North", None).await, world.person("admin").await);
    world.contract("1", north, None).await;
    let until = date!(2026 - 11 - 30);
    let _ = world.give(&admin, Role::Administrator, Target::All, None).await;
    let changed = world.give(&admin, Role::Administrator, Target::All, Some(until)).await;
    assert_eq!(changed.events.len(), 2, "one on the site's chain, one on the License ID's");
    world.clock.turn(Duration::days(8));
    assert_eq!(world.sees(&admin).await, ["1"], "30 November is its last day");
    world.clock.turn(Duration::days(1));
    assert_eq!(world.sees(&admin).await, NONE);

    let _ = world.give(&admin, Role::Administrator, Target::All, None).await;
    assert_eq!(world.sees(&admin).await, ["1"], "given anew after its end");
    let mut tx = world.system().await;
    let revoked =
        keyward::people::grants::revoke_rule(&mut tx, &admin, Role::Administrator, Target::All).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(revoked.without_administrator, ["1"]);
    assert_eq!(world.sees(&admin).await, NONE);
    world.done().await;
}

#[tokio::test]
async fn a_license_id_whose_organization_is_not_approved_is_hidden_from_all_but_its_administrators() {
    let world = World::new().await;
    let north = world.organization("North", None).await;
    let contract = world.contract("1", north, None).await;
    let mut people = Vec::new();
    for role in Role::ALL {
        let person = world.person(role.code()).await;
        let _ = world.give(&person, role, Target::Contract(contract), None).await;
        assert_eq!(world.sees(&person).await, ["1"]);
        people.push((role, person));
    }
    world.run("UPDATE contracts SET status = 'Organization not approved' WHERE id = $1", contract).await;
    for (role, person) in people {
        assert_eq!(!world.sees(&person).await.is_empty(), role == Role::Administrator, "{role}");
    }
    world.done().await;
}

/// DOMAIN §1, "Hierarchy": MBSA, parent agreement, License ID; §1, "Roles": inheritance from parent agreement or MBSA.
#[tokio::test]
async fn contracts_faq_a_role_on_an_mbsa_is_inherited_through_the_agreements_below_it() {
    let world = World::new().await;
    let (north, reader) = (world.organization("North", None).await, world.person("reader").await);
    let mbsa = world.agreement("U1234567").await;
    let (first, second) = (world.agreement("4E61138").await, world.agreement("4E70551").await);
    let under = async |agreement, mbsa: Option<uuid::Uuid>| {
        let mut tx = world.system().await;
        sqlx::query("UPDATE agreements SET mbsa_id = $2 WHERE id = $1")
            .bind(agreement)
            .bind(mbsa)
            .execute(&mut *tx)
            .await?;
        tx.commit().await
    };
    under(first, Some(mbsa)).await.unwrap();
    let taken = world.contract("1", north, Some(first)).await;
    world.contract("2", north, Some(second)).await;
    world.contract("3", north, Some(mbsa)).await;
    world.contract("4", north, None).await;
    let granted = world.give(&reader, Role::ProductKeysReader, Target::Agreement(mbsa), None).await;
    assert_eq!(granted.license_ids, 2);
    assert!(granted.events.iter().any(|event| event.subject.contains("on MBSA U1234567")), "{:?}", granted.events);
    assert_eq!(world.sees(&reader).await, ["1", "3"]);
    // One to come, and an agreement that goes under the MBSA with all it has.
    world.contract("5", north, Some(first)).await;
    under(second, Some(mbsa)).await.unwrap();
    assert_eq!(world.sees(&reader).await, ["1", "2", "3", "5"]);
    // What was taken away on one License ID alone doesn't come back with its agreement.
    let _ = world.take(&reader, Role::ProductKeysReader, taken).await;
    under(first, None).await.unwrap();
    assert_eq!(world.sees(&reader).await, ["2", "3"]);
    under(first, Some(mbsa)).await.unwrap();
    assert_eq!(world.sees(&reader).await, ["2", "3", "5"]);
    // A role on an agreement reaches neither its MBSA nor its sister.
    let other = world.person("other").await;
    let _ = world.give(&other, Role::ProductKeysReader, Target::Agreement(first), None).await;
    assert_eq!(world.sees(&other).await, ["1", "5"]);
    // Whoever sees a License ID sees the numbers above it, and no others.
    world.agreement("4E99999").await;
    let mut tx = world.as_person(&other).await;
    let numbers: Vec<String> =
        sqlx::query_scalar("SELECT number FROM agreements ORDER BY 1").fetch_all(&mut *tx).await.unwrap();
    assert_eq!(numbers, ["4E61138", "U1234567"]);
    drop(tx);
    // A License ID that leaves the agreement leaves the MBSA.
    world.run("UPDATE contracts SET agreement_id = NULL WHERE license_id = '5' AND $1 IS NOT NULL", taken).await;
    assert_eq!(world.sees(&reader).await, ["2", "3"]);
    world.done().await;
}

/// Two levels of agreements and no circle, whoever writes.
#[tokio::test]
async fn an_agreement_under_an_mbsa_has_none_below_it() {
    let world = World::new().await;
    let (mbsa, middle, low) = (world.agreement("U1").await, world.agreement("4E1").await, world.agreement("4E2").await);
    let under = async |agreement: uuid::Uuid, mbsa: uuid::Uuid| {
        let mut tx = world.system().await;
        let written = sqlx::query("UPDATE agreements SET mbsa_id = $2 WHERE id = $1")
            .bind(agreement)
            .bind(mbsa)
            .execute(&mut *tx)
            .await;
        match written {
            Ok(_) => tx.commit().await.map(|()| String::new()).unwrap(),
            Err(fault) => fault.as_database_error().unwrap().constraint().unwrap().to_owned(),
        }
    };
    assert_eq!(under(mbsa, mbsa).await, "agreements_not_own_mbsa");
    assert_eq!(under(middle, mbsa).await, "");
    assert_eq!(under(low, middle).await, "agreements_two_levels", "a third level");
    assert_eq!(under(mbsa, middle).await, "agreements_two_levels", "a circle");
    assert_eq!(under(mbsa, low).await, "agreements_two_levels", "an MBSA stands under none");
    assert_eq!(under(low, mbsa).await, "");
    world.done().await;
}
