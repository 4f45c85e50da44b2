use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use guard::GuardRefusal;
use ports::Chain;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::fixtures::bytes;

/// Answers every connection with the same bytes, word for word, and counts them.
struct Canned {
    base: Base,
    asked: Arc<AtomicUsize>,
}

impl Canned {
    async fn saying(answer: impl Fn(&str) -> String + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let root = format!("http://{}", listener.local_addr().expect("an address"));
        let counter = Arc::new(AtomicUsize::new(0));
        let canned = Self { base: Base::parse(&root).expect("a root"), asked: counter.clone() };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::SeqCst);
                let text = answer(&root);
                tokio::spawn(serve(stream, text));
            }
        });
        canned
    }

    fn http(&self) -> Http {
        let short = Duration::from_millis(300);
        Http::new(&[&self.base], Timeouts { read: short, idle: short, ..Timeouts::default() })
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    async fn downloaded(&self) -> Result<Vec<u8>, String> {
        let url = self.base.at(&["clip.mp4"]);
        match self.http().download(url.as_str()).await {
            Ok(clip) => bytes(clip).await,
            Err(error) => Err(Chain(&error).to_string()),
        }
    }
}

/// Reads a head, says this, and closes; with nothing to say, stays silent.
async fn serve(mut stream: TcpStream, text: String) {
    let mut head = [0; 4096];
    let _ = stream.read(&mut head).await;
    if text.is_empty() {
        tokio::time::sleep(Duration::from_secs(10)).await;
    }
    let _ = stream.write_all(text.as_bytes()).await;
}

fn ok(headers: &str, body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\n{headers}\r\n\r\n{body}")
}

fn moved(to: &str) -> String {
    format!("HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n")
}

#[test]
fn addresses_are_below_the_root_whatever_they_hold() {
    let at = |root: &str| Base::parse(root).expect("a root").at(&["v1", "tasks", "a/../b?c"]);

    assert_eq!(at("https://api.example.com").path(), "/v1/tasks/a%2F..%2Fb%3Fc");
    assert_eq!(at("http://127.0.0.1:1/ltx/").path(), "/ltx/v1/tasks/a%2F..%2Fb%3Fc");
    assert_eq!(Base::parse("ftp://api.example.com"), None);
    assert_eq!(Base::parse("https://api.example.com?x"), None);
}

#[tokio::test]
async fn the_key_is_shown_to_the_provider_only() {
    let (own, other) = (Canned::saying(|_| ok("", "")).await, Canned::saying(|_| ok("", "")).await);
    let http = own.http();

    let refused = http.exchange(http.get(other.base.at(&[])).bearer_auth("k")).await;

    assert!(matches!(refused, Err(Unanswered::NotSent(source)) if source.is::<NotOwn>()));
    assert_eq!(other.asked(), 0);
}

#[tokio::test]
async fn a_refused_connection_is_proof_that_nothing_was_sent() {
    let base = Base::parse("http://127.0.0.1:1").expect("a root");
    let http = Http::new(&[&base], Timeouts::default());

    let fault = http.exchange(http.post(base.at(&["secret-path"]))).await.expect_err("nobody");

    assert!(matches!(fault, Unanswered::NotSent(_)));
    assert!(!format!("{fault:?}").contains("secret-path"));
}

#[tokio::test]
async fn a_name_that_nobody_knows_is_proof_that_nothing_was_sent() {
    let base = Base::parse("https://provider.invalid").expect("a root");
    let http = Http::new(&[&base], Timeouts::default());

    let fault = http.exchange(http.post(base.at(&[]))).await.expect_err("nobody");

    assert!(matches!(fault, Unanswered::NotSent(_)));
}

#[tokio::test]
async fn a_failed_handshake_is_proof_that_nothing_was_sent() {
    let plain = Canned::saying(|_| "no TLS here".to_owned()).await;
    let root = plain.base.url().as_str().replace("http:", "https:");
    let base = Base::parse(&root).expect("a root");
    let http = Http::new(&[&base], Timeouts::default());

    let fault = http.exchange(http.post(base.at(&[]))).await.expect_err("no handshake");

    assert!(matches!(fault, Unanswered::NotSent(_)), "{fault:?}");
    assert_eq!(plain.asked(), 1);
}

#[tokio::test]
async fn what_breaks_after_the_request_is_lost_and_nothing_is_sent_twice() {
    let broken = [
        String::new(),
        "nonsense\r\n\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{}".to_owned(),
        ok("content-length: 1048577", &"x".repeat(1_048_577)),
    ];
    for text in broken {
        let canned = Canned::saying(move |_| text.clone()).await;
        let http = canned.http();

        let fault = http.exchange(http.post(canned.base.at(&["secret-path"]))).await;

        assert!(matches!(&fault, Err(Unanswered::Lost(_))), "{fault:?}");
        assert!(!format!("{fault:?}").contains("secret-path"));
        assert_eq!(canned.asked(), 1);
    }
}

#[tokio::test]
async fn the_api_sends_nobody_elsewhere() {
    let canned = Canned::saying(|root| moved(&format!("{root}/elsewhere"))).await;
    let http = canned.http();

    let answer = http.exchange(http.get(canned.base.at(&[]))).await.expect("an answer");

    assert_eq!((answer.status.as_u16(), canned.asked()), (302, 1));
}

#[tokio::test]
async fn a_download_is_sent_elsewhere_three_times_at_most_and_never_inside() {
    let round = Canned::saying(|root| moved(&format!("{root}/round"))).await;
    let inside = Canned::saying(|_| moved("http://169.254.169.254/latest")).await;
    let private = Canned::saying(|_| moved("https://10.0.0.1/a.mp4")).await;

    let fault = round.downloaded().await.expect_err("round and round");
    assert_eq!((fault.as_str(), round.asked()), ("the download broke: more than 3 redirects", 4));
    let fault = inside.downloaded().await.expect_err("refused");
    assert_eq!(fault, "the download broke: the address is not an https address");
    let fault = private.downloaded().await.expect_err("refused");
    assert_eq!(fault, "the download broke: the address is not public");
}

#[tokio::test]
async fn a_download_is_sent_to_the_clip() {
    let there =
        Canned::saying(|_| ok("content-type: video/mp4\r\ncontent-length: 4", "clip")).await;
    let url = there.base.at(&["clip.mp4"]);
    let here = Canned::saying(move |_| moved(url.as_str())).await;

    assert_eq!(here.downloaded().await, Ok(b"clip".to_vec()));
}

#[tokio::test]
async fn a_download_that_is_not_whole_breaks() {
    let cases = [
        ("content-type: video/mp4\r\ncontent-length: 9", "clip"),
        ("content-type: application/json\r\ncontent-length: 2", "{}"),
        ("content-type: application/xml\r\ncontent-length: 7", "<Error>"),
        ("content-length: 4\r\ncontent-md5: kAFQmDzST7DWlj99KOF/cg==", "clip"),
        ("transfer-encoding: chunked", "4\r\nclip\r\n"),
    ];
    for (headers, body) in cases {
        let text = ok(headers, body);
        let canned = Canned::saying(move |_| text.clone()).await;

        assert!(canned.downloaded().await.is_err(), "{headers}");
    }
    let silent = Canned::saying(|_| String::new()).await;
    assert!(silent.downloaded().await.is_err());
}

#[tokio::test]
async fn a_download_that_announces_too_much_is_not_begun() {
    let huge = Canned::saying(|_| ok("content-length: 8589934593", "")).await;
    let url = huge.base.at(&["clip.mp4"]);

    let refused = huge.http().download(url.as_str()).await.expect_err("too much");

    let told = Chain(&refused).to_string();
    assert_eq!(told, "the download broke: more than 8589934592 bytes");
}

#[tokio::test]
async fn photos_go_nowhere_inside() {
    let http = Http::new(&[], Timeouts::default());
    let (photo, none) = (std::path::Path::new("/nowhere/photo.jpg"), BTreeMap::new());
    for address in ["http://169.254.169.254/", "https://127.0.0.1/", "https://localhost/"] {
        let put = http.put_file(address, &none, photo).await.expect_err("refused");
        let post = http.post_form(address, &none, photo).await.expect_err("refused");

        for fault in [put, post] {
            assert!(matches!(fault, Unanswered::NotSent(source) if source.is::<GuardRefusal>()));
        }
    }
}
