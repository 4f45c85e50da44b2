//! What the answer of a function says about its batch.

use std::collections::HashSet;

use serde_json::Value;

/// Which records of a batch are done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// All but those with these message ids.
    AllBut(HashSet<String>),
    /// None: the answer cannot be trusted.
    None,
}

/// Reads `batchItemFailures` as Lambda does: nothing there means success, nonsense means failure.
pub(super) fn verdict(answer: &Value, batch: &HashSet<&str>) -> Verdict {
    let failures = match answer.get("batchItemFailures") {
        None | Some(Value::Null) => return Verdict::AllBut(HashSet::new()),
        Some(Value::Array(failures)) => failures,
        Some(_) => return Verdict::None,
    };
    let failed = failures.iter().map(|failure| {
        let id = failure.get("itemIdentifier")?.as_str()?;
        batch.contains(id).then(|| id.to_owned())
    });
    failed.collect::<Option<_>>().map_or(Verdict::None, Verdict::AllBut)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(answer: &Value) -> Verdict {
        verdict(answer, &HashSet::from(["a", "b"]))
    }

    #[test]
    fn an_answer_that_names_nothing_is_success() {
        let answers = [
            json!(null),
            json!({}),
            json!({ "batchItemFailures": null }),
            json!({ "batchItemFailures": [] }),
        ];
        for answer in answers {
            assert_eq!(read(&answer), Verdict::AllBut(HashSet::new()), "{answer}");
        }
    }

    #[test]
    fn named_records_have_failed() {
        let answer = json!({ "batchItemFailures": [{ "itemIdentifier": "b" }] });
        assert_eq!(read(&answer), Verdict::AllBut(HashSet::from(["b".to_owned()])));
    }

    #[test]
    fn a_bad_identifier_fails_the_whole_batch() {
        for id in [json!(null), json!(""), json!(7), json!("not of this batch")] {
            let answer = json!({ "batchItemFailures": [{ "itemIdentifier": id }] });
            assert_eq!(read(&answer), Verdict::None, "{answer}");
        }
        let answer = json!({ "batchItemFailures": [{ "messageId": "a" }] });
        assert_eq!(read(&answer), Verdict::None);
    }
}
