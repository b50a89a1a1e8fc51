//! Reopening a data directory that is in use: from the start of the process to the first 200 of `/readyz`.

use crate::{
    estate::Estate,
    portal::Portal,
    report::{Report, median},
};

const ROUNDS: usize = 7;
/// What a start may take, in seconds.
const LIMIT: f64 = 0.5;

/// Measures some starts; each begins from a clean stop.
pub async fn measure(estate: &Estate, report: &mut Report) {
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let portal = Portal::start(&estate.data).await;
        times.push(portal.took.as_secs_f64());
        portal.stop();
    }
    report.cost("start", median(times), LIMIT, "s", Some(1.0));
}
