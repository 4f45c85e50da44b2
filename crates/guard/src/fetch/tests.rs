use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use futures::future::BoxFuture;
use ports::{Chain, StoreError};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::check::GuardRefusal;

const WANTED: Wanted = Wanted { max_bytes: 8, types: &["image/jpeg", "image/png"] };
const SHORT: Duration = Duration::from_millis(200);
const PAUSE: Duration = Duration::from_millis(50);
const LONG: Duration = Duration::from_secs(10);
const PATIENT: Limits = Limits { connect: LONG, idle: LONG, total: LONG };

/// Answers every connection with these bytes, a pause between one and the next.
struct Server {
    port: u16,
    asked: Arc<AtomicUsize>,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Server {
    async fn saying(pieces: impl Fn(u16) -> Vec<String> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (asked, heads) = <(Arc<AtomicUsize>, Arc<Mutex<Vec<String>>>)>::default();
        let server = Self { port, asked: asked.clone(), heads: heads.clone() };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                asked.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(serve(stream, pieces(port), heads.clone()));
            }
        });
        server
    }

    async fn answering(answer: impl Into<String>) -> Self {
        let answer = answer.into();
        Self::saying(move |_| vec![answer.clone()]).await
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/a", self.port)
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    async fn fetched(&self) -> Result<String, FetchError> {
        read(&fetcher(), &self.url()).await
    }
}

/// Reads a head and says the pieces; with nothing to say, stays silent.
async fn serve(mut stream: TcpStream, pieces: Vec<String>, heads: Arc<Mutex<Vec<String>>>) {
    let mut head = [0; 4096];
    let length = stream.read(&mut head).await.unwrap_or_default();
    heads.lock().expect("no panic").push(String::from_utf8_lossy(&head[..length]).into_owned());
    for piece in &pieces {
        if stream.write_all(piece.as_bytes()).await.is_err() {
            return;
        }
        if pieces.len() > 1 {
            tokio::time::sleep(PAUSE).await;
        }
    }
    if pieces.is_empty() {
        tokio::time::sleep(LONG).await;
    }
}

/// Answers each lookup with the next of these, and counts them.
struct Answers(Mutex<VecDeque<IpAddr>>);

impl Answers {
    fn of(ips: &[[u8; 4]]) -> Arc<Self> {
        Arc::new(Self(Mutex::new(ips.iter().map(|ip| Ipv4Addr::from(*ip).into()).collect())))
    }

    fn left(&self) -> usize {
        self.0.lock().expect("no panic").len()
    }
}

impl Lookup for Answers {
    fn lookup(&self, _: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        let next = self.0.lock().expect("no panic").pop_front();
        Box::pin(async move { next.map(|ip| vec![ip]).ok_or_else(|| io::Error::other("unknown")) })
    }
}

fn fetcher() -> Fetcher {
    Fetcher::new(Guard::with_loopback(), PATIENT)
}

async fn read(fetcher: &Fetcher, url: &str) -> Result<String, FetchError> {
    collect(fetcher.fetch(url, &WANTED).await?).await
}

async fn collect(mut fetched: Fetched) -> Result<String, FetchError> {
    let mut text = Vec::new();
    while let Some(chunk) = fetched.bytes.next().await {
        let chunk = chunk.map_err(|error| *error.downcast::<FetchError>().expect("a fetch"))?;
        text.extend_from_slice(&chunk);
    }
    Ok(String::from_utf8_lossy(&text).into_owned())
}

fn ok(headers: &str, body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\n{headers}\r\n\r\n{body}")
}

fn jpeg(length: usize, body: &str) -> String {
    ok(&format!("content-type: image/jpeg\r\ncontent-length: {length}"), body)
}

fn moved(status: u16, to: &str) -> String {
    format!("HTTP/1.1 {status} Moved\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n")
}

/// A beginning, and what comes after it piece by piece.
fn pieces(first: &str, next: &str, times: usize) -> Vec<String> {
    std::iter::once(first).chain(vec![next; times]).map(str::to_owned).collect()
}

fn status(status: u16, headers: &str) -> String {
    format!("HTTP/1.1 {status} No\r\ncontent-length: 0\r\n{headers}\r\n")
}

/// What `result` is refused for.
fn refusal<T: fmt::Debug>(result: Result<T, FetchError>) -> Refusal {
    match result {
        Err(FetchError::Refused(refusal)) => refusal,
        other => panic!("not refused: {other:?}"),
    }
}

/// Why `result` is for later, and how much later.
fn later<T: fmt::Debug>(result: Result<T, FetchError>) -> (String, Option<Duration>) {
    match result {
        Err(error @ FetchError::Later { retry_after, .. }) => {
            (Chain(&error).to_string(), retry_after)
        }
        other => panic!("not for later: {other:?}"),
    }
}

#[tokio::test]
async fn what_is_wanted_comes_whole() {
    let server =
        Server::answering(ok("Content-Type: Image/PNG; q=1\r\ncontent-length: 8", "12345678"))
            .await;

    let fetched = fetcher().fetch(&server.url(), &WANTED).await.expect("a picture");

    assert_eq!(fetched.content_type, "image/png");
    assert_eq!(collect(fetched).await.expect("whole"), "12345678");
    let head = server.heads.lock().expect("no panic").concat().to_ascii_lowercase();
    assert!(head.starts_with("get /a http/1.1\r\n"), "{head}");
    assert!(head.contains("accept: image/jpeg, image/png, */*;q=0.1\r\n"), "{head}");
    assert!(!head.contains("cookie") && !head.contains("referer"), "{head}");
}

#[tokio::test]
async fn an_address_that_is_not_let_through_is_not_asked() {
    let server = Server::answering(jpeg(1, "1")).await;
    let strict = Fetcher::new(Guard::STRICT, PATIENT);

    let http = refusal(read(&strict, &server.url()).await);
    let https = refusal(read(&strict, &server.url().replace("http:", "https:")).await);

    assert_eq!(http, Refusal::Address(GuardRefusal::NotHttps));
    assert_eq!(https, Refusal::Address(GuardRefusal::NotPublic));
    assert_eq!(server.asked(), 0);
}

#[tokio::test]
async fn a_name_is_looked_up_once_and_that_is_connected_to() {
    let server = Server::answering(jpeg(1, "1")).await;
    // Nobody listens at the second: whoever looked up twice would not get through.
    let lookup = Answers::of(&[[127, 0, 0, 1], [127, 9, 9, 9]]);
    let fetcher = Fetcher::with_lookup(Guard::with_loopback(), PATIENT, lookup.clone());

    let text = read(&fetcher, &format!("http://once.localhost:{}/", server.port)).await;

    assert_eq!(text.expect("the first address"), "1");
    assert_eq!((lookup.left(), server.asked()), (1, 1));
}

#[tokio::test]
async fn a_name_that_leads_inside_is_not_connected_to() {
    let server = Server::answering(jpeg(1, "1")).await;
    let lookup = Answers::of(&[[127, 0, 0, 1]]);
    let strict = Fetcher::with_lookup(Guard::STRICT, PATIENT, lookup.clone());

    let url = format!("https://rebound.example:{}/", server.port);
    let refused = refusal(read(&strict, &url).await);

    assert_eq!(refused, Refusal::Address(GuardRefusal::NotPublic));
    assert_eq!((lookup.left(), server.asked()), (0, 0));
}

#[tokio::test]
async fn a_name_that_leads_elsewhere_the_next_time_is_checked_again() {
    let server = Server::saying(|port| vec![moved(302, &format!("http://a.localhost:{port}/b"))]);
    let server = server.await;
    let lookup = Answers::of(&[[127, 0, 0, 1], [10, 0, 0, 1]]);
    let fetcher = Fetcher::with_lookup(Guard::with_loopback(), PATIENT, lookup.clone());

    let refused = read(&fetcher, &format!("http://a.localhost:{}/a", server.port)).await;

    assert_eq!(refusal(refused), Refusal::Address(GuardRefusal::NotPublic));
    assert_eq!((lookup.left(), server.asked()), (0, 1));
}

#[tokio::test]
async fn redirects_are_followed_with_a_get() {
    let there = Server::answering(jpeg(4, "clip")).await;
    for code in [301, 302, 303, 307, 308] {
        let to = there.url();
        let here = Server::answering(moved(code, &format!("{to}/b#c"))).await;

        assert_eq!(here.fetched().await.expect("followed"), "clip");
    }
    assert_eq!(there.asked(), 5);
    assert!(
        there.heads.lock().expect("no panic").iter().all(|head| head.starts_with("GET /a/b H"))
    );
}

#[tokio::test]
async fn a_redirect_inside_is_refused() {
    let cases = [
        ("http://169.254.169.254/latest/meta-data", GuardRefusal::NotHttps),
        ("https://169.254.169.254/latest/meta-data", GuardRefusal::NotPublic),
        ("//169.254.169.254/", GuardRefusal::NotHttps),
        ("https://10.0.0.1/a.jpg", GuardRefusal::NotPublic),
        ("https://[fd00:ec2::254]/", GuardRefusal::NotPublic),
        ("https://metadata.google.internal/", GuardRefusal::NotPublic),
        ("http://example.com/", GuardRefusal::NotHttps),
        ("file:///etc/passwd", GuardRefusal::NotHttps),
        ("https://user:pass@example.com/", GuardRefusal::Credentials),
    ];
    for (to, why) in cases {
        let server = Server::answering(moved(302, to)).await;

        assert_eq!(refusal(server.fetched().await), Refusal::Address(why), "{to}");
    }
}

#[tokio::test]
async fn round_and_round_ends_after_three_redirects() {
    let round = Server::answering(moved(302, "/a")).await;
    let nowhere = Server::answering(status(302, "")).await;

    assert_eq!(refusal(round.fetched().await), Refusal::Redirects);
    assert_eq!(round.asked(), 4);
    assert_eq!(refusal(nowhere.fetched().await), Refusal::Nowhere);
}

#[tokio::test]
async fn what_is_not_there_is_refused_and_what_may_be_there_later_is_not() {
    for code in [204, 206, 304, 400, 401, 403, 404, 410, 451] {
        let server = Server::answering(status(code, "")).await;
        assert_eq!(refusal(server.fetched().await), Refusal::Status(code));
    }
    for code in [408, 425, 429, 500, 502, 503, 504] {
        let server = Server::answering(status(code, "retry-after: 7\r\n")).await;
        let told = format!("the fetch broke: status {code} instead of a file");
        assert_eq!(later(server.fetched().await), (told, Some(Duration::from_secs(7))));
    }
    let silent_about_it = Server::answering(status(503, "")).await;
    assert_eq!(later(silent_about_it.fetched().await).1, None);
}

#[tokio::test]
async fn another_type_is_refused() {
    let types = [
        ("content-type: text/html; charset=utf-8", "text/html"),
        ("content-type: image/svg+xml", "image/svg+xml"),
        ("content-type: application/octet-stream", "application/octet-stream"),
        ("content-type: please call +1 555", "unknown"),
        ("server: x", "application/octet-stream"),
    ];
    for (header, came) in types {
        let server = Server::answering(ok(&format!("{header}\r\ncontent-length: 1"), "1")).await;

        let refused = refusal(server.fetched().await);

        assert_eq!(refused, Refusal::Type { came: came.to_owned(), wanted: WANTED.types });
    }
    let refused = Refusal::of_type("text/html", WANTED.types).to_string();
    assert_eq!(
        refused,
        "the file at the address is of type text/html and not image/jpeg or image/png"
    );
}

#[tokio::test]
async fn bytes_of_no_type_are_taken_where_any_bytes_are() {
    let anything = Wanted { types: &["application/octet-stream"], ..WANTED };
    for header in ["content-type: application/octet-stream", "server: x"] {
        let server = Server::answering(ok(&format!("{header}\r\ncontent-length: 1"), "1")).await;

        let fetched = fetcher().fetch(&server.url(), &anything).await.expect("any bytes");

        assert_eq!(fetched.content_type, "application/octet-stream");
    }
}

#[tokio::test]
async fn too_much_is_refused_announced_or_not() {
    let announced = Server::answering(jpeg(9, "")).await;
    let chunked =
        ok("content-type: image/jpeg\r\ntransfer-encoding: chunked", "9\r\n123456789\r\n0\r\n\r\n");
    let chunked = Server::answering(chunked).await;
    let endless = Server::answering(ok("content-type: image/jpeg", &"x".repeat(100_000))).await;
    let exact = Server::answering(ok("content-type: image/jpeg", "12345678")).await;

    let begun = fetcher().fetch(&announced.url(), &WANTED).await;

    assert_eq!(refusal(begun), Refusal::TooLarge { max_bytes: 8 });
    for server in [&chunked, &endless] {
        assert_eq!(refusal(server.fetched().await), Refusal::TooLarge { max_bytes: 8 });
    }
    assert_eq!(exact.fetched().await.expect("as much as is taken"), "12345678");
}

#[tokio::test]
async fn too_little_is_for_later() {
    let chunked = "content-type: image/jpeg\r\ntransfer-encoding: chunked";
    let cut = [jpeg(8, "1234"), ok(chunked, "4\r\n1234\r\n"), ok(chunked, "8\r\n1234")];
    for answer in cut {
        let server = Server::answering(answer).await;

        let (_, pause) = later(server.fetched().await);

        assert_eq!((pause, server.asked()), (None, 1));
    }
}

#[tokio::test]
async fn more_than_announced_is_not_taken() {
    let server = Server::answering(jpeg(4, "12345678")).await;

    assert_eq!(server.fetched().await.expect("what was announced"), "1234");
}

#[tokio::test]
async fn who_says_nothing_is_not_waited_for() {
    let impatient = Fetcher::new(Guard::with_loopback(), Limits { idle: SHORT, ..PATIENT });
    let silent = Server::saying(|_| Vec::new()).await;
    let stopped = Server::saying(|_| pieces(&jpeg(8, "1"), "", 10)).await;
    let dripped = Server::saying(|_| pieces("HTTP/1.1 200 OK\r\nx: ", "x", 10)).await;

    for server in [silent, stopped, dripped] {
        let (told, pause) = later(read(&impatient, &server.url()).await);

        assert_eq!((told.as_str(), pause), ("the fetch broke: nothing came for 200ms", None));
    }
}

#[tokio::test]
async fn who_drips_is_not_waited_for() {
    let impatient = Fetcher::new(Guard::with_loopback(), Limits { total: PAUSE * 6, ..PATIENT });
    let head = ok("content-type: image/jpeg", "");
    let body = Server::saying(move |_| pieces(&head, "x", 8)).await;
    let moved = ["HTTP/1.1 302 Found\r\n", "location: /a\r\n", "content-length: 0\r\n\r\n"];
    let round = Server::saying(move |_| moved.map(str::to_owned).to_vec()).await;

    for server in [&body, &round] {
        let (told, _) = later(read(&impatient, &server.url()).await);

        assert_eq!(told, "the fetch broke: it took too long");
    }
    assert!(round.asked() > 1);
}

#[tokio::test]
async fn who_is_not_reached_may_be_reached_later() {
    let nobody = read(&fetcher(), "http://127.0.0.1:1/secret").await;
    let unknown = Fetcher::with_lookup(Guard::STRICT, PATIENT, Answers::of(&[]));
    let unknown = read(&unknown, "https://unknown.example/secret").await;
    let nonsense = Server::answering("nonsense\r\n\r\n").await.fetched().await;

    for result in [nobody, unknown, nonsense] {
        assert!(!format!("{result:?}").contains("secret"), "{result:?}");
        let (told, pause) = later(result);
        assert!(told.starts_with("the fetch broke: "), "{told}");
        assert_eq!(pause, None);
    }
}

#[tokio::test]
async fn a_store_that_was_given_the_bytes_tells_which_fetch_broke() {
    let server = Server::answering(ok("content-type: image/jpeg", "123456789")).await;
    let mut fetched = fetcher().fetch(&server.url(), &WANTED).await.expect("it begins");
    let source = fetched.bytes.next().await.expect("an end").expect_err("too much");
    let key = "photos/a.jpg".to_owned();

    let wrapped = io::Error::other(StoreError::Unavailable { key, source });

    let found = FetchError::within(&wrapped);
    assert!(matches!(found, Some(FetchError::Refused(Refusal::TooLarge { .. }))), "{found:?}");
    assert!(FetchError::within(&io::Error::other("else")).is_none());
}
