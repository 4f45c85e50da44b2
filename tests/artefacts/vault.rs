//! AWS Secrets Manager, as far as programs ask it: the embedded cloud has none.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};
use stillmotion::home::{ACCOUNT, REGION};
use stillmotion::topology::Function;

/// What the ids of secrets begin with, in the stage that programs believe to be in.
const STAGE: &str = "stillmotion/dev/";

/// The secrets of a stage: some without a value, and none at first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Vault {
    /// By name; what they hold, as it is stored.
    held: Arc<Mutex<BTreeMap<String, Option<String>>>>,
}

impl Vault {
    /// With a secret that holds these settings.
    pub(crate) fn with(secret: &str, settings: &[(&str, &str)]) -> Self {
        let vault = Self::default();
        vault.put(secret, settings);
        vault
    }

    /// With a secret that has no value yet.
    pub(crate) fn without_value(secret: &str) -> Self {
        Self { held: Arc::new(Mutex::new([(secret.to_owned(), None)].into())) }
    }

    /// Has a secret hold these settings and no others.
    pub(crate) fn put(&self, secret: &str, settings: &[(&str, &str)]) {
        let setting = |(name, value): &(&str, &str)| ((*name).to_owned(), Value::from(*value));
        let text = Value::from(settings.iter().map(setting).collect::<Map<_, _>>()).to_string();
        self.held.lock().expect("not poisoned").insert(secret.to_owned(), Some(text));
    }

    /// Removes a secret.
    pub(crate) fn remove(&self, secret: &str) {
        self.held.lock().expect("not poisoned").remove(secret);
    }

    /// The answer to a request.
    ///
    /// Source: AWS Secrets Manager API reference, "`GetSecretValue`" and "`DescribeSecret`".
    pub(crate) fn answer(&self, operation: &str, body: &[u8]) -> Response {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let id = body["SecretId"].as_str().unwrap_or_default();
        let about = json!({
            "ARN": format!("arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{id}-AbCdEf"),
            "Name": id,
        });
        let held = self.held.lock().expect("not poisoned").get(name(id)).cloned();
        match (operation, held) {
            (_, None) => not_found("the specified secret"),
            ("DescribeSecret", Some(_)) => json_1_1(StatusCode::OK, &about),
            ("GetSecretValue", Some(None)) => {
                not_found("the specified secret value for staging label: AWSCURRENT")
            }
            ("GetSecretValue", Some(Some(text))) => {
                let mut answer = about;
                answer["SecretString"] = text.into();
                answer["VersionStages"] = json!(["AWSCURRENT"]);
                json_1_1(StatusCode::OK, &answer)
            }
            _ => json_1_1(
                StatusCode::BAD_REQUEST,
                &json!({ "__type": "UnknownOperationException", "Message": operation }),
            ),
        }
    }
}

fn not_found(what: &str) -> Response {
    let message = format!("Secrets Manager can't find {what}.");
    let error = json!({ "__type": "ResourceNotFoundException", "Message": message });
    json_1_1(StatusCode::BAD_REQUEST, &error)
}

fn json_1_1(status: StatusCode, body: &Value) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/x-amz-json-1.1")];
    (status, headers, body.to_string()).into_response()
}

/// The id of a secret of the stage.
pub(crate) fn id(secret: &str) -> String {
    format!("{STAGE}{secret}")
}

/// A secret as the topology names it; all of the id if it is none of the stage.
pub(crate) fn name(id: &str) -> &str {
    id.strip_prefix(STAGE).unwrap_or(id)
}

/// `SECRETS` of a function.
pub(crate) fn ids(function: &Function) -> String {
    function.secrets.iter().map(|secret| id(secret)).collect::<Vec<_>>().join(",")
}
