//! Clients that never give up: each sends requests without waiting, and after a broken connection sends again,
//! with the same ids, whatever wasn't answered.

use std::{collections::VecDeque, net::SocketAddr, sync::Arc, time::Duration};

use keyward::{activation::fields::moment, clock::Clock};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    sync::watch,
    task::JoinHandle,
    time::timeout,
};
use uuid::Uuid;

use super::checker::Record;

/// What to ask for.
#[derive(Clone)]
pub struct Product {
    pub application: Uuid,
    pub sku: Uuid,
    /// Keys that the requests take turns with.
    pub keys: Vec<String>,
    /// The clients' clock.
    pub clock: Clock,
}

/// Requests that a client has on their way.
const WINDOW: usize = 16;

/// Clients at work until told to stop.
pub struct Load {
    stop: watch::Sender<bool>,
    clients: Vec<JoinHandle<()>>,
}

impl Load {
    /// Begins with so many clients at these responders.
    pub fn begin(clients: usize, at: &[SocketAddr], product: &Product, record: &Arc<Record>) -> Self {
        let (stop, stopped) = watch::channel(false);
        let clients = (0..clients)
            .map(|n| {
                let client = Client { at: at[n % at.len()], product: product.clone(), record: record.clone(), made: n };
                tokio::spawn(client.run(stopped.clone()))
            })
            .collect();
        Self { stop, clients }
    }

    /// Sends nothing new, and waits until everything that was sent is answered.
    pub async fn finish(self) {
        self.stop.send(true).unwrap();
        for client in self.clients {
            timeout(Duration::from_secs(120), client).await.expect("every request is answered in the end").unwrap();
        }
    }
}

struct Client {
    at: SocketAddr,
    product: Product,
    record: Arc<Record>,
    made: usize,
}

impl Client {
    async fn run(mut self, stopped: watch::Receiver<bool>) {
        let mut open: VecDeque<(Uuid, String)> = VecDeque::new();
        let mut last: Option<(Uuid, String)> = None;
        while !*stopped.borrow() || !open.is_empty() {
            let Ok(stream) = TcpStream::connect(self.at).await else {
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            };
            // Once in a while a request that was answered is sent again.
            open.extend(last.take());
            let _ = self.converse(stream, &mut open, &mut last, &stopped).await;
        }
    }

    async fn converse(
        &mut self,
        stream: TcpStream,
        open: &mut VecDeque<(Uuid, String)>,
        last: &mut Option<(Uuid, String)>,
        stopped: &watch::Receiver<bool>,
    ) -> std::io::Result<()> {
        let (read, mut write) = stream.into_split();
        let mut read = BufReader::new(read);
        for (_, line) in open.iter() {
            write.write_all(line.as_bytes()).await?;
        }
        loop {
            while open.len() < WINDOW && !*stopped.borrow() {
                let (id, line) = self.request();
                self.record.attempt(id);
                open.push_back((id, line.clone()));
                write.write_all(line.as_bytes()).await?;
            }
            let Some((id, _)) = open.front() else { return Ok(()) };
            let mut answer = String::new();
            // A process that was killed closes its connections; silence for this long is a fault of ours.
            if timeout(Duration::from_secs(30), read.read_line(&mut answer)).await?? == 0 {
                return Ok(());
            }
            let told: Value = serde_json::from_str(&answer).unwrap_or_default();
            if told["result"].is_null() {
                // Unavailable, busy, or the end of a line: again, with the same id.
                tokio::time::sleep(Duration::from_millis(20)).await;
                return Ok(());
            }
            assert_eq!(told["id"], json!(id), "answers come in the order of the requests");
            self.record.told(*id, answer.trim_end());
            *last = open.pop_front();
        }
    }

    /// Four in five spend an activation, the fifth is counted. A counted client's id is its request's.
    fn request(&mut self) -> (Uuid, String) {
        self.made += 1;
        let id = Uuid::new_v4();
        let mut request = json!({
            "v": 1, "op": "activate", "id": id, "application": self.product.application, "sku": self.product.sku,
            "cmid": id, "machine": "torture", "virtual": true, "time": moment(self.product.clock.now()),
        });
        if !self.made.is_multiple_of(5) {
            request["op"] = "mak".into();
            request["key"] = self.product.keys[self.made % self.product.keys.len()].as_str().into();
            request["hardware"] = json!({ "board": id, "cpu": "c" });
        }
        (id, format!("{request}\n"))
    }
}
