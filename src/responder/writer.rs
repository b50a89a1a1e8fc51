//! One batching writer a pool: what arrives while a transaction is on its way goes into the next one together.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::activation::{ledger::Said, wire::Fault};

/// Requests of one pool that may wait; the next is told `busy`.
const QUEUE: usize = 8_192;
/// Requests in one transaction: enough to share a flush to disk among, few enough to keep each one's wait short.
const BATCH: usize = 512;
/// A writer without work ends after this.
const IDLE: Duration = Duration::from_secs(60);

/// A request and where its answer goes.
type Job<T> = (T, oneshot::Sender<Said>);

/// The writers of one kind of pool.
pub struct Writers<T> {
    queues: Arc<Mutex<HashMap<Uuid, mpsc::Sender<Job<T>>>>>,
    tasks: TaskTracker,
}

impl<T> Default for Writers<T> {
    fn default() -> Self {
        Self { queues: Arc::default(), tasks: TaskTracker::new() }
    }
}

impl<T: Send + Sync + 'static> Writers<T> {
    /// Hands a request to its pool's writer, begun with `begin` where there is none: a function that serves a
    /// batch and says as much as it was asked.
    ///
    /// # Errors
    /// [`Fault::Busy`] when too much waits already.
    pub fn submit<S>(&self, pool: Uuid, request: T, begin: impl FnOnce() -> S) -> Result<oneshot::Receiver<Said>, Fault>
    where
        S: Fn(Arc<[T]>) -> BoxFuture<'static, Vec<Said>> + Send + 'static,
    {
        let (tell, told) = oneshot::channel();
        // Under one lock with the writer's end, so that no request goes into a queue that nobody reads.
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        let queue = queues.entry(pool).or_insert_with(|| {
            let (queue, jobs) = mpsc::channel(QUEUE);
            self.tasks.spawn(write(pool, jobs, begin(), self.queues.clone()));
            queue
        });
        queue.try_send((request, tell)).map_err(|_| Fault::Busy)?;
        Ok(told)
    }

    /// Takes no more, and waits until everything that was taken is answered.
    pub async fn finish(&self) {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

async fn write<T, S>(
    pool: Uuid,
    mut jobs: mpsc::Receiver<Job<T>>,
    serve: S,
    queues: Arc<Mutex<HashMap<Uuid, mpsc::Sender<Job<T>>>>>,
) where
    T: Send + Sync + 'static,
    S: Fn(Arc<[T]>) -> BoxFuture<'static, Vec<Said>> + Send + 'static,
{
    let mut batch = Vec::with_capacity(BATCH);
    loop {
        match tokio::time::timeout(IDLE, jobs.recv_many(&mut batch, BATCH)).await {
            Ok(0) => return,
            Ok(_) => {
                let (requests, tell): (Vec<T>, Vec<_>) = batch.drain(..).unzip();
                let said = serve(requests.into()).await;
                debug_assert_eq!(said.len(), tell.len());
                for (tell, said) in tell.into_iter().zip(said) {
                    // Whoever has gone away asks again with the same id.
                    let _ = tell.send(said);
                }
            }
            Err(_) => {
                let mut queues = queues.lock().unwrap_or_else(PoisonError::into_inner);
                if jobs.is_empty() {
                    queues.remove(&pool);
                    return;
                }
            }
        }
    }
}
