//! Who is let in.

use super::*;

use testkit::InMemoryRegisters;
use testkit::samples::AT;

use crate::auth::test_keys::{Issuer, TestKey, claims, claims_with};
use crate::{KeyName, create_service_key};

fn with_tokens() -> Door {
    let keys = Some(vec![TestKey::EcOne.public("ec")]);
    Door { tokens: Some(Issuer::default().then(keys).believed(false)), ..door() }
}

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

async fn challenge(router: &Router, authorization: &str) -> (u16, String, String) {
    let asked = ask("GET", "/api/who").with("authorization", authorization);
    let (status, headers, problem) = asked.of(router).await;
    let challenge = header(&headers, "www-authenticate").to_owned();
    (status.as_u16(), challenge, problem["detail"].to_string())
}

#[tokio::test]
async fn a_user_is_known_by_a_token() {
    let router = behind_door(with_tokens());
    let token = TestKey::EcOne.sign(Some("ec"), &claims());

    for scheme in ["Bearer", "bearer", "BEARER"] {
        let asked = ask("GET", "/api/who").with("authorization", format!("{scheme} {token}"));
        assert_eq!(asked.of(&router).await.0, StatusCode::OK);
    }
}

#[tokio::test]
async fn nobody_is_told_how_to_be_known() {
    let router = behind_door(with_tokens());

    let (status, headers, problem) = ask("GET", "/api/who").of(&router).await;

    assert_eq!((status.as_u16(), kind(&problem)), (401, "unauthenticated"));
    assert_eq!(header(&headers, "www-authenticate"), "Bearer");
}

#[tokio::test]
async fn what_is_wrong_is_told_and_the_token_is_not() {
    let router = behind_door(with_tokens());
    let expired = TestKey::EcOne.sign(Some("ec"), &claims_with("exp", json!(1)));
    let forged = TestKey::EcTwo.sign(Some("ec"), &claims());

    for (token, why) in [(expired, "expired"), (forged, "signature"), ("x.y.z".into(), "neither")] {
        let (status, challenge, detail) = challenge(&router, &bearer(&token)).await;

        assert_eq!(status, 401);
        assert!(challenge.starts_with(r#"Bearer error="invalid_token""#), "{challenge}");
        assert!(detail.contains(why), "{detail}");
        assert!(!detail.contains(&token) && !challenge.contains(&token));
    }
    for other in ["Basic dXNlcjpwYXNz", "Bearer", "Bearer ", "smk_n8n_abc"] {
        assert_eq!(challenge(&router, other).await.0, 401, "{other}");
    }
}

#[tokio::test]
async fn it_is_said_once_who_is_calling() {
    let router = behind_door(with_tokens());
    let token = bearer(&TestKey::EcOne.sign(Some("ec"), &claims()));
    let headers = [("authorization", token.as_str()), ("authorization", token.as_str())];

    let twice = answer(router, request("GET", "/api/who", &headers, &Value::Null)).await;

    assert_eq!(twice.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_service_is_known_by_its_key() {
    let world = World::default();
    let registers: &InMemoryRegisters = &world.api.registers;
    let name = KeyName::parse("n8n").expect("a name");
    let key = create_service_key(name, registers, AT).await.expect("made");
    let router = behind(door(), calls(), world.api.clone());

    let asked = ask("GET", "/api/who").with("authorization", bearer(key.expose()));
    assert_eq!(asked.of(&router).await.0, StatusCode::OK);

    let other = format!("smk_n8n_{}", "A".repeat(43));
    let (status, _, detail) = challenge(&router, &bearer(&other)).await;
    assert_eq!(status, 401);
    assert!(detail.contains("service key") && !detail.contains("AAAA"), "{detail}");
}

#[tokio::test]
async fn an_issuer_that_does_not_answer_is_our_trouble() {
    let tokens = Some(Issuer::default().then(None).believed(false));
    let router = behind_door(Door { tokens, ..door() });
    let token = TestKey::EcOne.sign(Some("ec"), &claims());

    assert_eq!(challenge(&router, &bearer(&token)).await.0, 503);
}

#[tokio::test]
async fn a_developer_needs_no_token_but_a_wrong_one_is_wrong() {
    let router = behind_door(open_door());

    let (status, ..) = ask("GET", "/api/who").of(&router).await;
    assert_eq!(status, StatusCode::OK);

    assert_eq!(challenge(&router, "Bearer x.y.z").await.0, 401);
}

#[tokio::test]
async fn a_name_that_leads_here_is_not_this_machine() {
    let router = behind_door(open_door());
    let host = |host: &str| ask("GET", "/api/who").with("host", host);

    for own in ["localhost:4701", "127.0.0.1", "[::1]:4701"] {
        assert_eq!(host(own).of(&router).await.0, StatusCode::OK, "{own}");
    }
    for other in ["rebound.example", "rebound.example:4701", "localhost.example", ""] {
        let (status, _, problem) = host(other).of(&router).await;
        assert_eq!((status.as_u16(), kind(&problem)), (403, "not-from-there"), "{other}");
    }
    let token = TestKey::EcOne.sign(Some("ec"), &claims());
    let asked = ask("GET", "/api/who").with("host", "api.example.com");
    let asked = asked.with("authorization", bearer(&token));
    assert_eq!(asked.of(&behind_door(with_tokens())).await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_page_elsewhere_may_change_nothing() {
    let router = behind_door(open_door());
    let change = || ask("POST", "/api/echo").body(json!({}));

    for known in ["https://app.example.com", "http://127.0.0.1:4701"] {
        let (status, ..) = change().with("origin", known).of(&router).await;
        assert_eq!(status, StatusCode::OK, "{known}");
    }
    for other in ["https://evil.example", "null", "http://localhost:4701", "https://127.0.0.1:4701"]
    {
        let (status, _, problem) = change().with("origin", other).of(&router).await;
        assert_eq!((status.as_u16(), kind(&problem)), (403, "not-from-there"), "{other}");
    }
    assert_eq!(change().of(&router).await.0, StatusCode::OK);
}

#[tokio::test]
async fn one_call_looks_at_tickets_itself_and_no_other() {
    let router = behind_door(with_tokens());

    for (path, status) in [
        ("/api/jobs/1/events?ticket=t", 200),
        ("/api/jobs/1/events?after=1&ticket=t", 200),
        ("/api/jobs/1/events", 401),
        ("/api/jobs/1/events?tickets=t", 401),
        ("/api/who?ticket=t", 401),
    ] {
        assert_eq!(ask("GET", path).of(&router).await.0, status, "{path}");
    }
    let asked = ask("GET", "/api/jobs/1/events?ticket=t").with("authorization", "Bearer x.y.z");
    assert_eq!(asked.of(&router).await.0, StatusCode::UNAUTHORIZED);
}
