//! From the start to the end of a server process: signals, background tasks, and the order in which
//! things are closed. A background task that dies ends the process with a non-zero exit.

use std::{future::Future, time::Duration};

use anyhow::{Result, anyhow};
use tokio::{
    signal::unix::{SignalKind, signal},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

/// How long requests under way may take once the end was asked for.
pub const GRACE: Duration = Duration::from_secs(20);

/// The tasks of a server process.
pub struct Lifecycle {
    ending: CancellationToken,
    tasks: JoinSet<(&'static str, Result<()>)>,
}

impl Lifecycle {
    /// Begins to listen for SIGTERM and SIGINT.
    ///
    /// # Errors
    /// When signals can't be listened for.
    pub fn new() -> Result<Self> {
        let ending = CancellationToken::new();
        let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let asked = ending.clone();
        tokio::spawn(async move {
            tokio::select! { _ = term.recv() => {}, _ = int.recv() => {} }
            tracing::info!("ending: no new requests; those under way are finished");
            asked.cancel();
        });
        Ok(Self { ending, tasks: JoinSet::new() })
    }

    /// Cancelled when the end was asked for.
    pub fn ending(&self) -> CancellationToken {
        self.ending.clone()
    }

    /// Adds a task that runs until the end; if it ends before, the process does too.
    pub fn task(&mut self, name: &'static str, work: impl Future<Output = Result<()>> + Send + 'static) {
        self.tasks.spawn(async move { (name, work.await) });
    }

    /// Waits for the end: asked for, or a task's death. Then gives every task [`GRACE`].
    ///
    /// # Errors
    /// When a task failed, panicked or ended before it was asked to.
    pub async fn run(mut self) -> Result<()> {
        let mut outcome = tokio::select! {
            biased; // a task that ends because it was asked to is no death
            () = self.ending.cancelled() => Ok(()),
            Some(ended) = self.tasks.join_next() => Err(died(ended)),
        };
        self.ending.cancel();
        let rest = tokio::time::timeout(GRACE, async {
            while let Some(ended) = self.tasks.join_next().await {
                if let Ok((_, Ok(()))) = ended {
                    continue;
                }
                if outcome.is_ok() {
                    outcome = Err(died(ended));
                }
            }
        });
        if rest.await.is_err() {
            tracing::warn!("some requests took longer than {GRACE:?} and were broken off");
        }
        outcome
    }
}

fn died(ended: Result<(&'static str, Result<()>), tokio::task::JoinError>) -> anyhow::Error {
    match ended {
        Ok((name, Ok(()))) => anyhow!("the task “{name}” ended by itself"),
        Ok((name, Err(fault))) => fault.context(format!("the task “{name}” failed")),
        Err(fault) => anyhow!("a task panicked: {fault}"),
    }
}
