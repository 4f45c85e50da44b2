//! What happens to every request.

use super::*;

use axum::body::Body;
use axum::http::Request;
use std::net::{IpAddr, SocketAddr};

use axum::extract::ConnectInfo;

use crate::{Dependency, Peer};

#[tokio::test]
async fn an_id_of_the_caller_is_taken_if_it_is_one() {
    let router = behind_door(open_door());

    let id = "0192f0c1-7e57_ABC";
    let (_, headers, _) = ask("GET", "/health").with("x-request-id", id).of(&router).await;
    assert_eq!(header(&headers, "x-request-id"), id);

    for not_taken in ["", "a b", "a\"b", "é", &"x".repeat(65)] {
        let (_, headers, _) =
            ask("GET", "/health").with("x-request-id", not_taken).of(&router).await;
        assert!(uuid::Uuid::parse_str(header(&headers, "x-request-id")).is_ok(), "{not_taken}");
    }
}

#[tokio::test]
async fn a_problem_names_the_request() {
    let router = behind_door(open_door());

    let refused = json!({ "do": "refuse" });
    let asked = ask("POST", "/api/echo").with("x-request-id", "r-1").body(refused);
    let (status, headers, problem) = asked.of(&router).await;

    assert_eq!((status.as_u16(), kind(&problem)), (409, "conflict"));
    assert_eq!(problem["requestId"], "r-1");
    assert_eq!(header(&headers, "content-type"), "application/problem+json");
    assert_eq!(header(&headers, "content-length"), problem.to_string().len().to_string());
}

#[tokio::test]
async fn a_panic_is_a_problem_that_says_nothing() {
    let router = behind_door(open_door());

    let asked = ask("POST", "/api/echo").body(json!({ "do": "panic" }));
    let (status, headers, problem) = asked.of(&router).await;

    assert_eq!((status.as_u16(), kind(&problem)), (500, "bug"));
    assert!(!problem.to_string().contains("secret"));
    assert_eq!(problem["requestId"], header(&headers, "x-request-id"));
}

#[tokio::test]
async fn what_is_not_there_is_a_problem_too() {
    let router = behind_door(open_door());

    let (status, _, problem) = ask("GET", "/api/nothing").of(&router).await;
    assert_eq!((status.as_u16(), kind(&problem)), (404, "no-such-address"));

    for (path, allow) in [("/api/echo", "POST"), ("/health", "GET,HEAD")] {
        let (status, headers, problem) = ask("DELETE", path).of(&router).await;
        assert_eq!((status.as_u16(), kind(&problem)), (405, "no-such-method"), "{path}");
        assert_eq!(header(&headers, "allow"), allow);
    }
    let (status, headers, _) = ask("HEAD", "/api/nothing").of(&router).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(!header(&headers, "content-length").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_call_that_takes_too_long_is_given_up() {
    let router = behind_door(open_door());

    let asked = ask("POST", "/api/echo").body(json!({ "do": "sleep" }));
    let (status, headers, problem) = asked.of(&router).await;

    assert_eq!((status.as_u16(), kind(&problem)), (503, "too-slow"));
    assert_eq!(header(&headers, "retry-after"), "2");
}

#[tokio::test]
async fn a_body_is_bounded_whatever_it_says_of_its_length() {
    let router = behind_door(open_door());
    let fits = json!({ "text": "x".repeat(60_000) });
    let large = json!({ "text": "x".repeat(70_000) });

    let (status, ..) = ask("POST", "/api/echo").body(fits).of(&router).await;
    assert_eq!(status, StatusCode::OK);

    let (status, _, problem) = ask("POST", "/api/echo").body(large.clone()).of(&router).await;
    assert_eq!((status.as_u16(), kind(&problem)), (413, "too-large"));

    let said = ask("POST", "/api/echo").with("content-length", "70000");
    let (status, ..) = said.body(json!({})).of(&router).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);

    let chunk = Ok::<_, std::io::Error>(large.to_string());
    let unsaid = Request::post("/api/echo")
        .header("host", "localhost")
        .header("content-type", "application/json")
        .body(Body::from_stream(futures::stream::iter([chunk])))
        .expect("a request");
    let (status, _, problem) = answer(router, unsaid).await;
    assert_eq!((status.as_u16(), kind(&problem)), (413, "too-large"));
}

#[tokio::test]
async fn browsers_are_told_to_be_careful() {
    let router = behind_door(open_door());
    let behind_tls = behind_door(Door { is_behind_tls: true, ..open_door() });

    let (_, headers, _) = ask("GET", "/api/who").of(&router).await;

    assert_eq!(header(&headers, "x-content-type-options"), "nosniff");
    assert_eq!(header(&headers, "x-frame-options"), "DENY");
    assert_eq!(header(&headers, "referrer-policy"), "no-referrer");
    assert_eq!(header(&headers, "cache-control"), "no-store");
    assert_eq!(header(&headers, "strict-transport-security"), "");
    let (_, headers, _) = ask("GET", "/nothing").of(&behind_tls).await;
    assert!(header(&headers, "strict-transport-security").starts_with("max-age="));
    let (_, headers, _) = ask("GET", "/docs").of(&router).await;
    let policy = header(&headers, "content-security-policy");
    assert!(policy.starts_with("default-src 'none'; script-src 'sha256-"), "{policy}");
    assert!(!policy.contains("unsafe"));
}

#[tokio::test]
async fn pages_of_known_origins_may_call_and_no_others() {
    let router = behind_door(Door { tokens: None, ..door() });
    let preflight = |origin: &str| {
        ask("OPTIONS", "/api/echo")
            .with("origin", origin)
            .with("access-control-request-method", "POST")
            .with("access-control-request-headers", "authorization,idempotency-key,last-event-id")
    };

    let (status, headers, _) = preflight("https://app.example.com").of(&router).await;

    assert_eq!(status, StatusCode::OK);
    assert_eq!(header(&headers, "access-control-allow-origin"), "https://app.example.com");
    let allowed = header(&headers, "access-control-allow-headers");
    for name in
        ["authorization", "content-type", "idempotency-key", "last-event-id", "x-request-id"]
    {
        assert!(allowed.contains(name), "{name}");
    }
    assert_eq!(header(&headers, "access-control-allow-credentials"), "");
    let (_, headers, _) = preflight("https://evil.example").of(&router).await;
    assert_eq!(header(&headers, "access-control-allow-origin"), "");

    let asked = ask("GET", "/api/who").with("origin", "https://app.example.com");
    let (status, headers, _) = asked.of(&router).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert_eq!(header(&headers, "access-control-allow-origin"), "https://app.example.com");
    let exposed = header(&headers, "access-control-expose-headers");
    for name in ["location", "retry-after", "ratelimit", "ratelimit-policy", "x-request-id"] {
        assert!(exposed.contains(name), "{name}");
    }
}

#[tokio::test]
async fn a_caller_may_ask_so_often() {
    let router = behind_door(Door { limits: Limits::new(rate(1, 2), None), ..open_door() });

    let (first, headers, _) = ask("GET", "/api/who").of(&router).await;
    assert_eq!(header(&headers, "ratelimit-policy"), r#""caller";q=2;w=2"#);
    assert_eq!(header(&headers, "ratelimit"), r#""caller";r=1;t=1"#);
    let (second, ..) = ask("GET", "/api/who").of(&router).await;
    let (third, headers, problem) = ask("GET", "/api/who").of(&router).await;

    assert_eq!([first.as_u16(), second.as_u16(), third.as_u16()], [200, 200, 429]);
    assert_eq!(kind(&problem), "too-many");
    assert_eq!(header(&headers, "retry-after"), "1");
    assert_eq!(header(&headers, "ratelimit"), r#""caller";r=0;t=2"#);
    assert_eq!(header(&headers, "ratelimit-policy"), r#""caller";q=2;w=2"#);
    let (open, ..) = ask("GET", "/health").of(&router).await;
    assert_eq!(open, StatusCode::OK);
}

#[tokio::test]
async fn an_address_may_ask_so_often_and_no_header_changes_it() {
    let router = behind_door(Door { limits: Limits::new(None, rate(1, 2)), ..door() });
    let from = |address: &str, forwarded: &str| {
        let mut request =
            request("GET", "/api/who", &[("x-forwarded-for", forwarded)], &Value::Null);
        let address: IpAddr = address.parse().expect("an address");
        request.extensions_mut().insert(Peer(address));
        let connected = SocketAddr::new("192.0.2.99".parse().expect("an address"), 1);
        request.extensions_mut().insert(ConnectInfo(connected));
        answer(router.clone(), request)
    };

    let mut answers = Vec::new();
    for (address, forwarded) in
        [("192.0.2.1", "1"), ("192.0.2.1", "2"), ("192.0.2.1", "3"), ("192.0.2.2", "1")]
    {
        answers.push(from(address, forwarded).await.0.as_u16());
    }

    assert_eq!(answers, [401, 401, 429, 401]);
}

#[tokio::test]
async fn whoever_is_ready_says_what_is_behind_it() {
    let broken = Dependency::new("bucket", || async { Err("10.0.0.7 refused".into()) });
    let router = behind_door(Door { dependencies: vec![broken], ..door() });

    let (health, _, body) = ask("GET", "/health").of(&router).await;
    assert_eq!((health.as_u16(), &body["state"]), (200, &json!("up")));

    let (ready, headers, body) = ask("GET", "/ready").of(&router).await;
    assert_eq!((ready.as_u16(), &body["ready"]), (503, &json!(false)));
    assert_eq!(header(&headers, "cache-control"), "no-store");
    assert_eq!(body["dependencies"][0]["name"], "bucket");
    assert_eq!(body["dependencies"][0]["state"], "down");
    let (ready, ..) = ask("GET", "/ready").of(&behind_door(door())).await;
    assert_eq!(ready, StatusCode::OK);
}
