use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;
use crate::http::Timeouts;
use crate::webhook::samples;

const BODY: &[u8] = br#"{"request_id":"req-1","status":"OK","payload":{}}"#;
const SIGNATURE: &str = "50da8134670b2d183b0e7990fdc15eaf790b11a0643783b814f49acd6393a24f\
                         05dffdacff5827e5b837c2e7106df7064b064830bd89a504d00e56935f7abb03";
const KEYS: &str = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"IBZgiLHZWxUYj4nIqMQSpgKq7v6rWJKFZsI8fKqkBXY"},{"kty":"OKP","crv":"Ed25519","x":"ebVWLo_mVPlAeLES6KmLp5AfhTrmlb7X4OORC60ElmQ"}]}"#;
const OTHER_KEYS: &str =
    r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"IBZgiLHZWxUYj4nIqMQSpgKq7v6rWJKFZsI8fKqkBXY"}]}"#;

/// Shows these answers, one after the other and then the last one, and counts.
async fn host(answers: &[(u16, &'static str)]) -> (FalVerifier, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let (asked, answers) = (Arc::new(AtomicUsize::new(0)), answers.to_vec());
    let times = asked.clone();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            let at = times.fetch_add(1, Ordering::SeqCst);
            let (status, body) = answers[at.min(answers.len() - 1)];
            let _ = stream.read(&mut [0; 4096]).await;
            let head = format!("HTTP/1.1 {status} -\r\ncontent-length: {}\r\n\r\n", body.len());
            stream.write_all(format!("{head}{body}").as_bytes()).await.expect("written");
        }
    });
    let rest = Base::parse(&url).expect("a root");
    (FalVerifier::new(Http::new(&[&rest], Timeouts::default()), rest), asked)
}

fn headers(signature: &str) -> Vec<(String, String)> {
    samples::headers(&[
        ("X-Fal-Webhook-Request-Id", "req-1"),
        ("X-Fal-Webhook-User-Id", "user-1"),
        ("X-Fal-Webhook-Timestamp", "1790000000"),
        ("X-Fal-Webhook-Signature", signature),
    ])
}

async fn judge(verifier: &FalVerifier, now: Timestamp) -> Result<Notice, NotGenuine> {
    verifier.verify(&headers(SIGNATURE), BODY, now).await
}

#[tokio::test]
async fn the_known_answer_is_believed_and_keys_are_kept() {
    let (verifier, asked) = host(&[(200, KEYS)]).await;

    for _ in 0..3 {
        let notice = judge(&verifier, samples::SIGNED_AT).await.expect("signed");
        assert_eq!((&*notice.id, &*notice.provider_job), ("req-1", "req-1"));
    }

    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn what_was_changed_is_forged() {
    let (verifier, _) = host(&[(200, KEYS)]).await;
    let mut cases = vec![(headers(SIGNATURE), [BODY, b" "].concat())];
    for (index, other) in [(0, "req-2"), (1, "user-2"), (2, "1790000001"), (3, "50da")] {
        let mut changed = headers(SIGNATURE);
        changed[index].1 = other.to_owned();
        cases.push((changed, BODY.to_vec()));
    }
    cases.push((headers(&SIGNATURE.replace("50da", "50db")), BODY.to_vec()));
    cases.push((headers(&SIGNATURE.replace("50da", "50zz")), BODY.to_vec()));

    for (headers, body) in cases {
        let answer = verifier.verify(&headers, &body, samples::SIGNED_AT).await;
        assert!(matches!(answer, Err(NotGenuine::Forged)), "{headers:?}");
    }
}

#[tokio::test]
async fn what_is_signed_for_another_customer_is_forged() {
    let (verifier, asked) = host(&[(200, KEYS)]).await;
    let theirs = verifier.only_for("user-2".to_owned());

    assert!(matches!(judge(&theirs, samples::SIGNED_AT).await, Err(NotGenuine::Forged)));
    assert_eq!(asked.load(Ordering::SeqCst), 0, "nobody is asked about others' webhooks");
    let ours = theirs.only_for("user-1".to_owned());
    assert!(judge(&ours, samples::SIGNED_AT).await.is_ok());
}

#[tokio::test]
async fn what_is_missing_is_unsigned_and_what_is_not_of_now_is_stale() {
    let (verifier, asked) = host(&[(200, KEYS)]).await;

    for missing in 0..4 {
        let mut headers = headers(SIGNATURE);
        headers.remove(missing);
        let answer = verifier.verify(&headers, BODY, samples::SIGNED_AT).await;
        assert!(matches!(answer, Err(NotGenuine::Unsigned)), "{missing}");
    }
    for now in [samples::seconds_later(301), Timestamp::from_epoch_ms(1_789_999_699_000)] {
        assert!(matches!(judge(&verifier, now).await, Err(NotGenuine::Stale)));
    }
    assert!(judge(&verifier, samples::seconds_later(300)).await.is_ok());
    assert_eq!(asked.load(Ordering::SeqCst), 1, "nobody is asked about what is not signed");
}

#[tokio::test]
async fn keys_that_do_not_fit_are_asked_for_again_once_a_minute() {
    let (verifier, asked) = host(&[(200, OTHER_KEYS), (200, KEYS)]).await;
    let at = samples::seconds_later;

    for secs in [0, 30, 59] {
        assert!(matches!(judge(&verifier, at(secs)).await, Err(NotGenuine::Forged)));
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    assert!(judge(&verifier, at(60)).await.is_ok());
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn keys_are_not_kept_for_longer_than_a_day() {
    let (verifier, asked) = host(&[(200, KEYS), (200, OTHER_KEYS)]).await;
    verifier.update(|known| {
        known.keys = PublicKeys::read(KEYS.as_bytes()).expect("keys");
        known.fetched = Some(Timestamp::from_epoch_ms(1_790_000_000_000 - 86_400_000));
    });

    assert!(judge(&verifier, samples::SIGNED_AT).await.is_ok());
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn without_keys_nothing_is_judged() {
    let (verifier, asked) = host(&[(503, "no"), (200, "<html>"), (200, KEYS)]).await;
    let at = samples::seconds_later;

    for secs in [0, 1, 60, 61] {
        assert!(matches!(judge(&verifier, at(secs)).await, Err(NotGenuine::NoKeys(_))));
    }
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    assert!(judge(&verifier, at(120)).await.is_ok());
}

#[test]
fn hex_is_read_as_it_is_written() {
    let bytes: [u8; SIGNATURE_BYTES] =
        std::array::from_fn(|at| 3 * u8::try_from(at).expect("small"));

    assert_eq!(unhex(&hex(&bytes)), Some(bytes));
    assert_eq!(unhex(&hex(&bytes).to_uppercase()), Some(bytes));
    assert_eq!(unhex(&hex(&bytes[1..])), None);
}
