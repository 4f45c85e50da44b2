//! A receiver of webhooks, for tests.

use std::time::Duration;

use domain::Timestamp;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::http::{Base, Http, Timeouts};

/// How long a test waits for a webhook.
const PATIENCE: Duration = Duration::from_secs(10);

/// What was posted.
#[derive(Debug)]
pub(crate) struct Posted {
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) at: Timestamp,
}

impl Posted {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

/// Listens on loopback.
#[derive(Debug)]
pub(crate) struct Receiver {
    listener: TcpListener,
    pub(crate) base: Base,
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let addr = listener.local_addr().expect("an address");
        Self { listener, base: Base::parse(&format!("http://{addr}")).expect("a root") }
    }

    /// Speaks with it.
    pub(crate) fn http(&self) -> Http {
        Http::new(&[&self.base], Timeouts::default())
    }

    /// The next webhook. It is answered with 200.
    pub(crate) async fn next(&self) -> Posted {
        let next = async {
            let (stream, _) = self.listener.accept().await.expect("a connection");
            read(stream).await
        };
        tokio::time::timeout(PATIENCE, next).await.expect("a webhook")
    }
}

async fn read(stream: TcpStream) -> Posted {
    let mut stream = BufReader::new(stream);
    let first = line(&mut stream).await;
    let path = first.split(' ').nth(1).expect("a request line").to_owned();
    let mut headers = Vec::new();
    loop {
        let text = line(&mut stream).await;
        let Some((name, value)) = text.split_once(':') else { break };
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
    let mut posted = Posted { path, headers, body: Vec::new(), at: now() };
    let length = posted.header("content-length").and_then(|text| text.parse().ok());
    posted.body = vec![0; length.expect("a length")];
    stream.read_exact(&mut posted.body).await.expect("a body");
    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    stream.write_all(answer).await.expect("answered");
    posted
}

fn now() -> Timestamp {
    let since = std::time::UNIX_EPOCH.elapsed().expect("after the epoch");
    Timestamp::from_epoch_ms(0).plus(since)
}

async fn line(stream: &mut BufReader<TcpStream>) -> String {
    let mut text = String::new();
    stream.read_line(&mut text).await.expect("a line");
    text.trim_end().to_owned()
}
