//! One connection to a host: a line out, a line in, each in its time and its size.

use std::{io, time::Duration};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    time::timeout,
};

use super::{Dns, HostName};
use crate::activation::wire::{LINE, Reply};

/// How long a host may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(5);
/// How long it may take to answer.
const ANSWER: Duration = Duration::from_secs(15);

/// A connection.
pub struct Connection {
    stream: BufReader<TcpStream>,
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// The reason in a few words.
    pub async fn open(dns: &Dns, host: &HostName) -> Result<Self, String> {
        let connecting = async {
            let addresses = dns.addresses(host).await.map_err(io::Error::other)?;
            TcpStream::connect(&addresses[..]).await
        };
        let stream = match timeout(CONNECT, connecting).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(fault)) if fault.kind() == io::ErrorKind::ConnectionRefused => {
                return Err("nothing listens there".into());
            }
            Ok(Err(fault)) => return Err(fault.to_string()),
            Err(_) => return Err(format!("no connection within {} seconds", CONNECT.as_secs())),
        };
        stream.set_nodelay(true).map_err(|fault| fault.to_string())?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    /// Sends a line and waits for its answer.
    ///
    /// # Errors
    /// The reason in a few words. The host may have served the request all the same.
    pub async fn ask(&mut self, line: &str) -> Result<Reply, String> {
        timeout(ANSWER, self.exchange(line))
            .await
            .unwrap_or_else(|_| Err(format!("no answer within {} seconds", ANSWER.as_secs())))
    }

    async fn exchange(&mut self, line: &str) -> Result<Reply, String> {
        let plain = |fault: io::Error| fault.to_string();
        self.stream.write_all(format!("{line}\n").as_bytes()).await.map_err(plain)?;
        let mut answer = Vec::new();
        // What is longer than the protocol allows isn't read to its end.
        (&mut self.stream).take(LINE as u64).read_until(b'\n', &mut answer).await.map_err(plain)?;
        if answer.is_empty() {
            return Err("it closed the connection".into());
        }
        let whole = answer.ends_with(b"\n");
        let reply = serde_json::from_slice(&answer).ok().filter(|_| whole);
        reply.ok_or_else(|| "what it says isn't this protocol".into())
    }
}
