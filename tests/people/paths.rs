//! Who sees what, and by which way.

use keyward::{
    auth::roles::Role,
    people::{
        model::{Named, Target},
        paths,
    },
};
use uuid::Uuid;

use crate::support::people::World;

async fn ways(world: &World, reader: &Named, person: &Named) -> Vec<(String, String, String, String)> {
    let mut tx = world.as_person(reader).await;
    let paths = paths::of_person(&mut tx, person.id, "", 50, 0).await.unwrap();
    paths.into_iter().map(|path| (path.license_id, path.role, path.covers, path.source)).collect()
}

fn way(license_id: &str, role: Role, covers: &str, source: &str) -> (String, String, String, String) {
    (license_id.to_owned(), role.code().to_owned(), covers.to_owned(), source.to_owned())
}

#[tokio::test]
async fn what_a_person_sees_is_told_by_each_way_and_cut_to_the_readers_license_ids() {
    let world = World::new().await;
    let (north, agreement) = (world.organization("North", None).await, world.agreement("4E1").await);
    let first = world.contract("1", north, Some(agreement)).await;
    world.contract("2", north, None).await;
    let (admin, one, nobody) = (world.person("admin").await, world.person("one").await, world.person("nobody").await);
    let _ = world.give(&admin, Role::Administrator, Target::Contract(first), None).await;
    let _ = world.give(&one, Role::ProductKeysReader, Target::Contract(first), None).await;
    let _ = world.give(&one, Role::ProductKeysReader, Target::Organization(north), None).await;
    let _ = world.give(&one, Role::LicensePositionReader, Target::Agreement(agreement), None).await;
    let expected = [
        way("1", Role::LicensePositionReader, "agreement", "4E1"),
        way("1", Role::ProductKeysReader, "", ""),
        way("1", Role::ProductKeysReader, "organization", "North"),
    ];
    assert_eq!(ways(&world, &admin, &one).await, expected, "and nothing of License ID 2");
    assert!(ways(&world, &nobody, &one).await.is_empty());
    let operator = world.account("operator", true, false).await;
    let all = ways(&world, &operator, &one).await;
    assert_eq!(all.len(), 4, "a site operator sees the way on every License ID: {all:?}");
    let mut tx = world.as_person(&nobody).await;
    assert!(paths::person(&mut tx, one.id).await.unwrap().is_none(), "nor that there is such a person");
    drop(tx);
    world.done().await;
}

/// A key without its secret, which nothing here reads.
/// The way through an MBSA names it and the agreement between.
#[tokio::test]
async fn a_way_through_an_mbsa_is_told_with_the_agreement_between() {
    let world = World::new().await;
    let (north, mbsa) = (world.organization("North", None).await, world.agreement("U1234567").await);
    let agreement = world.agreement("4E61138").await;
    let mut tx = world.system().await;
    sqlx::query("UPDATE agreements SET mbsa_id = $2 WHERE id = $1")
        .bind(agreement)
        .bind(mbsa)
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let first = world.contract("1", north, Some(agreement)).await;
    world.contract("2", north, Some(mbsa)).await;
    let (admin, one) = (world.person("admin").await, world.person("one").await);
    let _ = world.give(&admin, Role::Administrator, Target::All, None).await;
    let _ = world.give(&one, Role::ProductKeysReader, Target::Agreement(mbsa), None).await;
    let mut tx = world.as_person(&admin).await;
    let told: Vec<String> =
        paths::of_person(&mut tx, one.id, "", 50, 0).await.unwrap().iter().map(paths::Path::words).collect();
    drop(tx);
    assert!(
        told[0].starts_with("Through MBSA U1234567 above agreement 4E61138, given on the command line"),
        "{told:?}"
    );
    assert!(told[1].starts_with("Through MBSA U1234567, given on the command line"), "{told:?}");
    // Who can see a key, asked from the key, by the same way.
    let product = Uuid::now_v7();
    world
        .run(
            "INSERT INTO products (id, slug, name, category, family, created_at) VALUES ($1, 's', 's', 'Other', 's', now())",
            product,
        )
        .await;
    let key = key(&world, first, product, b"one").await;
    let mut tx = world.as_person(&admin).await;
    let told: Vec<String> = paths::of_key(&mut tx, key, 50, 0)
        .await
        .unwrap()
        .iter()
        .map(|path| format!("{}: {}", path.name, path.words()))
        .collect();
    drop(tx);
    assert!(told.iter().any(|words| words.contains("one: Through MBSA U1234567 above agreement 4E61138")), "{told:?}");
    world.done().await;
}

async fn key(world: &World, contract: Uuid, product: Uuid, fingerprint: &[u8]) -> Uuid {
    let (id, data_key) = (Uuid::now_v7(), Uuid::now_v7());
    let mut tx = world.system().await;
    sqlx::query(
        "INSERT INTO vault_checks (kek_id, sealed, created_at) VALUES ('kek', '\\x01', now()) ON CONFLICT DO NOTHING",
    )
    .execute(&mut *tx)
    .await
    .unwrap();
    sqlx::query(
        "INSERT INTO data_keys (id, contract_id, kek_id, wrapped, created_at) VALUES ($1, $2, 'kek', '\\x01', now())",
    )
    .bind(data_key)
    .bind(contract)
    .execute(&mut *tx)
    .await
    .unwrap();
    sqlx::query(
        "INSERT INTO product_keys (id, contract_id, product_id, kind, fingerprint, last_five, data_key_id, sealed, read_at, created_at)
         VALUES ($1, $2, $3, 'MAK', $4, 'ABCDE', $5, '\\x01', now(), now())",
    )
    .bind(id)
    .bind(contract)
    .bind(product)
    .bind(fingerprint)
    .bind(data_key)
    .execute(&mut *tx)
    .await
    .unwrap();
    tx.commit().await.unwrap();
    id
}

#[tokio::test]
async fn who_can_see_a_shared_key_is_told_over_all_the_readers_license_ids_and_ends_at_once() {
    let world = World::new().await;
    let north = world.organization("North", None).await;
    let [first, second, foreign] = [
        world.contract("1", north, None).await,
        world.contract("2", north, None).await,
        world.contract("3", north, None).await,
    ];
    let product = Uuid::now_v7();
    let mut tx = world.system().await;
    sqlx::query("INSERT INTO products (id, slug, name, category, family, created_at) VALUES ($1, 's', 's', 'Other', 's', now())")
        .bind(product)
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let shared = key(&world, first, product, b"same").await;
    key(&world, second, product, b"same").await;
    key(&world, foreign, product, b"same").await;
    let admin = world.person("admin").await;
    for contract in [first, second] {
        let _ = world.give(&admin, Role::Administrator, Target::Contract(contract), None).await;
    }
    let (one, two, loads, away) =
        (world.person("one").await, world.person("two").await, world.person("loads").await, world.person("away").await);
    let _ = world.give(&one, Role::ProductKeysReader, Target::Contract(second), None).await;
    let _ = world.give(&two, Role::ProductKeysReader, Target::Contract(foreign), None).await;
    let _ = world.give(&loads, Role::ProductDownloadManager, Target::Contract(first), None).await;
    let _ = world.give(&away, Role::ProductKeysReader, Target::Contract(first), None).await;
    world.run("UPDATE people SET disabled_at = now() WHERE id = $1", away.id).await;
    let seen = async || {
        let mut tx = world.as_person(&admin).await;
        let paths = paths::of_key(&mut tx, shared, 50, 0).await.unwrap();
        paths.into_iter().map(|path| format!("{} {}", path.name, path.license_id)).collect::<Vec<_>>()
    };
    assert_eq!(seen().await, ["admin 1", "admin 2", "one 2"], "not who loads files, can't sign in, or is another's");
    world.run("UPDATE contracts SET status = 'Organization not approved' WHERE id = $1", second).await;
    assert!(!seen().await.contains(&"one 2".to_owned()), "Organization not approved");
    world.run("UPDATE contracts SET status = 'Active' WHERE id = $1", second).await;
    let _ = world.take(&one, Role::ProductKeysReader, second).await;
    assert_eq!(seen().await, ["admin 1", "admin 2"]);
    world.done().await;
}
