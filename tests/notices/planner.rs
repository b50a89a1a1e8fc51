//! The rules of dates, each with the clock turned: what is put, when, for whom.

use keyward::{
    auth::roles::Role,
    notices::plan::plan,
    people::model::{Named, Target},
};
use time::{Duration, macros::date};
use uuid::Uuid;

use super::{ending, texts};
use crate::support::people::World;

/// Runs the planner once a day for so many days; what it put, with the day.
async fn days(world: &World, days: i64) -> Vec<(time::Date, i64)> {
    let mut put = Vec::new();
    for _ in 0..days {
        let fresh = plan(&world.db).await.unwrap();
        if fresh > 0 {
            put.push((world.clock.now().date(), fresh));
        }
        world.clock.turn(Duration::DAY);
    }
    put
}

/// Marks of what was put for a kind, in order.
async fn marks(world: &World, kind: &str) -> Vec<String> {
    let mut tx = world.system().await;
    sqlx::query_scalar("SELECT regexp_replace(about, '^.*:', '') FROM notices WHERE kind = $1 ORDER BY made_at, about")
        .bind(kind)
        .fetch_all(&mut *tx)
        .await
        .unwrap()
}

/// A second Administrator, so that nobody is told of being the only one.
async fn second(world: &World, contract: Uuid) -> Named {
    let person = world.person(&format!("second.{}", contract.simple())).await;
    let _ = world.give(&person, Role::Administrator, Target::Contract(contract), None).await;
    person
}

#[tokio::test]
async fn issue_3_a_license_id_is_told_180_90_60_30_and_7_days_before_its_end() {
    let world = World::new().await;
    let (contract, _) = ending(&world, "8671204", "2027-06-30").await;
    second(&world, contract).await;
    let put = days(&world, 240).await;
    // Two Administrators each time.
    assert_eq!(
        put,
        [
            date!(2027 - 01 - 01),
            date!(2027 - 04 - 01),
            date!(2027 - 05 - 01),
            date!(2027 - 05 - 31),
            date!(2027 - 06 - 23)
        ]
        .map(|day| (day, 2))
    );
    assert_eq!(marks(&world, "contract-end").await, ["180", "90", "60", "30", "7"]);
    world.done().await;
}

#[tokio::test]
async fn running_twice_or_after_a_pause_tells_once_and_only_the_nearest_step() {
    let world = World::new().await;
    let (contract, _) = ending(&world, "8671204", "2027-06-30").await;
    second(&world, contract).await;
    world.clock.turn(Duration::days(165)); // 6 May 2027: 180, 90 and 60 days have passed
    assert_eq!(plan(&world.db).await.unwrap(), 2);
    assert_eq!(plan(&world.db).await.unwrap(), 0);
    assert_eq!(marks(&world, "contract-end").await, ["60"]);
    let both = tokio::join!(plan(&world.db), plan(&world.db));
    assert_eq!((both.0.unwrap(), both.1.unwrap()), (0, 0), "two servers at once");
    world.done().await;
}

#[tokio::test]
async fn whoever_comes_later_is_told_the_step_in_force() {
    let world = World::new().await;
    let (contract, _) = ending(&world, "8671204", "2027-01-10").await;
    assert_eq!(plan(&world.db).await.unwrap(), 2, "the end, and being alone");
    second(&world, contract).await;
    world.clock.turn(Duration::DAY);
    assert_eq!(plan(&world.db).await.unwrap(), 1);
    world.done().await;
}

#[tokio::test]
async fn who_looks_after_a_date_is_told_alone_and_while_they_administer_it() {
    let world = World::new().await;
    let (contract, first) = ending(&world, "8671204", "2027-01-10").await;
    let other = second(&world, contract).await;
    let mut tx = world.system().await;
    sqlx::query(
        "INSERT INTO date_owners (contract_id, subject, owner_id) VALUES ($1, 'contract:' || $1 || ':end', $2)",
    )
    .bind(contract)
    .bind(other.id)
    .execute(&mut *tx)
    .await
    .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(plan(&world.db).await.unwrap(), 1);
    let told = "SELECT p.name FROM notice_recipients r JOIN people p ON p.id = r.person_id ORDER BY r.made_at, p.name";
    assert_eq!(texts(&world, told).await, std::slice::from_ref(&other.name));
    // The role is taken away: the date falls back to whoever administers it.
    let _ = world.take(&other, Role::Administrator, contract).await;
    world.clock.turn(Duration::DAY);
    plan(&world.db).await.unwrap();
    assert!(texts(&world, told).await.contains(&first.name));
    world.done().await;
}

#[tokio::test]
async fn a_snooze_holds_a_date_back_for_one_person() {
    let world = World::new().await;
    let (contract, first) = ending(&world, "8671204", "2027-06-30").await;
    let other = second(&world, contract).await;
    world
        .run(
            "INSERT INTO notice_snoozes SELECT $1, 'contract:' || id || ':end:2027-06-30', '2027-02-01' FROM contracts",
            first.id,
        )
        .await;
    days(&world, 80).await;
    let mut tx = world.system().await;
    let told: Vec<(Uuid, String)> = sqlx::query_as(
        "SELECT r.person_id, regexp_replace(n.about, '^.*:', '') FROM notice_recipients r JOIN notices n ON n.id = r.notice_id ORDER BY r.made_at",
    )
    .fetch_all(&mut *tx)
    .await
    .unwrap();
    assert_eq!(told, [(other.id, "180".to_owned()), (first.id, "again-2027-02-01".to_owned())]);
    drop(tx);
    world.done().await;
}

/// A product of this name under a License ID, with a key.
async fn key(world: &World, contract: Uuid, product: &str, kind: &str, used: i64, total: i64) -> Uuid {
    let (id, product_id) = (Uuid::now_v7(), Uuid::now_v7());
    let mut tx = world.system().await;
    sqlx::query(
        "INSERT INTO products (id, slug, name, category, family, created_at) VALUES ($1, $2, $2, 'x', 'x', app_now())",
    )
    .bind(product_id)
    .bind(product)
    .execute(&mut *tx)
    .await
    .unwrap();
    sqlx::query(
        "INSERT INTO vault_checks (kek_id, sealed, created_at) VALUES ('kek', '', app_now()) ON CONFLICT DO NOTHING",
    )
    .execute(&mut *tx)
    .await
    .unwrap();
    sqlx::query("INSERT INTO data_keys (id, contract_id, kek_id, wrapped, created_at) VALUES (gen_random_uuid(), $1, 'kek', '', app_now()) ON CONFLICT DO NOTHING")
        .bind(contract)
        .execute(&mut *tx)
        .await
        .unwrap();
    sqlx::query(
        "INSERT INTO product_keys (id, contract_id, product_id, kind, fingerprint, last_five, data_key_id, sealed, used, total, read_at, created_at)
         SELECT $1, $2, $3, $4, $5, 'AB12C', d.id, '', $6, $7, app_now(), app_now() FROM data_keys d WHERE d.contract_id = $2",
    )
    .bind(id)
    .bind(contract)
    .bind(product_id)
    .bind(kind)
    .bind(id.as_bytes().as_slice())
    .bind(used)
    .bind(total)
    .execute(&mut *tx)
    .await
    .unwrap();
    tx.commit().await.unwrap();
    id
}

#[tokio::test]
async fn lifecycle_table_the_end_of_the_last_esu_year_that_is_held_is_told() {
    let world = World::new().await;
    let (contract, _) = ending(&world, "8671204", "2099-12-31").await;
    second(&world, contract).await;
    // Year 1 has passed, year 2 ends on 12 October 2027; Windows Server's third and last year ended in October 2026.
    for product in ["Windows 10 ESU Year 1", "Windows 10 ESU Year 2", "Windows Server 2012 R2 ESU Year 3"] {
        key(&world, contract, product, "MAK", 1, 100).await;
    }
    let put = days(&world, 330).await;
    assert_eq!(
        put.iter().map(|(day, _)| *day).collect::<Vec<_>>(),
        [
            date!(2027 - 04 - 15),
            date!(2027 - 07 - 14),
            date!(2027 - 08 - 13),
            date!(2027 - 09 - 12),
            date!(2027 - 10 - 05)
        ]
    );
    let subject = texts(&world, "SELECT DISTINCT subject FROM notices WHERE kind = 'esu-end'").await;
    assert_eq!(subject, ["ESU for Windows 10 on License ID 8671204 ends on 12 October 2027"]);
    world.done().await;
}

#[tokio::test]
async fn s000_the_day_from_which_an_esu_key_can_be_used_is_told_once_to_everybody_who_reads_it() {
    let world = World::new().await;
    let (contract, admin) = ending(&world, "8671204", "2099-12-31").await;
    second(&world, contract).await;
    let reader = world.person("reader").await;
    let _ = world.give(&reader, Role::ProductKeysReader, Target::Contract(contract), None).await;
    let files = world.person("files").await;
    let _ = world.give(&files, Role::ProductDownloadManager, Target::Contract(contract), None).await;
    // Year 3 of Windows 10 begins on 13 October 2027; of these four one is there, three are put away or done with.
    let at = |day: time::Date| (day - world.clock.now().date()).whole_days();
    world.clock.turn(Duration::days(at(date!(2027 - 10 - 10))));
    let esu = key(&world, contract, "Windows 10 ESU Year 3", "MAK", 1, 100).await;
    for column in ["archived_at", "blocked_at", "superseded_at"] {
        let gone = twin(&world, esu).await;
        let statement = format!("UPDATE product_keys SET {column} = app_now() WHERE id = '{gone}'");
        let mut tx = world.system().await;
        sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
    }
    assert_eq!(days(&world, 6).await, [(date!(2027 - 10 - 13), 3)]);
    let told = "SELECT p.name FROM notice_recipients r JOIN people p ON p.id = r.person_id JOIN notices n ON n.id = r.notice_id
                WHERE n.kind = 'key-usable' ORDER BY p.name";
    let mut expected = [admin.name.clone(), format!("second.{}", contract.simple()), reader.name.clone()];
    expected.sort();
    assert_eq!(texts(&world, told).await, expected);
    let subject = texts(&world, "SELECT subject FROM notices WHERE kind = 'key-usable'").await;
    assert_eq!(subject, ["The key …AB12C for Windows 10 ESU Year 3 can be used from 13 October 2027"]);
    // Another day is another occasion, and the key's own goes before the year's.
    world.run("UPDATE product_keys SET usable_from = '2027-10-20' WHERE id = $1", esu).await;
    assert_eq!(days(&world, 10).await, [(date!(2027 - 10 - 20), 3)]);
    world.done().await;
}

/// A large estate gets one notice a product, License ID and day; a key told by itself isn't told again with the others.
#[tokio::test]
async fn many_keys_that_can_be_used_from_one_day_are_one_notice() {
    let world = World::new().await;
    let (contract, _) = ending(&world, "8671204", "2099-12-31").await;
    second(&world, contract).await;
    let first = key(&world, contract, "Windows 10 ESU Year 3", "MAK", 1, 100).await;
    for _ in 0..2 {
        twin(&world, first).await;
    }
    let at = |day: time::Date| (day - world.clock.now().date()).whole_days();
    world.clock.turn(Duration::days(at(date!(2027 - 10 - 13))));
    assert_eq!(plan(&world.db).await.unwrap(), 2, "one notice for each of two people");
    assert_eq!(plan(&world.db).await.unwrap(), 0, "once");
    let told = "SELECT subject || ' ' || link FROM notices WHERE kind = 'key-usable' ORDER BY made_at";
    let many = "3 keys for Windows 10 ESU Year 3 on License ID 8671204 can be used from 13 October 2027 /contracts/8671204?tab=keys";
    assert_eq!(texts(&world, told).await, [many]);

    // One key of another day is told by itself; one that comes to it the day after, by itself too.
    let alone = twin(&world, first).await;
    world.run("UPDATE product_keys SET usable_from = '2027-10-20' WHERE id = $1", alone).await;
    world.clock.turn(Duration::days(7));
    assert_eq!(plan(&world.db).await.unwrap(), 2);
    let late = twin(&world, alone).await;
    world.run("UPDATE product_keys SET usable_from = '2027-10-20' WHERE id = $1", late).await;
    world.clock.turn(Duration::days(1));
    assert_eq!(plan(&world.db).await.unwrap(), 2);
    assert_eq!(plan(&world.db).await.unwrap(), 0);
    let single = "The key …TW1N2 for Windows 10 ESU Year 3 can be used from 20 October 2027 /products/Windows%2010%20ESU%20Year%203?tab=keys";
    assert_eq!(texts(&world, told).await, [many, single, single]);
    world.done().await;
}

/// Another key like this one.
async fn twin(world: &World, key: Uuid) -> Uuid {
    let id = Uuid::now_v7();
    let mut tx = world.system().await;
    sqlx::query(
        "INSERT INTO product_keys (id, contract_id, product_id, kind, fingerprint, last_five, data_key_id, sealed, used, total, read_at, created_at)
         SELECT $2, contract_id, product_id, kind, $3, 'TW1N2', data_key_id, '', used, total, read_at, created_at FROM product_keys WHERE id = $1",
    )
    .bind(key)
    .bind(id)
    .bind(id.as_bytes().as_slice())
    .execute(&mut *tx)
    .await
    .unwrap();
    tx.commit().await.unwrap();
    id
}

#[tokio::test]
async fn who_was_away_on_the_day_or_reads_the_key_later_is_told_within_a_week() {
    let world = World::new().await;
    let (contract, _) = ending(&world, "8671204", "2099-12-31").await;
    second(&world, contract).await;
    key(&world, contract, "Windows 10 ESU Year 3", "MAK", 1, 100).await;
    let at = |day: time::Date| (day - world.clock.now().date()).whole_days();
    world.clock.turn(Duration::days(at(date!(2027 - 10 - 16))));
    assert_eq!(plan(&world.db).await.unwrap(), 2, "the program was down for three days");
    let reader = world.person("reader").await;
    let _ = world.give(&reader, Role::ProductKeysReader, Target::Contract(contract), None).await;
    assert_eq!(plan(&world.db).await.unwrap(), 1);
    let late = world.person("late").await;
    let _ = world.give(&late, Role::ProductKeysReader, Target::Contract(contract), None).await;
    world.clock.turn(Duration::days(5));
    assert_eq!(plan(&world.db).await.unwrap(), 0, "more than a week later it is no news");
    world.done().await;
}

#[tokio::test]
async fn issue_3_a_mak_over_90_percent_is_told_once_a_total() {
    let world = World::new().await;
    let (contract, _) = ending(&world, "8671204", "2099-12-31").await;
    second(&world, contract).await;
    let mak = key(&world, contract, "Suite", "MAK", 89, 100).await;
    key(&world, contract, "Host", "KMS", 10, 10).await;
    assert_eq!(plan(&world.db).await.unwrap(), 0);
    world.run("UPDATE product_keys SET used = 90 WHERE id = $1", mak).await;
    assert_eq!(plan(&world.db).await.unwrap(), 2);
    world.run("UPDATE product_keys SET used = 99 WHERE id = $1", mak).await;
    assert_eq!(plan(&world.db).await.unwrap(), 0);
    // The vendor has given more, and it runs out again.
    world.run("UPDATE product_keys SET total = 200 WHERE id = $1", mak).await;
    assert_eq!(plan(&world.db).await.unwrap(), 0);
    world.run("UPDATE product_keys SET used = 190 WHERE id = $1", mak).await;
    assert_eq!(plan(&world.db).await.unwrap(), 2);
    let sentences = texts(&world, "SELECT sentence FROM notices ORDER BY made_at, about").await;
    assert!(sentences[0].contains("ending in AB12C") && sentences[0].contains("90 of 100"), "{sentences:?}");
    world.done().await;
}

#[tokio::test]
async fn a_mak_that_will_run_out_at_the_pace_of_its_readings_is_told_30_days_before() {
    let world = World::new().await;
    let (contract, _) = ending(&world, "8671204", "2099-12-31").await;
    second(&world, contract).await;
    let mak = key(&world, contract, "Suite", "MAK", 700, 1000).await;
    // 100 in 20 days: the 300 left last until 21 January 2027.
    world
        .run(
            "INSERT INTO key_readings (id, key_id, contract_id, read_at, source, used, total)
             SELECT gen_random_uuid(), id, contract_id, read_at - interval '20 days', 'import', 600, 1000 FROM product_keys WHERE id = $1",
            mak,
        )
        .await;
    assert_eq!(days(&world, 60).await, [(date!(2026 - 12 - 22), 2)]);
    assert!(texts(&world, "SELECT sentence FROM notices").await[0].contains("about 21 January 2027"));
    world.done().await;
}

#[tokio::test]
async fn who_alone_administers_license_ids_is_told_in_one_notice_and_again_when_one_more_comes() {
    let world = World::new().await;
    let organization = world.organization("Northwind", None).await;
    let alone = world.person("alone").await;
    let _ = world.give(&alone, Role::Administrator, Target::All, None).await;
    for license_id in ["1", "2", "3", "4", "5", "6", "7"] {
        world.contract(license_id, organization, None).await;
    }
    assert_eq!(plan(&world.db).await.unwrap(), 1);
    assert_eq!(plan(&world.db).await.unwrap(), 0);
    world.clock.turn(Duration::days(3));
    assert_eq!(plan(&world.db).await.unwrap(), 0);
    let eighth = world.contract("8", organization, None).await;
    assert_eq!(plan(&world.db).await.unwrap(), 1);
    // One gets a second Administrator: that is no news.
    second(&world, eighth).await;
    world.clock.turn(Duration::DAY);
    assert_eq!(plan(&world.db).await.unwrap(), 0);
    let told = texts(&world, "SELECT sentence FROM notices ORDER BY made_at").await;
    assert!(told[0].contains("1, 2, 3, 4, 5 and 2 more"), "{told:?}");
    world.done().await;
}

#[tokio::test]
async fn the_end_of_a_role_is_told_to_its_holder_30_and_7_days_before() {
    let world = World::new().await;
    let (contract, _) = ending(&world, "8671204", "2099-12-31").await;
    second(&world, contract).await;
    let reader = world.person("reader").await;
    let until = Some(date!(2027 - 01 - 15));
    let _ = world.give(&reader, Role::ProductKeysReader, Target::Contract(contract), until).await;
    // A role on many License IDs is one role.
    let organization = world.organization("Northwind", None).await;
    for license_id in ["1", "2"] {
        let contract = world.contract(license_id, organization, None).await;
        for name in ["one", "other"] {
            let person = world.person(&format!("{name}.{license_id}")).await;
            let _ = world.give(&person, Role::Administrator, Target::Contract(contract), None).await;
        }
    }
    let _ = world.give(&reader, Role::LicensePositionReader, Target::Organization(organization), until).await;
    assert_eq!(days(&world, 60).await, [(date!(2026 - 12 - 16), 2), (date!(2027 - 01 - 08), 2)]);
    let subjects = texts(&world, "SELECT DISTINCT subject FROM notices ORDER BY 1").await;
    assert_eq!(
        subjects,
        [
            "Your role License position reader on 2 License IDs ends after 15 January 2027",
            "Your role Product keys reader on License ID 8671204 ends after 15 January 2027"
        ]
    );
    world.done().await;
}

#[tokio::test]
async fn each_person_chooses_for_each_kind_mail_portal_both_or_none() {
    let world = World::new().await;
    let organization = world.organization("Northwind", None).await;
    let contract = world.contract("8671204", organization, None).await;
    world.run("UPDATE contracts SET ends_on = '2027-01-10' WHERE id = $1", contract).await;
    for way in ["mail", "portal", "both", "none", "silent"] {
        let person = world.person(way).await;
        let _ = world.give(&person, Role::Administrator, Target::Contract(contract), None).await;
        let mut tx = world.system().await;
        if way != "silent" {
            sqlx::query("INSERT INTO notice_choices VALUES ($1, 'contract-end', $2)")
                .bind(person.id)
                .bind(way)
                .execute(&mut *tx)
                .await
                .unwrap();
        }
        tx.commit().await.unwrap();
    }
    assert_eq!(plan(&world.db).await.unwrap(), 5);
    assert_eq!(plan(&world.db).await.unwrap(), 0);
    let who = "SELECT p.name FROM notice_recipients r JOIN people p ON p.id = r.person_id WHERE r.in_portal ORDER BY 1";
    assert_eq!(texts(&world, who).await, ["both", "portal", "silent"]);
    let who = "SELECT p.name FROM outbox o JOIN people p ON p.id = o.person_id ORDER BY 1";
    assert_eq!(texts(&world, who).await, ["both", "mail", "silent"]);
    world.done().await;
}

/// The second wall: a person's transaction writes notices of requests for others and reads its own alone.
#[tokio::test]
async fn a_person_may_tell_others_of_requests_and_reads_nobody_elses_notices() {
    use keyward::notices::{Kind, Notice, To, put};
    let world = World::new().await;
    let (mara, ilya) = (world.person("mara").await, world.person("ilya").await);
    let notice = |kind, about: &str| Notice {
        kind,
        about: about.into(),
        subject: "A subject".into(),
        sentence: "A sentence.".into(),
        link: "/requests/1".into(),
        contract_id: None,
    };
    let mut tx = world.as_person(&mara).await;
    put(&mut tx, &notice(Kind::RequestSubmitted, "1"), To::People(&[ilya.id])).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = world.as_person(&mara).await;
    for table in ["notices", "notice_recipients", "outbox", "webhooks"] {
        let statement = sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
        let seen: i64 = sqlx::query_scalar(statement).fetch_one(&mut *tx).await.unwrap();
        assert_eq!(seen, 0, "{table}");
    }
    let refused = put(&mut tx, &notice(Kind::ContractEnd, "2"), To::People(&[ilya.id])).await.unwrap_err();
    assert_eq!(refused.as_database_error().unwrap().code().as_deref(), Some("42501"));
    drop(tx);
    let mut tx = world.as_person(&mara).await;
    assert!(sqlx::query("INSERT INTO notices (id, about, kind, subject, sentence, link, made_at) VALUES (gen_random_uuid(), 'x', 'contract-end', 'x', 'x', '/', now())").execute(&mut *tx).await.is_err());
    drop(tx);
    let mut tx = world.as_person(&ilya).await;
    let seen: i64 = sqlx::query_scalar("SELECT count(*) FROM notices").fetch_one(&mut *tx).await.unwrap();
    assert_eq!(seen, 1);
    drop(tx);
    world.done().await;
}
