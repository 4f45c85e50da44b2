//! Reads a JSON body, and keeps everything that is wrong with its fields.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use serde_path_to_error::{Path, Segment};
use utoipa::ToSchema;
use utoipa::openapi::schema::Object;
use utoipa::openapi::{RefOr, Schema};

use crate::{FieldProblem, Problem};

/// How many fields that there are not are named.
const MOST_UNKNOWN: usize = 50;

/// What `body` says.
///
/// # Errors
/// A [`Problem`] that names every field that is missing, unknown, or of another type: of what is wrong
/// inside one field, the first.
pub(crate) fn read<T: DeserializeOwned + ToSchema>(body: &Value) -> Result<T, Problem> {
    let Value::Object(fields) = body else {
        let detail = "the body should be a JSON object".to_owned();
        let whole = FieldProblem { field: String::new(), detail: detail.clone() };
        return Err(Problem { detail, ..Problem::invalid(vec![whole]) });
    };
    // Looked at more closely only if it cannot be read.
    serde_path_to_error::deserialize(body).map_err(|error| {
        let mut problems = wrong::<T>(fields);
        if problems.is_empty() {
            problems.push(problem(&error));
        }
        Problem::invalid(problems)
    })
}

fn wrong<T: DeserializeOwned + ToSchema>(fields: &Map<String, Value>) -> Vec<FieldProblem> {
    // By name: whether a map of JSON keeps its order is up to what else is built.
    let fields: BTreeMap<_, _> = fields.iter().collect();
    // The document is made of the same type: it says which fields there are.
    let Some(known) = described::<T>() else { return Vec::new() };
    let absent = known.required.iter().filter(|name| !fields.contains_key(*name));
    let missing = absent.map(|name| refused(&pointer_to(name), "it is missing"));
    let is_known = |name: &str| known.properties.contains_key(name);
    let unknown = fields.keys().filter(|name| !is_known(name)).take(MOST_UNKNOWN);
    let unknown = unknown.map(|name| refused(&pointer_to(name), "there is no such field"));
    let mistyped = fields.iter().filter(|(name, _)| is_known(name)).filter_map(|(name, value)| {
        // Alone: what is missing beside it is a problem of the whole, which has no path.
        let alone = Value::Object(Map::from_iter([((*name).clone(), (*value).clone())]));
        let error = serde_path_to_error::deserialize::<_, T>(&alone).err()?;
        (error.path().iter().len() > 0).then(|| problem(&error))
    });
    missing.chain(mistyped).chain(unknown).collect()
}

fn described<T: ToSchema>() -> Option<Object> {
    match T::schema() {
        RefOr::T(Schema::Object(object)) => Some(object),
        _ => None,
    }
}

fn problem(error: &serde_path_to_error::Error<serde_json::Error>) -> FieldProblem {
    refused(&pointer(error.path()), &error.inner().to_string())
}

fn refused(field: &str, detail: &str) -> FieldProblem {
    FieldProblem { field: field.to_owned(), detail: detail.to_owned() }
}

/// Source: RFC 6901, "JavaScript Object Notation (JSON) Pointer", section 3.
fn pointer(path: &Path) -> String {
    let steps = path.iter().map(|segment| match segment {
        Segment::Seq { index } => pointer_to(&index.to_string()),
        Segment::Map { key } => pointer_to(key),
        // The name of a variant is a value here, not a field.
        Segment::Enum { .. } | Segment::Unknown => String::new(),
    });
    steps.collect()
}

fn pointer_to(name: &str) -> String {
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Deserialize, ToSchema)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    #[expect(dead_code, reason = "it is read only")]
    struct Order {
        whose_it: String,
        count: u32,
        rest: Option<Vec<Rest>>,
    }

    #[derive(Debug, Deserialize, ToSchema)]
    #[serde(rename_all = "camelCase")]
    #[expect(dead_code, reason = "it is read only")]
    struct Rest {
        number: u32,
    }

    fn wrong_with(body: &Value) -> Vec<String> {
        let problem = read::<Order>(body).expect_err("it is wrong");
        assert_eq!(problem.status, 422);
        problem.errors.into_iter().map(|error| error.field).collect()
    }

    #[test]
    fn every_field_that_is_wrong_is_named_at_once() {
        assert_eq!(wrong_with(&json!({})), ["/whoseIt", "/count"]);
        assert_eq!(wrong_with(&json!({ "count": "3", "whoseIt": null })), ["/count", "/whoseIt"]);
        let all = json!({ "count": -1, "b/~": 0, "a": 0, "rest": [{ "number": 1 }, {}] });
        assert_eq!(wrong_with(&all), ["/whoseIt", "/count", "/rest/1", "/a", "/b~1~0"]);
        let inside = json!({ "count": 1, "whoseIt": "", "rest": [{ "number": true }] });
        assert_eq!(wrong_with(&inside), ["/rest/0/number"]);
    }

    #[test]
    fn what_is_no_object_is_no_body() {
        for body in [json!([]), json!(["me", 1]), json!("me"), json!(null)] {
            assert_eq!(wrong_with(&body), [""]);
        }
    }

    #[test]
    fn not_every_unknown_field_is_named() {
        let many = (0..1_000).map(|n| (n.to_string(), json!(0)));

        assert_eq!(wrong_with(&Value::Object(many.collect())).len(), 2 + MOST_UNKNOWN);
    }
}
