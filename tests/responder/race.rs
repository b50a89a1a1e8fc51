//! 64 racers for the last activation, 1,000 times: one winner each. Half of them at another responder.

use std::{pin::pin, sync::Arc, time::Duration};

use keyward::responder::Limits;
use serde_json::Value;
use tokio::{sync::Barrier, task::JoinSet};

use super::site::{Line, Responder, Site, instance};

const RACERS: usize = 64;
const ROUNDS: usize = 1_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_racers_for_the_last_activation_have_one_winner_a_thousand_times() {
    // Racers wait for each other, before their first line too.
    let patience = Duration::from_secs(120);
    let limits = Limits { per_address: RACERS, first_line: patience, line: patience, ..Limits::default() };
    let site = Site::with(0, false, limits).await;
    let other = Responder::start(&site.estate, instance(2), limits).await;
    let start = Arc::new(Barrier::new(RACERS + 1));
    let mut racers = JoinSet::new();
    for racer in 0..RACERS {
        let mut line = Line::to(if racer % 2 == 0 { site.responder.at } else { other.at }).await;
        let start = start.clone();
        let requests: Vec<Value> = (0..ROUNDS).map(|round| site.mak((round * RACERS + racer) as u128)).collect();
        racers.spawn(async move {
            let mut won = Vec::with_capacity(ROUNDS);
            for request in requests {
                start.wait().await;
                let answer = line.ask(&request).await;
                let result = answer["result"].as_str().unwrap_or_default();
                assert!(matches!(result, "0x00000000" | "0xC004C020"), "{answer}");
                won.push(result == "0x00000000");
                start.wait().await;
            }
            won
        });
    }
    let mut won: Vec<Vec<bool>> = Vec::new();
    for round in 0..ROUNDS {
        // One more activation than are used: one of the 64 gets it.
        site.estate
            .execute(&format!("UPDATE product_keys SET total = {} WHERE id = '{}'", round + 1, site.mak.id))
            .await;
        for _ in 0..2 {
            let mut all = pin!(start.wait());
            loop {
                tokio::select! {
                    _ = &mut all => break,
                    // One that fell over would keep the others waiting for it; after the last round they end by themselves.
                    Some(ended) = racers.join_next() => won.push(ended.expect("a racer doesn't fall over")),
                }
            }
        }
    }
    won.extend(racers.join_all().await);
    for round in 0..ROUNDS {
        let winners = won.iter().filter(|racer| racer[round]).count();
        assert_eq!(winners, 1, "round {round}");
    }
    assert_eq!(site.used().await, ROUNDS as i64);
    assert_eq!(site.scalar::<i64>("SELECT count(*) FROM activations").await, ROUNDS as i64);
    other.stop().await;
    site.assert_chain().await;
    site.done().await;
}
