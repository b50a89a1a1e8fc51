//! Rules in the browser: whoever holds one passes on and ends what lies within it, by the policies for `grant_rules`
//! alone, asked as the server's role.

use keyward::{
    auth::roles::Role,
    people::{
        change::{self, From, Kind, Saved},
        grants::{self, GrantError},
        model::{Grant, Named, Target},
        paths,
        plan::{Keep, Outcome, Plan, Why},
        rule_plan, rules, undo,
    },
};
use time::{Date, Duration, macros::date};
use uuid::Uuid;

use crate::support::people::World;

const NONE: [&str; 0] = [];

struct Tree {
    world: World,
    north: Uuid,
    below: Uuid,
    south: Uuid,
    agreement: Uuid,
    first: Uuid,
    boss: Named,
    one: Named,
    two: Named,
}

/// North with License ID 1, 2 below it, 3 in the south and under an agreement; the boss administers all by a rule.
async fn tree() -> Tree {
    let world = World::new().await;
    let north = world.organization("North", None).await;
    let below = world.organization("North below", Some(north)).await;
    let south = world.organization("South", None).await;
    let agreement = world.agreement("4E1").await;
    let first = world.contract("1", north, None).await;
    world.contract("2", below, None).await;
    world.contract("3", south, Some(agreement)).await;
    let (boss, one, two) = (world.person("boss").await, world.person("one").await, world.person("two").await);
    let _ = world.give(&boss, Role::Administrator, Target::All, None).await;
    Tree { world, north, below, south, agreement, first, boss, one, two }
}

impl Tree {
    /// Writes a rule as SQL of the server's role, past everything that the program asks before.
    async fn insert(&self, by: &Named, to: &Named, on: Target, until: Option<&str>) -> Result<(), GrantError> {
        let mut tx = self.world.as_person(by).await;
        let (covers, organization, agreement) = on.covers();
        sqlx::query(
            "INSERT INTO grant_rules (id, person_id, role, covers, organization_id, agreement_id, granted_by, granted_at, ends_at)
             VALUES (gen_random_uuid(), $1, 'product-keys-reader', $2, $3, $4, $5, app_now(), $6::timestamptz)",
        )
        .bind(to.id)
        .bind(covers)
        .bind(organization)
        .bind(agreement)
        .bind(by.id)
        .bind(until)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    async fn refused(&self, by: &Named, to: &Named, on: Target, until: Option<&str>) -> bool {
        matches!(self.insert(by, to, on, until).await, Err(GrantError::Refused))
    }

    /// How many rules a statement changes as this person; `None` where it may not be asked at all.
    async fn update(&self, by: &Named, set: &str, of: &Named) -> Option<u64> {
        let mut tx = self.world.as_person(by).await;
        let statement = sqlx::AssertSqlSafe(format!("UPDATE grant_rules SET {set} WHERE person_id = $1"));
        let done = sqlx::query(statement).bind(of.id).execute(&mut *tx).await.ok()?.rows_affected();
        tx.commit().await.unwrap();
        Some(done)
    }

    async fn give(&self, by: &Named, to: &Named, role: Role, over: &str, until: Option<Date>) -> Saved {
        let mut tx = self.world.as_person(by).await;
        let over = rules::over(&mut tx, over).await.unwrap().expect("within his own");
        let plan =
            rule_plan::plan(&mut tx, by.id, vec![to.clone()], over, &[role], until, Keep::Exactly).await.unwrap();
        assert_eq!(plan.changes(), 1, "{:?}", plan.items);
        let from = From { rules: vec![plan], ..From::default() };
        let saved = change::save(&mut tx, by.id, Kind::Give, &Plan::default(), &from, "done").await.unwrap();
        tx.commit().await.unwrap();
        saved
    }

    async fn end(&self, by: &Named, of: &Named) -> Result<Saved, GrantError> {
        let mut tx = self.world.as_person(by).await;
        let ended = rules::of_person(&mut tx, of.id).await?;
        let from = From { email: of.email.clone(), ended, ..From::default() };
        let saved = change::save(&mut tx, by.id, Kind::Take, &Plan::default(), &from, "done").await?;
        tx.commit().await?;
        Ok(saved)
    }

    async fn undo(&self, by: &Named, change: Uuid) -> Result<usize, GrantError> {
        let mut tx = self.world.as_person(by).await;
        let undone = undo::undo(&mut tx, by.id, change).await?;
        tx.commit().await?;
        Ok(undone.events.len())
    }
}

#[tokio::test]
async fn a_rule_is_passed_on_within_ones_own_and_nobody_widens() {
    let tree = tree().await;
    let (one, two) = (&tree.one, &tree.two);
    let places = [
        Target::All,
        Target::Organization(tree.north),
        Target::Organization(tree.below),
        Target::Organization(tree.south),
        Target::Agreement(tree.agreement),
    ];
    let world = &tree.world;
    // Whoever holds roles on License IDs alone, all of them even, and a site operator, pass on none.
    for license_id in ["1", "2", "3"] {
        let mut tx = world.system().await;
        let id = keyward::people::db::contract_id(&mut tx, license_id).await.unwrap().unwrap();
        drop(tx);
        let _ = world.give(one, Role::Administrator, Target::Contract(id), None).await;
    }
    let operator = world.account("operator", true, false).await;
    let reader = world.person("reader").await;
    let _ = world.give(&reader, Role::ProductKeysReader, Target::All, None).await;
    for by in [one, &operator, &reader] {
        for on in places {
            assert!(tree.refused(by, two, on, None).await, "{} {on:?}", by.name);
        }
    }
    // Of North: North and below it, not the parent's "everything", not the sister, not the agreement.
    let north = world.person("north").await;
    let _ = world.give(&north, Role::Administrator, Target::Organization(tree.north), None).await;
    assert!(!tree.refused(&north, two, places[1], None).await);
    assert!(!tree.refused(&north, two, places[2], None).await);
    for on in [places[0], places[3], places[4]] {
        assert!(tree.refused(&north, two, on, None).await, "{on:?}");
    }
    // Of what is below: not what is above. Of an agreement: that one.
    let below = world.person("below").await;
    let _ = world.give(&below, Role::Administrator, Target::Organization(tree.below), None).await;
    assert!(tree.refused(&below, one, places[1], None).await);
    let agreed = world.person("agreed").await;
    let _ = world.give(&agreed, Role::Administrator, Target::Agreement(tree.agreement), None).await;
    assert!(!tree.refused(&agreed, one, places[4], None).await && tree.refused(&agreed, one, places[3], None).await);
    // Everything: each of them. In somebody else's name, or to oneself: none.
    let anybody = world.person("anybody").await;
    for on in places {
        assert!(!tree.refused(&tree.boss, &anybody, on, None).await, "{on:?}");
    }
    assert!(tree.refused(&tree.boss, &tree.boss, places[0], None).await, "to oneself");
    assert_eq!(world.sees(two).await, ["1", "2"]);
    world.contract("4", tree.below, None).await;
    assert_eq!(world.sees(two).await, ["1", "2", "4"], "one to come is in it");
    tree.world.done().await;
}

/// A rule on an MBSA takes in rules on the agreements below it, and not the other way round.
#[tokio::test]
async fn a_rule_on_an_mbsa_is_passed_on_over_its_agreements() {
    let tree = tree().await;
    let world = &tree.world;
    let mbsa = world.agreement("U1").await;
    let mut tx = world.system().await;
    sqlx::query("UPDATE agreements SET mbsa_id = $2 WHERE id = $1")
        .bind(tree.agreement)
        .bind(mbsa)
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let (master, agreed) = (world.person("master").await, world.person("agreed").await);
    let _ = world.give(&master, Role::Administrator, Target::Agreement(mbsa), None).await;
    let _ = world.give(&agreed, Role::Administrator, Target::Agreement(tree.agreement), None).await;
    let (whole, part) = (Target::Agreement(mbsa), Target::Agreement(tree.agreement));
    assert!(tree.refused(&agreed, &tree.two, whole, None).await, "an agreement’s reaches no MBSA");
    assert!(!tree.refused(&master, &tree.one, part, None).await);
    assert!(!tree.refused(&master, &tree.two, whole, None).await);
    assert_eq!(
        (world.sees(&tree.one).await, world.sees(&tree.two).await),
        (vec!["3".to_owned()], vec!["3".to_owned()])
    );
    let mut tx = world.as_person(&master).await;
    let reach = rules::reach(&mut tx).await.unwrap();
    assert_eq!(
        {
            let mut all = reach.agreements;
            all.sort();
            all
        },
        ["4E1", "U1"]
    );
    let over = rules::over(&mut tx, "agreement:U1").await.unwrap().unwrap();
    assert_eq!((over.words.as_str(), over.license_ids, over.whole), ("MBSA U1, License IDs to come included", 1, true));
    let held = rules::of_person(&mut tx, tree.two.id).await.unwrap();
    assert_eq!(
        (held[0].place().as_str(), held[0].over().as_str()),
        ("MBSA U1, License IDs to come included", "agreement:U1")
    );
    drop(tx);
    tree.world.done().await;
}

#[tokio::test]
async fn a_rule_is_passed_on_no_longer_than_ones_own_holds_and_only_while_it_does() {
    let tree = tree().await;
    let deputy = tree.world.person("deputy").await;
    let granted = tree.world.give(&deputy, Role::Administrator, Target::All, Some(date!(2026 - 12 - 31))).await;
    assert!(tree.refused(&deputy, &tree.one, Target::All, None).await, "without end");
    assert!(tree.refused(&deputy, &tree.one, Target::All, Some("2027-01-02T00:00:00Z")).await);
    assert!(!tree.refused(&deputy, &tree.one, Target::All, Some("2027-01-01T00:00:00Z")).await);
    assert_eq!(
        tree.update(&deputy, "revoked_at = app_now()", &tree.boss).await,
        Some(0),
        "what outlasts his isn't his"
    );
    assert_eq!(tree.update(&deputy, "ends_at = NULL", &tree.one).await, None, "nor to lengthen beyond it");
    // An account that is closed, and a rule that ended.
    let mut tx = tree.world.system().await;
    sqlx::query("UPDATE people SET disabled_at = app_now() WHERE id = $1")
        .bind(deputy.id)
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert!(tree.refused(&deputy, &tree.two, Target::All, Some("2026-12-01T00:00:00Z")).await);
    tree.world.run("UPDATE people SET disabled_at = NULL WHERE id = $1", deputy.id).await;
    assert!(!tree.refused(&deputy, &tree.two, Target::All, Some("2026-12-01T00:00:00Z")).await);
    tree.world.run("UPDATE grant_rules SET revoked_at = app_now() WHERE id = $1", granted.id).await;
    assert!(tree.refused(&deputy, &tree.two, Target::Organization(tree.north), Some("2026-12-01T00:00:00Z")).await);
    tree.world.done().await;
}

#[tokio::test]
async fn what_was_taken_from_the_giver_on_one_license_id_is_not_his_to_pass_on() {
    let tree = tree().await;
    let north = tree.world.person("north").await;
    let _ = tree.world.give(&north, Role::Administrator, Target::Organization(tree.north), None).await;
    let _ = tree.world.take(&north, Role::Administrator, tree.first).await;
    assert!(tree.refused(&north, &tree.one, Target::Organization(tree.north), None).await);
    assert!(!tree.refused(&north, &tree.one, Target::Organization(tree.below), None).await, "which is whole");
    let mut tx = tree.world.as_person(&north).await;
    let over = rules::over(&mut tx, &format!("organization:{}", tree.north)).await.unwrap().unwrap();
    let roles = [Role::ProductKeysReader];
    let plan =
        rule_plan::plan(&mut tx, north.id, vec![tree.two.clone()], over, &roles, None, Keep::Exactly).await.unwrap();
    assert_eq!(plan.items[0].outcome, Outcome::Refused(Why::NotWhole), "and the page says so");
    drop(tx);
    tree.world.done().await;
}

#[tokio::test]
async fn only_the_end_of_a_rule_is_changed_and_an_ended_one_stays_ended() {
    let tree = tree().await;
    let boss = &tree.boss;
    tree.insert(boss, &tree.one, Target::All, None).await.unwrap();
    let other = tree.two.id;
    for set in [format!("person_id = '{other}'"), "role = 'administrator'".into(), "granted_by = NULL".into()] {
        assert_eq!(tree.update(boss, &set, &tree.one).await, None, "{set}");
    }
    assert_eq!(
        tree.update(&tree.one, "ends_at = app_now()", &tree.one).await,
        Some(0),
        "a reader's own is no rule of his"
    );
    assert_eq!(tree.update(boss, "ends_at = '2026-12-01'", &tree.one).await, Some(1));
    assert_eq!(tree.update(boss, "revoked_at = app_now()", &tree.one).await, Some(1));
    assert_eq!(tree.world.sees(&tree.one).await, NONE);
    assert_eq!(tree.update(boss, "revoked_at = NULL", &tree.one).await, Some(0));
    tree.world.done().await;
}

#[tokio::test]
async fn a_rule_given_in_the_browser_says_who_gave_it_and_is_taken_back() {
    let tree = tree().await;
    let (world, boss, one) = (&tree.world, &tree.boss, &tree.one);
    let north = format!("organization:{}", tree.north);
    let saved = tree.give(boss, one, Role::ProductKeysReader, &north, Some(date!(2027 - 03 - 31))).await;
    let actions: Vec<&str> = saved.events.iter().map(|event| event.action).collect();
    assert_eq!(actions, ["grant-rule.add", "grant.add", "grant.add"], "the site's chain, and each License ID's");
    assert_eq!(saved.news.len(), 1);
    assert_eq!(saved.news[0].license_id, "the organisation North, License IDs to come included");
    assert_eq!(world.sees(one).await, ["1", "2"]);
    let mut tx = world.as_person(boss).await;
    let ways = paths::of_person(&mut tx, one.id, "1", 50, 0).await.unwrap();
    assert!(ways[0].words().starts_with("Through the organisation North, given by boss"), "{}", ways[0].words());
    drop(tx);

    let changed = tree.give(boss, one, Role::ProductKeysReader, &north, None).await;
    assert_eq!(tree.undo(boss, changed.id).await.unwrap(), 3, "the end is as before");
    world.clock.turn(Duration::minutes(5));
    assert_eq!(tree.undo(boss, saved.id).await.unwrap(), 3);
    assert!(matches!(tree.undo(boss, saved.id).await, Err(GrantError::Refused)), "once");
    assert_eq!(world.sees(one).await, NONE);

    // Ended, and given anew by Undo; not where it had been taken away on one License ID alone.
    let _ = tree.give(boss, one, Role::ProductKeysReader, &north, None).await;
    let ended = tree.end(boss, one).await.unwrap();
    assert_eq!(world.sees(one).await, NONE);
    tree.undo(boss, ended.id).await.unwrap();
    assert_eq!(world.sees(one).await, ["1", "2"]);
    let _ = world.take(one, Role::ProductKeysReader, tree.first).await;
    world.clock.turn(Duration::minutes(1));
    let ended = tree.end(boss, one).await.unwrap();
    assert!(matches!(tree.undo(boss, ended.id).await, Err(GrantError::Refused)), "it would hold there again");
    assert_eq!(world.sees(one).await, NONE);
    tree.world.done().await;
}

#[tokio::test]
async fn a_rule_that_the_last_administrator_holds_is_not_ended_and_whoever_ends_his_own_may() {
    let tree = tree().await;
    let (world, boss, one) = (&tree.world, &tree.boss, &tree.one);
    assert!(matches!(tree.end(boss, boss).await, Err(GrantError::LastAdministrator)));
    let _ = tree.give(boss, one, Role::Administrator, "all", None).await;
    let _ = tree.end(boss, boss).await.unwrap();
    assert_eq!((world.sees(boss).await, world.sees(one).await), (vec![], vec!["1".into(), "2".into(), "3".into()]));
    assert!(matches!(tree.end(one, one).await, Err(GrantError::LastAdministrator)), "now he is the last");
    // The same in one statement each, meant to race: a forged call has no way past either.
    let on = Target::Organization(tree.south);
    let mut tx = world.as_person(boss).await;
    let given =
        grants::grant(&mut tx, Grant { person: one, role: Role::Administrator, on, until: None, by: Some(boss.id) });
    assert!(matches!(given.await, Err(GrantError::Refused)), "what one has ended one passes on no more");
    drop(tx);
    tree.world.done().await;
}
