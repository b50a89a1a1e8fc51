//! A client over loopback: single requests, and eight connections that ask for one page again and again.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{
    Request,
    body::Incoming,
    client::conn::http1::{Connection, SendRequest, handshake},
    header,
};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// Connections at once.
const CONNECTIONS: usize = 8;

/// One kept-alive connection.
pub struct Client {
    sender: SendRequest<Full<Bytes>>,
    host: String,
}

/// What came back.
pub struct Answer {
    pub status: u16,
    pub bytes: usize,
}

impl Client {
    /// Connects, if somebody listens.
    pub async fn connect(address: SocketAddr) -> Option<Self> {
        let (client, connection) = Self::open(address).await?;
        tokio::spawn(connection);
        Some(client)
    }

    /// The same; whoever calls drives the connection.
    pub async fn open(address: SocketAddr) -> Option<(Self, Connection<TokioIo<TcpStream>, Full<Bytes>>)> {
        let stream = TcpStream::connect(address).await.ok()?;
        stream.set_nodelay(true).ok()?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await.ok()?;
        Some((Self { sender, host: address.to_string() }, connection))
    }

    /// A page as a browser asks for it, compressed; read to its end.
    pub async fn get(&mut self, path: &str, cookie: Option<&str>) -> hyper::Result<Answer> {
        let request = self.request("GET", path, cookie).header(header::ACCEPT_ENCODING, "gzip, deflate, br, zstd");
        // The answer before is read, but the connection may not have noticed yet.
        self.sender.ready().await?;
        let mut response = self.sender.send_request(request.body(Full::default()).unwrap()).await?;
        let mut bytes = 0;
        while let Some(frame) = response.frame().await {
            bytes += frame?.data_ref().map_or(0, Bytes::len);
        }
        Ok(Answer { status: response.status().as_u16(), bytes })
    }

    /// A page as it is, uncompressed.
    pub async fn text(&mut self, path: &str, cookie: Option<&str>) -> String {
        let request = self.request("GET", path, cookie).body(Full::default()).unwrap();
        let response = self.sender.send_request(request).await.unwrap();
        assert_eq!(response.status().as_u16(), 200, "{path}");
        String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
    }

    /// A form from one of our own pages; its answer, as it begins.
    pub async fn post(&mut self, path: &str, cookie: &str, form: &'static str) -> hyper::Response<Incoming> {
        let origin = format!("http://{}", self.host);
        let request = self
            .request("POST", path, Some(cookie))
            .header(header::ORIGIN, origin)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.sender.send_request(request.body(Full::from(form)).unwrap()).await.unwrap()
    }

    fn request(&self, method: &str, path: &str, cookie: Option<&str>) -> hyper::http::request::Builder {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, &self.host)
            .header(header::USER_AGENT, "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
            .header(header::ACCEPT, "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")
            .header(header::ACCEPT_LANGUAGE, "en-GB,en;q=0.5");
        match cookie {
            Some(cookie) => request.header(header::COOKIE, cookie),
            None => request,
        }
    }
}

/// How a page was served under load.
#[derive(Clone, Copy)]
pub struct Served {
    /// Requests a second.
    pub rate: f64,
    /// The slowest but one in a hundred, in milliseconds.
    pub p99: f64,
}

/// Asks for one page over all connections for so long.
pub async fn drive(address: SocketAddr, path: &str, cookie: Option<&str>, time: Duration) -> Served {
    let began = Instant::now();
    let until = began + time;
    let tasks: Vec<_> = (0..CONNECTIONS)
        .map(|_| {
            let (path, cookie) = (path.to_owned(), cookie.map(str::to_owned));
            tokio::spawn(async move {
                let mut client = Client::connect(address).await.unwrap();
                let mut times = Vec::new();
                while Instant::now() < until {
                    let sent = Instant::now();
                    let answer = client.get(&path, cookie.as_deref()).await.unwrap();
                    times.push(sent.elapsed());
                    assert!(answer.status == 200 && answer.bytes > 1_000, "{path}: {}", answer.status);
                }
                times
            })
        })
        .collect();
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await.unwrap());
    }
    let took = began.elapsed();
    times.sort_unstable();
    #[allow(clippy::cast_precision_loss)]
    let rate = times.len() as f64 / took.as_secs_f64();
    Served { rate, p99: times[times.len() * 99 / 100].as_secs_f64() * 1000.0 }
}
