use std::time::{Duration, Instant, SystemTime};

use deliver::HttpSender;
use guard::Guard;
use ports::{Chain, WebhookRequest, WebhookSender as _};

use crate::receiver::{Receiver, Reply};

fn sender() -> HttpSender {
    HttpSender::new(Guard::with_loopback()).expect("a sender")
}

fn request(url: String) -> WebhookRequest {
    let headers = vec![("content-type", "application/json".to_owned())];
    WebhookRequest { url, headers, body: "{ \"a\":\t\"é\" }\n".into() }
}

fn says(status: u16, headers: Vec<(&'static str, String)>, text: &str) -> Reply {
    Reply::Says(status, headers, text.to_owned())
}

#[tokio::test]
async fn the_bytes_arrive_as_they_are() {
    let receiver = Receiver::start(says(202, vec![], "thank you")).await;

    let answer = sender().post(&request(receiver.url("/hook?token=t"))).await.expect("an answer");

    let sent = receiver.received().remove(0);
    assert_eq!((answer.status, &*answer.body, answer.retry_after), (202, "thank you", None));
    assert_eq!(sent.body, request(String::new()).body);
    assert_eq!(sent.headers["content-type"], "application/json");
    assert_eq!(sent.headers["user-agent"], "stillmotion-webhooks/1");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let location = vec![("location", "/elsewhere".to_owned())];
    let receiver = Receiver::start(says(307, location, "")).await;

    let answer = sender().post(&request(receiver.url("/hook"))).await.expect("an answer");

    assert_eq!((answer.status, receiver.received().len()), (307, 1));
}

#[tokio::test]
async fn a_receiver_that_asks_for_time_is_understood() {
    let pause = async |value: String| {
        let receiver = Receiver::start(says(429, vec![("retry-after", value)], "")).await;
        let answer = sender().post(&request(receiver.url("/hook"))).await.expect("an answer");
        answer.retry_after.map(|pause| pause.as_secs())
    };
    let in_an_hour = SystemTime::now() + Duration::from_hours(1);

    let date = pause(httpdate::fmt_http_date(in_an_hour)).await.expect("a pause");

    assert_eq!(pause("120".to_owned()).await, Some(120));
    assert!((3590..=3600).contains(&date), "{date}");
    assert_eq!(pause("soon".to_owned()).await, None);
}

#[tokio::test]
async fn of_an_answer_without_end_a_kibibyte_is_read() {
    let receiver = Receiver::start(Reply::Endless).await;
    let began = Instant::now();

    let answer = sender().post(&request(receiver.url("/hook"))).await.expect("an answer");

    assert_eq!((answer.status, answer.body.len()), (200, 1024));
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_receiver_that_says_nothing_is_waited_for_fifteen_seconds() {
    let receiver = Receiver::start(Reply::Silence).await;
    let began = Instant::now();

    let error = sender().post(&request(receiver.url("/hook?token=t"))).await.expect_err("silence");

    let waited = began.elapsed().as_secs();
    assert!((14..=17).contains(&waited), "{waited} s");
    assert!(!Chain(&error).to_string().contains("token"), "{}", Chain(&error));
}

#[tokio::test]
async fn nothing_on_this_machine_is_posted_to_without_the_flag() {
    let receiver = Receiver::start(says(200, vec![], "")).await;
    let strict = HttpSender::new(Guard::STRICT).expect("a sender");
    let refusal = async |url: String| {
        let error = strict.post(&request(url)).await.expect_err("refused");
        Chain(&error).to_string()
    };

    let plain = refusal(receiver.url("/hook?token=t")).await;
    let inside = refusal("https://169.254.169.254/latest/meta-data?token=t".to_owned()).await;
    let named = refusal("https://localhost/hook?token=t".to_owned()).await;

    assert!(plain.ends_with(": the address is not an https address"), "{plain}");
    assert!(inside.ends_with(": the address is not public"), "{inside}");
    for text in [&plain, &inside, &named] {
        assert!(!text.contains("token") && !text.contains("169.254"), "{text}");
    }
    assert!(receiver.received().is_empty());
}

#[tokio::test]
async fn what_breaks_is_told_without_the_address() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    drop(listener);

    let error = sender().post(&request(format!("http://{address}/hook?token=t"))).await;

    let text = Chain(&error.expect_err("nobody is there")).to_string();
    assert!(text.starts_with("no answer from the webhook endpoint: "), "{text}");
    assert!(!text.contains("token") && !text.contains(&address.port().to_string()), "{text}");
}
