//! Events as AWS has sent them, pointed at what there is in the embedded cloud: see `events/README.md`.

use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use events::Event;
use md5::{Digest as _, Md5};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use stillmotion::home::{ACCOUNT, REGION};
use stillmotion::topology::physical;

/// Who wrote a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum From {
    /// AWS SAM CLI.
    Sam,
    /// The crate `aws_lambda_events`.
    Crate,
}

/// The sample of this name, its slots `{{{name}}}` filled.
fn sample(path: &str, slots: &[(&str, &str)]) -> Value {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("artefacts/events").join(path);
    let mut text = std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{path}: {error}"));
    for (slot, value) in
        [("partition", "aws"), ("region", REGION), ("account_id", ACCOUNT)].iter().chain(slots)
    {
        // Slots are within the quotes of a text.
        let value = Value::from(*value).to_string();
        text = text.replace(&format!("{{{{{{{slot}}}}}}}"), &value[1..value.len() - 1]);
    }
    assert!(!text.contains("{{{"), "{path} has a slot that nobody fills: {text}");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What S3 writes like this in keys that it tells; a space is a plus.
const IN_KEYS: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'*').remove(b' ');

/// A key as S3 tells it.
pub(crate) fn told_key(key: &str) -> String {
    utf8_percent_encode(key, IN_KEYS).to_string().replace(' ', "+")
}

/// An object, as it is told.
#[derive(Clone, Debug)]
pub(crate) struct Told<'a> {
    pub(crate) bucket: &'a str,
    /// As it is written in the event: encoded.
    pub(crate) key: &'a str,
    pub(crate) etag: &'a str,
    pub(crate) size_bytes: u64,
}

/// The body of a message in which S3 tells of an object.
pub(crate) fn object_created(from: From, told: &Told<'_>) -> String {
    let mut event = match from {
        From::Sam => sample("sam/S3Put.json", &[("bucket", told.bucket), ("key", told.key)]),
        From::Crate => sample("aws_lambda_events/example-s3-event.json", &[]),
    };
    let record = &mut event["Records"][0];
    record["s3"]["bucket"]["name"] = told.bucket.into();
    record["s3"]["bucket"]["arn"] = format!("arn:aws:s3:::{}", told.bucket).into();
    let object = &mut record["s3"]["object"];
    object["key"] = told.key.into();
    object["eTag"] = told.etag.into();
    object["size"] = told.size_bytes.into();
    event.to_string()
}

/// What S3 sends when notifications are set up.
///
/// Source: Amazon S3 User Guide, "Event message structure".
pub(crate) fn test_event(bucket: &str) -> String {
    json!({
        "Service": "Amazon S3",
        "Event": "s3:TestEvent",
        "Time": "2014-10-13T15:57:02.089Z",
        "Bucket": bucket,
        "RequestId": "5582815E1AEA5ADF",
        "HostId": "8cLeGAmw098X5cv4Zkwcmo8vvZa3eH3eKxsPzbB9wrR+YstdA6Knx4Ip8EXAMPLE",
    })
    .to_string()
}

/// The body of a message that a rule of the bus has put in a queue.
pub(crate) fn on_the_bus(event: &Event) -> String {
    let mut message = sample("aws_lambda_events/example-eventbridge-event-obj.json", &[]);
    message["id"] = event.id.to_string().into();
    message["source"] = event.source.clone().into();
    message["detail-type"] = event.detail_type.clone().into();
    message["account"] = ACCOUNT.into();
    message["resources"] = json!([]);
    message["detail"] = serde_json::from_str(&event.detail).expect("details are JSON");
    message.to_string()
}

/// One message of a batch.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) id: String,
    pub(crate) body: String,
    /// How often it was received, with this time.
    pub(crate) received: u32,
    pub(crate) receipt: String,
}

impl Message {
    /// Received once, under a handle that no queue knows.
    pub(crate) fn new(id: &str, body: impl Into<String>) -> Self {
        let (id, receipt) = (id.to_owned(), format!("receipt-of-{id}"));
        Self { id, body: body.into(), received: 1, receipt }
    }

    /// The same after so many deliveries.
    pub(crate) fn received(self, received: u32) -> Self {
        Self { received, ..self }
    }
}

/// A batch out of a queue: the first message as SAM CLI has it, the next as the crate has it, and so on.
pub(crate) fn batch(queue: &str, messages: &[Message]) -> Value {
    let samples = [From::Sam, From::Crate].into_iter().cycle();
    let records = messages.iter().zip(samples).map(|(message, from)| record(queue, message, from));
    json!({ "Records": records.collect::<Vec<_>>() })
}

fn record(queue: &str, message: &Message, from: From) -> Value {
    let md5 = format!("{:x}", Md5::digest(&message.body));
    let name = physical(queue);
    let mut event = match from {
        From::Sam => {
            let slots =
                [("queue_name", name.as_str()), ("body", &message.body), ("md5_of_body", &md5)];
            sample("sam/Sqs.json", &slots)
        }
        From::Crate => sample("aws_lambda_events/example-sqs-event.json", &[]),
    };
    let mut record = event["Records"][0].take();
    record["messageId"] = message.id.clone().into();
    record["receiptHandle"] = message.receipt.clone().into();
    record["body"] = message.body.clone().into();
    record["md5OfBody"] = md5.into();
    record["eventSourceARN"] = format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{name}").into();
    record["awsRegion"] = REGION.into();
    record["attributes"]["ApproximateReceiveCount"] = message.received.to_string().into();
    record
}

/// The clock strikes.
pub(crate) fn scheduled(from: From) -> Value {
    match from {
        From::Sam => sample("sam/ScheduledEvent.json", &[("rule", "stillmotion-sweep")]),
        From::Crate => sample("aws_lambda_events/example-eventbridge-schedule.json", &[]),
    }
}

/// A call through an HTTP API.
#[derive(Clone, Debug)]
pub(crate) struct Call<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) query: &'a str,
    pub(crate) headers: Vec<(&'a str, String)>,
    pub(crate) body: Vec<u8>,
}

impl<'a> Call<'a> {
    /// With nothing but method and path.
    pub(crate) fn new(method: &'a str, path: &'a str) -> Self {
        Self { method, path, query: "", headers: Vec::new(), body: Vec::new() }
    }
}

/// The event for a call; bodies are base64 in it, or text.
pub(crate) fn http(from: From, call: &Call<'_>) -> Value {
    let path = call.path.trim_start_matches('/');
    let mut event = match from {
        From::Sam => {
            let body = BASE64_STANDARD.encode(&call.body);
            let slots = [
                ("path", path),
                ("method", call.method),
                ("stage", "$default"),
                ("dns_suffix", "us-east-1.amazonaws.com"),
                ("body", body.as_str()),
            ];
            sample("sam/HttpApi.json", &slots)
        }
        From::Crate => {
            let mut event =
                sample("aws_lambda_events/example-apigw-v2-request-no-authorizer.json", &[]);
            event["rawPath"] = call.path.into();
            event["requestContext"]["http"]["path"] = call.path.into();
            event["requestContext"]["http"]["method"] = call.method.into();
            event["body"] = String::from_utf8(call.body.clone()).expect("text").into();
            event
        }
    };
    event["rawQueryString"] = call.query.into();
    for name in ["queryStringParameters", "pathParameters", "stageVariables"] {
        if let Some(event) = event.as_object_mut() {
            event.remove(name);
        }
    }
    event["requestContext"]["http"]["sourceIp"] = "203.0.113.7".into();
    for (name, value) in &call.headers {
        event["headers"][*name] = value.clone().into();
    }
    event
}
