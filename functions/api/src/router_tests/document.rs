//! The document says what the router does, and what is committed says what the document does.

use super::*;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::{document, router};

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

fn described() -> BTreeMap<String, BTreeSet<String>> {
    let document = serde_json::to_value(document()).expect("JSON");
    let paths = document["paths"].as_object().expect("paths");
    let methods = |of: &Value| {
        let has = |method: &&str| of.get(*method).is_some();
        METHODS.into_iter().filter(has).map(str::to_uppercase).collect()
    };
    paths.iter().map(|(path, of)| (path.clone(), methods(of))).collect()
}

/// The paths of the router, as its `Debug` tells them: there is no other way to ask.
fn routed(router: &Router) -> BTreeSet<String> {
    let told = format!("{router:?}");
    let (own, _) = told.split_once("fallback_router:").expect("it tells what else there is");
    let (_, paths) = own.split_once("paths: {").expect("it tells its paths");
    paths.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

#[tokio::test]
async fn every_route_is_described_and_everything_described_is_a_route() {
    let router = router(World::default().api, open_door());
    let described = described();

    let paths: BTreeSet<_> = described.keys().cloned().collect();
    assert_eq!(routed(&router), paths);
    for (path, methods) in described {
        let concrete = path.replace(['{', '}'], "x");
        let request = request("TRACE", &concrete, &[("host", "localhost")], &Value::Null);
        let (status, headers, _) = answer(router.clone(), request).await;

        assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
        let allowed = header(&headers, "allow").split(',').filter(|method| *method != "HEAD");
        assert_eq!(allowed.map(str::to_owned).collect::<BTreeSet<_>>(), methods, "{path}");
    }
}

#[test]
fn every_operation_says_what_it_needs_and_what_can_go_wrong() {
    let document = serde_json::to_value(document()).expect("JSON");
    let tags: BTreeSet<_> = document["tags"]
        .as_array()
        .expect("tags")
        .iter()
        .map(|tag| &tag["name"])
        .map(Value::to_string)
        .collect();
    let mut ids = BTreeSet::new();

    for (path, of) in document["paths"].as_object().expect("paths") {
        for (method, call) in of.as_object().expect("methods") {
            let id = call["operationId"].as_str().expect("an id");
            assert!(ids.insert(id.to_owned()), "{id} is said twice");
            assert!(!call["summary"].as_str().unwrap_or_default().is_empty(), "{id}");
            let known = call["tags"].as_array().expect("tags");
            assert!(known.iter().all(|tag| tags.contains(&tag.to_string())), "{id}: {known:?}");
            let wanted: &[&str] = if path.starts_with("/api/") {
                &["401", "429", "500", "503"]
            } else {
                &["429", "500"]
            };
            for status in wanted {
                assert!(call["responses"].get(status).is_some(), "{method} {path}: {status}");
            }
            if call.get("requestBody").is_some() {
                for status in ["400", "413", "415", "422"] {
                    assert!(call["responses"].get(status).is_some(), "{id}: {status}");
                }
            }
            let looks_at_one = path.contains('{') && method == "get";
            assert!(!looks_at_one || call["responses"].get("404").is_some(), "{id}: 404");
        }
    }
}

#[test]
fn every_reference_leads_somewhere() {
    let document = serde_json::to_value(document()).expect("JSON");
    let text = document.to_string();

    for reference in text.split(r##""$ref":"#"##).skip(1) {
        let pointer = reference.split('"').next().expect("quoted");
        assert!(document.pointer(pointer).is_some(), "{pointer}");
    }
}

#[test]
fn what_is_committed_is_what_is_served() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../schemas/openapi.json");
    let document = serde_json::to_value(document()).expect("JSON");
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        std::fs::write(&path, format!("{document:#}\n")).expect("write");
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    let committed: Value = serde_json::from_str(&committed).unwrap_or_default();

    assert!(committed == document, "schemas/openapi.json is out of date: run `just schemas`");
}

#[tokio::test]
async fn the_document_and_its_page_are_open_to_everybody() {
    let router = router(World::default().api, door());

    let (status, headers, served) = ask("GET", "/openapi.json").of(&router).await;
    assert_eq!((status.as_u16(), header(&headers, "content-type")), (200, "application/json"));
    assert_eq!(served, serde_json::to_value(document()).expect("JSON"));
    let (status, headers, _) = ask("GET", "/docs").of(&router).await;
    assert_eq!(status, StatusCode::OK);
    assert!(header(&headers, "content-type").starts_with("text/html"));
}
