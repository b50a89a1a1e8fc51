//! (a) Who gets what: a reviewed table. (b) No byte of a key to somebody without the right.
//! (c) Every post of a signed-in person is recorded, no GET is.

use std::fmt::Write as _;

use keyward::app;
use reqwest::Method;

use crate::support::log;

use super::{
    walk::{Answer, answers},
    world::{A, ABSENT, ACTORS, B, CANARIES_OWN, CANARY_A, CANARY_B, world},
};

/// One line a route and actor: own, foreign, absent. Read every line of a changed snapshot.
#[tokio::test(flavor = "multi_thread")]
async fn access_matrix() {
    let answers = answers().await;
    let mut table = String::new();
    for route in app::routes().list() {
        let name = format!("{} {}", route.method, route.path);
        let fresh = if route.access.fresh { ", recent password" } else { "" };
        writeln!(table, "\n{name}   [{:?}{fresh}]", route.access.who).unwrap();
        for actor in ACTORS {
            let mine: Vec<String> = answers.iter().filter(|a| a.route == name && a.actor == actor).map(told).collect();
            writeln!(table, "  {actor:<20} {}", mine.join("  ")).unwrap();
        }
    }
    insta::assert_snapshot!(table);
}

fn told(answer: &Answer) -> String {
    let to = answer.location.split(['?', '#']).next().unwrap_or_default();
    // Ids differ from run to run.
    let to: Vec<&str> = to.split('/').map(|part| if part.len() == 36 { "ID" } else { part }).collect();
    let to = to.join("/");
    let arrow = if to.is_empty() { String::new() } else { format!("→{to}") };
    if answer.case == "-" {
        format!("{}{arrow}", answer.status)
    } else {
        format!("{} {}{arrow}", answer.case, answer.status)
    }
}

/// What is another's answers exactly like what is nowhere.
#[tokio::test(flavor = "multi_thread")]
async fn foreign_and_absent_are_indistinguishable() {
    let answers = answers().await;
    let mut compared = 0;
    for foreign in answers.iter().filter(|a| a.case == "foreign") {
        // For these License ID B, or the planted thing of its administrator, isn't foreign.
        if matches!(foreign.actor, "administrator B" | "site operator") {
            continue;
        }
        // An auditor reads the whole log, so nobody's part of it is foreign.
        if foreign.actor == "auditor" && foreign.route.ends_with("/leaver") {
            continue;
        }
        let absent = answers
            .iter()
            .find(|a| a.case == "absent" && a.route == foreign.route && a.actor == foreign.actor)
            .unwrap();
        assert_eq!(foreign.status, absent.status, "{} by {}", foreign.route, foreign.actor);
        assert_eq!(blurred(foreign).await, blurred(absent).await, "{} by {}", foreign.route, foreign.actor);
        compared += 1;
    }
    assert!(compared > 50, "{compared}");
}

/// The answer without what the asker put into it himself, and without what differs anyway.
async fn blurred(answer: &Answer) -> String {
    let planted = &world().await.planted;
    let mut text = String::from_utf8_lossy(&answer.bytes).into_owned();
    for license_id in [A, B, ABSENT] {
        text = text.replace(license_id, "LICENSE");
    }
    for slug in ["beta-suite", "no-suite"] {
        text = text.replace(slug, "SLUG");
    }
    for number in [planted.requests[1], 404_404] {
        text = text.replace(&format!("/requests/{number}"), "/requests/NUMBER");
    }
    for ids in [
        planted.keys,
        planted.orders,
        planted.grants,
        planted.sessions,
        planted.imports,
        planted.notices,
        planted.files,
        planted.downloads,
        planted.views,
        planted.known,
        planted.changes,
        planted.rules,
    ] {
        text = text.replace(&ids[1].to_string(), "ID");
    }
    for id in planted.corrected[1].ids() {
        text = text.replace(&id.to_string(), "ID");
    }
    let own = planted.own[1];
    for id in [own.application, own.sku, own.key, own.cmid, own.code, own.request] {
        text = text.replace(&id.to_string(), "ID");
    }
    text = text.replace(&uuid::Uuid::from_u128(0xdead).to_string(), "ID");
    let mut out = String::new();
    for line in text.lines() {
        // the headers, in one line: request id, date and length differ
        if line.starts_with('{') && line.contains("x-request-id") {
            continue;
        }
        // ids of requests and of uploads
        let words = line.split(['"', ' ', '<', '>', '/']).filter(|word| word.len() != 36);
        out.extend(words);
        out.push('\n');
    }
    out
}

/// Who may read which canary, and by which routes it may leave.
#[tokio::test(flavor = "multi_thread")]
async fn no_byte_of_a_key_reaches_somebody_without_the_right() {
    const WAYS: [&str; 3] = ["POST /keys/{id}/reveal", "POST /keys/{id}/copy", "POST /exports/keys"];
    let (mut seen_a, mut seen_b) = (0, 0);
    for answer in answers().await {
        for (canary, readers) in [
            (CANARY_A, &["keys reader A", "position reader A", "administrator A"][..]),
            (CANARY_B, &["administrator B"][..]),
        ] {
            if holds(&answer.bytes, canary) {
                assert!(readers.contains(&answer.actor), "{} shows {canary} to {}", answer.route, answer.actor);
                assert!(WAYS.contains(&answer.route.as_str()), "{} shows {canary} past the gate", answer.route);
                *(if canary == CANARY_A { &mut seen_a } else { &mut seen_b }) += 1;
            }
        }
    }
    // Own keys are asked for by nobody here, so nobody gets them, whatever page shows their last group.
    for answer in answers().await {
        for canary in CANARIES_OWN {
            assert!(!holds(&answer.bytes, canary), "{} shows {canary} to {}", answer.route, answer.actor);
        }
    }
    // The canaries do sing: each reader gets it by each way, so that the test can fail.
    assert_eq!((seen_a, seen_b), (9, 3));
}

/// Nor does the log hold one, at its finest level.
#[tokio::test(flavor = "multi_thread")]
async fn no_byte_of_a_key_reaches_the_log() {
    answers().await;
    let log = log::kept();
    assert!(log.len() > 100_000, "the log is kept: {} bytes", log.len());
    for line in String::from_utf8_lossy(&log).lines() {
        assert!(!holds(line.as_bytes(), CANARY_A) && !holds(line.as_bytes(), CANARY_B), "{line}");
    }
}

/// The key whole, without hyphens, in lower case, or any of its middle groups.
pub fn holds(bytes: &[u8], key: &str) -> bool {
    let text = String::from_utf8_lossy(bytes).to_uppercase();
    let middle = key.split('-').skip(1).take(3).any(|group| text.contains(group));
    middle || text.contains(key) || text.contains(&key.replace('-', ""))
}

/// Posts leave at least one event, denied ones too; pages leave none.
#[tokio::test(flavor = "multi_thread")]
async fn every_post_of_a_signed_in_person_is_recorded_and_no_get_is() {
    let mut posts = 0;
    for answer in answers().await {
        if answer.method == Method::GET {
            assert_eq!(answer.events, 0, "{} by {}", answer.route, answer.actor);
        } else if matches!(answer.actor, "anonymous" | "disabled") {
            assert_eq!(
                answer.events, 0,
                "strangers are counted, not written one by one: {} by {}",
                answer.route, answer.actor
            );
        } else if answer.route != "POST /sign-in" {
            assert!(answer.events >= 1, "{} by {} ({})", answer.route, answer.actor, answer.status);
            posts += 1;
        }
    }
    assert!(posts > 100, "{posts}");
}
