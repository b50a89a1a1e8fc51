//! `agent run`: asks when it is due, until it is told to end.

use std::time::Duration;

use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;

use super::{
    Agent, Asked, Trouble,
    state::{State, whole},
};

/// The longest sleep: clocks are set and machines sleep, and then a reckoning made before is wrong.
const WAKE: Duration = Duration::from_secs(3600);
/// The shortest, so that no mistake becomes a loop.
const PAUSE: Duration = Duration::from_secs(5);
/// How old the last sight of the clock in the state file may get.
const SEEN: time::Duration = time::Duration::DAY;

/// What a step of the service came to.
#[derive(Debug)]
pub struct Step {
    /// What a host said, or why none did; none where nothing was due.
    pub asked: Option<Result<Asked, Trouble>>,
    /// When the next request is due.
    pub next: OffsetDateTime,
}

impl Agent {
    /// Renews until `ending` is cancelled. Failures to reach a host are logged and tried again.
    ///
    /// # Errors
    /// The state file can't be used, or nothing is set up: trying again wouldn't help.
    pub async fn run(&self, ending: CancellationToken) -> Result<(), Trouble> {
        loop {
            // A request that is under way is finished: the answer may have spent something.
            let step = self.step().await?;
            if let Some(asked) = &step.asked {
                tell(asked);
            }
            let rest = Duration::try_from(step.next - self.clock.now()).unwrap_or(PAUSE).clamp(PAUSE, WAKE);
            if ending.run_until_cancelled(tokio::time::sleep(rest)).await.is_none() {
                return Ok(());
            }
        }
    }

    /// Asks a host if that is due by now.
    ///
    /// # Errors
    /// As [`Agent::run`].
    pub async fn step(&self) -> Result<Step, Trouble> {
        let now = self.clock.now();
        let asked = if self.next(&self.known_or_new()?)? <= now { Some(self.renew().await) } else { None };
        let asked = match asked {
            Some(Err(fault)) if !is_passing(&fault) => return Err(fault),
            asked => asked,
        };
        if asked.is_none() {
            self.look_at_clock(now).await?;
        }
        let state = self.known_or_new()?;
        // Asking in a loop wouldn't set the clock.
        let next = if state.turned_back(now).is_some() { now + WAKE } else { self.next(&state)? };
        Ok(Step { asked, next })
    }

    /// When the next request is due. At once where the clock was turned back: a host will say by how much.
    fn next(&self, state: &State) -> Result<OffsetDateTime, Trouble> {
        let now = self.clock.now();
        if state.turned_back(now).is_some() {
            return Ok(now);
        }
        let activated = state.standing(&self.machine(state)?.hardware, now).is_licensed();
        Ok(state.due(activated, jitter(state)))
    }

    async fn look_at_clock(&self, now: OffsetDateTime) -> Result<(), Trouble> {
        if self.state()?.is_some_and(|state| now - state.seen > SEEN) {
            self.change(|state| {
                state.seen = whole(state.present(now));
                Ok(())
            })
            .await?;
        }
        Ok(())
    }
}

/// Between 0 and 1: of this machine and its last request, the same whenever it is reckoned again.
fn jitter(state: &State) -> f64 {
    let last = state.last.as_ref().map_or(0, |last| last.at.unix_timestamp());
    let digest = Sha256::new().chain_update(state.cmid).chain_update(last.to_be_bytes()).finalize();
    f64::from(u16::from_be_bytes([digest[0], digest[1]])) / 65_536.0
}

/// Whether trying again later may help.
fn is_passing(fault: &Trouble) -> bool {
    !matches!(
        fault,
        Trouble::File { .. }
            | Trouble::Damaged { .. }
            | Trouble::NoProduct(_)
            | Trouble::OtherProduct(_)
            | Trouble::NoHardware
    )
}

fn tell(asked: &Result<Asked, Trouble>) {
    match asked {
        Ok(Asked { host, answer, standing }) => {
            let host = host.as_ref().map(ToString::to_string).unwrap_or_default();
            tracing::info!(
                host,
                result = answer.result.code(),
                count = answer.count,
                standing = standing.name(),
                "{}",
                answer.message
            );
        }
        Err(fault) => tracing::warn!("{fault}"),
    }
}
