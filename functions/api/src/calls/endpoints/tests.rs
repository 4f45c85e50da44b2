use std::time::Duration;

use axum::http::{StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ports::{Clock, Disabled, Endpoint, Endpoints};
use serde_json::{Value, json};
use testkit::{InMemoryEndpoints, samples};

use crate::Rules;
use crate::test_world::World;

const PATH: &str = "/api/webhook-endpoints";

async fn call(caller: &World, method: &str, path: &str) -> (StatusCode, Value) {
    let (status, _, body) = caller.call(method, &format!("{PATH}{path}"), Value::Null).await;
    (status, body)
}

async fn register(caller: &World, body: Value) -> (StatusCode, Value) {
    let (status, _, body) = caller.call("POST", PATH, body).await;
    (status, body)
}

fn only(world: &World) -> Endpoint {
    let [endpoint] = &world.api.endpoints.all()[..] else { panic!("one endpoint") };
    endpoint.clone()
}

fn key_of(secret: &Value) -> Vec<u8> {
    let secret = secret.as_str().expect("a secret").strip_prefix("whsec_").expect("a prefix");
    STANDARD.decode(secret).expect("base64")
}

/// A world with an endpoint of `user-1`, of `user-2` and of the house.
fn world() -> World {
    let all = [
        samples::endpoint(Some("user-1"), "mine"),
        samples::endpoint(Some("user-2"), "theirs"),
        samples::endpoint(None, "house"),
    ];
    let endpoints = all.iter().fold(InMemoryEndpoints::default(), InMemoryEndpoints::with);
    World::with(|api| api.endpoints = endpoints)
}

#[tokio::test]
async fn a_user_registers_an_endpoint_and_is_shown_its_secret_once() {
    let world = World::default();
    let user = world.user("user-1");
    let body = json!({
        "url": "https://hooks.example.com/villa?token=t#part",
        "events": ["Rendered.v1", "JobFailed.v1", "Rendered.v1"],
    });

    let (status, headers, body) = user.call("POST", PATH, body).await;

    assert_eq!(status, StatusCode::CREATED);
    let endpoint = only(&world);
    assert_eq!(headers[header::LOCATION], format!("{PATH}/{}", endpoint.id));
    assert_eq!(key_of(&body["secret"]).len(), 32);
    assert_eq!(body["secret"], endpoint.secrets[0].secret.expose());
    assert_eq!(body["url"], "https://hooks.example.com/villa?token=t");
    assert_eq!(body["events"], json!(["Rendered.v1", "JobFailed.v1"]));
    assert_eq!(body["createdAt"], "2026-11-20T10:00:00.000Z");
    assert_eq!(endpoint.owner.as_deref(), Some("user-1"));
    let (_, shown) = call(&user, "GET", &format!("/{}", endpoint.id)).await;
    assert_eq!((shown.get("secret"), &shown["userId"]), (None, &json!("user-1")));
}

#[tokio::test]
async fn a_service_registers_for_a_user_or_for_the_house() {
    let world = World::default();
    let service = world.service();
    let url = "https://hooks.example.com/";

    let for_user = json!({ "url": url, "userId": "user+1" });
    let (_, headers, _) = service.call("POST", PATH, for_user).await;
    let location = headers[header::LOCATION].to_str().expect("text").to_owned();
    let (status, house) = register(&service, json!({ "url": url })).await;

    assert_eq!(
        (status, house.get("userId"), &house["events"]),
        (StatusCode::CREATED, None, &json!([]))
    );
    assert!(location.ends_with("?userId=user%2B1"), "{location}");
    assert_eq!(service.call("GET", &location, Value::Null).await.0, StatusCode::OK);
    let owners: Vec<_> = world.api.endpoints.all().into_iter().map(|one| one.owner).collect();
    assert_eq!(owners, [None, Some("user+1".to_owned())]);
}

#[tokio::test]
async fn what_cannot_be_told_is_named() {
    let world = World::default();
    let user = world.user("user-1");
    let body = json!({
        "url": "http://hooks.example.com/s3cret",
        "events": ["Rendered.v1", "Rendered.v2", "rendered"],
    });

    let (status, problem) = register(&user, body).await;

    let errors = problem["errors"].as_array().expect("errors");
    let fields: Vec<_> = errors.iter().map(|one| one["field"].as_str().expect("a name")).collect();
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(fields, ["/url", "/events/1", "/events/2"]);
    assert!(errors[1]["detail"].as_str().expect("text").contains("\"Rendered.v2\" is none of"));
    assert!(!problem.to_string().contains("s3cret"), "the address is not told");
    assert!(world.api.endpoints.all().is_empty());
}

#[tokio::test]
async fn only_public_addresses_are_told() {
    let user = World::default().user("user-1");
    let long = format!("https://hooks.example.com/{}", "a".repeat(2048));

    for url in ["https://127.0.0.1/", "https://169.254.169.254/", "https://localhost/", "", &long] {
        let (status, _) = register(&user, json!({ "url": url })).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{url}");
    }

    let rules = Rules { allows_loopback: true, ..Rules::default() };
    let developing = World::with(|api| api.rules = rules).user("user-1");
    let (status, _) = register(&developing, json!({ "url": "http://127.0.0.1:9000/" })).await;
    assert_eq!(status, StatusCode::CREATED);
}

#[tokio::test]
async fn what_is_not_asked_for_is_refused() {
    let world = World::default();
    let url = "https://hooks.example.com/";

    let field = register(&world.user("user-1"), json!({ "url": url, "secret": "mine" })).await;
    let other = register(&world.user("user-1"), json!({ "url": url, "userId": "user-2" })).await;
    let nobody = register(&world.service(), json!({ "url": url, "userId": "-" })).await;
    let unknown = register(&world, json!({ "url": url })).await;

    assert_eq!(field.0, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(other.0, StatusCode::FORBIDDEN);
    assert_eq!(
        (nobody.0, &nobody.1["errors"][0]["field"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!("/userId"))
    );
    assert_eq!(unknown.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn an_owner_has_at_most_ten() {
    let all = (0..10).map(|n| samples::endpoint(Some("user-1"), &format!("e{n}")));
    let endpoints = all.fold(InMemoryEndpoints::default(), |all, one| all.with(&one));
    let world = World::with(|api| api.endpoints = endpoints);
    let body = json!({ "url": "https://hooks.example.com/" });

    assert_eq!(register(&world.user("user-1"), body.clone()).await.0, StatusCode::CONFLICT);
    assert_eq!(register(&world.user("user-2"), body).await.0, StatusCode::CREATED);
}

#[tokio::test]
async fn each_owner_sees_its_own() {
    let world = world();
    let ids = async |caller: &World, query: &str| {
        let (_, body) = call(caller, "GET", query).await;
        assert!(!body.to_string().contains("whsec_"));
        let endpoints = body["endpoints"].as_array().expect("endpoints").iter();
        endpoints.map(|one| one["id"].as_str().expect("an id").to_owned()).collect::<Vec<_>>()
    };

    assert_eq!(ids(&world.user("user-1"), "").await, ["mine"]);
    assert_eq!(ids(&world.service(), "").await, ["house"]);
    assert_eq!(ids(&world.service(), "?userId=user-2").await, ["theirs"]);
    assert_eq!(call(&world.user("user-1"), "GET", "?userId=user-2").await.0, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn nothing_is_done_with_a_foreign_endpoint() {
    let world = world();
    let user = world.user("user-1");
    let before = world.api.endpoints.all();

    for id in ["theirs", "house", "none"] {
        for (method, path) in [
            ("GET", format!("/{id}")),
            ("POST", format!("/{id}/rotate-secret")),
            ("POST", format!("/{id}/enable")),
            ("GET", format!("/{id}/deliveries")),
            ("POST", format!("/{id}/replay?since=2026-11-20T10:00:00Z")),
            ("POST", format!("/{id}/deliveries/0192f0c1-7e57-7abc-8def-001122334455/replay")),
        ] {
            let (status, _) = call(&user, method, &path).await;
            assert_eq!(status, StatusCode::NOT_FOUND, "{method} {path}");
        }
        // Whether there is one of somebody else is not told.
        assert_eq!(call(&user, "DELETE", &format!("/{id}")).await.0, StatusCode::NO_CONTENT);
    }

    assert_eq!(world.api.endpoints.all(), before);
}

#[tokio::test]
async fn an_endpoint_is_removed_however_often_it_is_asked() {
    let world = world();
    let user = world.user("user-1");

    for _ in 0..2 {
        assert_eq!(call(&user, "DELETE", "/mine").await, (StatusCode::NO_CONTENT, Value::Null));
    }

    assert_eq!(world.api.endpoints.all().len(), 2);
    assert_eq!(call(&world.service(), "DELETE", "/house").await.0, StatusCode::NO_CONTENT);
    assert_eq!(world.api.endpoints.all().len(), 1);
}

#[tokio::test]
async fn the_older_secret_signs_too_for_a_day_and_no_third_does() {
    let world = world();
    let user = world.user("user-1");
    let old = samples::endpoint(None, "any").secrets[0].secret.clone();

    let (status, first) = call(&user, "POST", "/mine/rotate-secret").await;
    world.clock().advance(Duration::from_mins(1));
    let (_, second) = call(&user, "POST", "/mine/rotate-secret").await;

    assert_eq!((status, &first["until"]), (StatusCode::OK, &json!("2026-11-21T10:00:00.000Z")));
    assert_ne!(key_of(&first["secret"]), key_of(&second["secret"]));
    let endpoint = world.api.endpoints.get(Some("user-1"), "mine").await.expect("read");
    let secrets = endpoint.expect("there").secrets;
    let valid: Vec<_> = secrets.iter().map(|one| (one.secret.expose(), one.until)).collect();
    let until = world.clock().now().plus(Duration::from_hours(24));
    assert_eq!(
        valid,
        [
            (second["secret"].as_str().expect("text"), None),
            (first["secret"].as_str().expect("text"), Some(until)),
        ]
    );
    assert!(secrets.iter().all(|one| one.secret != old));
}

#[tokio::test]
async fn a_disabled_endpoint_says_why_and_is_enabled_again() {
    let at = samples::AT;
    let reason = "it answered 410".to_owned();
    let disabled = Some(Disabled { at, reason, announced: true });
    let endpoint = Endpoint { disabled, ..samples::endpoint(Some("user-1"), "mine") };
    let endpoints = InMemoryEndpoints::default().with(&endpoint);
    let world = World::with(|api| api.endpoints = endpoints);
    let user = world.user("user-1");

    let (_, before) = call(&user, "GET", "/mine").await;
    let first = call(&user, "POST", "/mine/enable").await;
    let second = call(&user, "POST", "/mine/enable").await;

    assert_eq!(
        before["disabled"],
        json!({ "at": "2026-11-20T10:00:00.000Z", "reason": "it answered 410" })
    );
    assert_eq!((first.0, first.1.get("disabled")), (StatusCode::OK, None));
    assert_eq!(first, second);
    assert_eq!(only(&world).disabled, None);
}

#[tokio::test]
async fn what_can_be_no_id_is_not_looked_for() {
    let user = world().user("user-1");
    let long = "e".repeat(65);

    for id in [long.as_str(), "a%20b", "a%23b", "%C3%A9", "a.b", "%00"] {
        for (method, path) in [
            ("GET", String::new()),
            ("DELETE", String::new()),
            ("POST", "/rotate-secret".to_owned()),
            ("POST", "/enable".to_owned()),
            ("GET", "/deliveries".to_owned()),
        ] {
            let (status, problem) = call(&user, method, &format!("/{id}{path}")).await;
            assert_eq!(status, StatusCode::NOT_FOUND, "{method} {id}{path}: {problem}");
        }
    }
    let fits = "e".repeat(64);
    assert_eq!(call(&user, "DELETE", &format!("/{fits}")).await.0, StatusCode::NO_CONTENT);
}
