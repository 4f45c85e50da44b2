//! What judges are known to do otherwise than AWS does, and the embedded cloud does not.
//!
//! No promise of ours depends on any of it. A difference that is gone fails the suite, so that the
//! list stays true.

use std::time::Duration;

use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use aws_sdk_sqs::types::ChangeMessageVisibilityBatchRequestEntry;
use stillmotion::home::{ACCOUNT, REGION};
use stillmotion::topology::{BUS, physical};

use super::Judge;
use crate::ministack::{Clients, Keys};

/// Something that AWS does otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Difference {
    AnybodyMayList,
    AnySecretWillDo,
    AnySecretOfRootWillDo,
    BatchesAreActionsOfTheirOwn,
    AbandonedReceivesTakeMessages,
    EventDetailsNeedNotBeJson,
    PartsMayBeSmall,
    UnsignedHeadersAreTaken,
    DeadLettersCannotBeMovedBack,
}

struct Known {
    difference: Difference,
    judges: &'static [Judge],
    reason: &'static str,
}

const BOTH: &[Judge] = &[Judge::Ministack, Judge::MinistackWithAuth];

const KNOWN: [Known; 9] = [
    Known {
        difference: Difference::AnybodyMayList,
        judges: &[Judge::Ministack],
        reason: "without AUTH=true ministack lets everybody in, as its README says; \
                 AWS and the embedded cloud answer 403",
    },
    Known {
        difference: Difference::AnySecretWillDo,
        judges: &[Judge::Ministack],
        reason: "without AUTH=true ministack checks no signature in a header",
    },
    Known {
        difference: Difference::AnySecretOfRootWillDo,
        judges: BOTH,
        reason: "ministack never checks a signature of its root key in a header, only those of \
                 users; hence the suite runs as a user where AUTH=true",
    },
    Known {
        difference: Difference::BatchesAreActionsOfTheirOwn,
        judges: &[Judge::MinistackWithAuth],
        reason: "ministack wants sqs:DeleteMessageBatch to be allowed, which IAM does not know; on \
                 AWS sqs:DeleteMessage is enough. Its user is allowed both here, not on AWS",
    },
    Known {
        difference: Difference::AbandonedReceivesTakeMessages,
        judges: BOTH,
        reason: "in ministack a receive whose client is gone waits on, and what it takes is hidden \
                 from everybody until the visibility time-out; so nothing is received again \
                 where pollers were stopped",
    },
    Known {
        difference: Difference::EventDetailsNeedNotBeJson,
        judges: BOTH,
        reason: "ministack takes any text as the detail of an event; AWS answers MalformedDetail. \
                 Ours are JSON by construction",
    },
    Known {
        difference: Difference::PartsMayBeSmall,
        judges: BOTH,
        reason: "ministack joins parts below 5 MiB; AWS answers EntityTooSmall. \
                 We upload in one piece",
    },
    Known {
        difference: Difference::UnsignedHeadersAreTaken,
        judges: BOTH,
        reason: "ministack heeds headers that a request signed in advance brings beside the signed \
                 ones; AWS answers AccessDenied. Hence it is not asked how uploads are bound",
    },
    Known {
        difference: Difference::DeadLettersCannotBeMovedBack,
        judges: BOTH,
        reason: "ministack has no StartMessageMoveTask; people call it, no function does",
    },
];

/// Asserts that `judge` differs from AWS as it is known to, and in nothing else that is looked at.
pub(super) async fn are_still_there(judge: Judge, endpoint: &str, keys: &Keys, root: &Keys) {
    for Known { difference, judges, reason } in KNOWN {
        let seen = is_there(difference, endpoint, keys, root).await;
        println!("{judge:?}: {difference:?}: {seen}");
        assert_eq!(seen, judges.contains(&judge), "{judge:?}: {difference:?}: {reason}");
    }
}

async fn is_there(difference: Difference, endpoint: &str, keys: &Keys, root: &Keys) -> bool {
    let clients = Clients::at(endpoint, root);
    match difference {
        Difference::AnybodyMayList => anybody_may_list(endpoint).await,
        Difference::AnySecretWillDo => any_secret_will_do(endpoint, keys).await,
        Difference::AnySecretOfRootWillDo => any_secret_will_do(endpoint, root).await,
        Difference::BatchesAreActionsOfTheirOwn => !may_hide_a_batch(endpoint, keys).await,
        Difference::AbandonedReceivesTakeMessages => {
            an_abandoned_receive_takes(&clients, endpoint).await
        }
        Difference::EventDetailsNeedNotBeJson => takes_details_that_are_not_json(&clients).await,
        Difference::PartsMayBeSmall => joins_small_parts(&clients).await,
        Difference::UnsignedHeadersAreTaken => takes_headers_that_were_not_signed(&clients).await,
        Difference::DeadLettersCannotBeMovedBack => !moves_dead_letters_back(&clients).await,
    }
}

async fn anybody_may_list(endpoint: &str) -> bool {
    let url = format!("{endpoint}/{}?list-type=2", physical("media"));
    reqwest::get(url).await.expect("an answer").status().is_success()
}

async fn any_secret_will_do(endpoint: &str, keys: &Keys) -> bool {
    let clients = Clients::at(endpoint, &Keys::new(&keys.access, "another"));
    clients.s3.list_objects_v2().bucket(physical("media")).send().await.is_ok()
}

/// Whether who may hide a message may hide a batch of them. It is none that anybody received, so
/// that every answer but a refusal is the same.
async fn may_hide_a_batch(endpoint: &str, keys: &Keys) -> bool {
    let clients = Clients::at(endpoint, keys);
    let entry = ChangeMessageVisibilityBatchRequestEntry::builder()
        .id("1")
        .receipt_handle("of nothing")
        .visibility_timeout(1);
    let url = format!("{endpoint}/{ACCOUNT}/{}", physical("ltx"));
    let request = clients.sqs.change_message_visibility_batch().queue_url(url);
    request.entries(entry.build().expect("an id and a handle")).send().await.is_ok()
}

async fn an_abandoned_receive_takes(clients: &Clients, endpoint: &str) -> bool {
    let url = format!("{endpoint}/{ACCOUNT}/{}", physical("render-dead"));
    let receive = || clients.sqs.receive_message().queue_url(&url);
    let abandoned = receive().wait_time_seconds(10).send();
    tokio::time::timeout(Duration::from_secs(1), abandoned).await.expect_err("it waits");

    clients.sqs.send_message().queue_url(&url).message_body("judged").send().await.expect("sent");
    tokio::time::sleep(Duration::from_secs(1)).await;
    let received = receive().wait_time_seconds(3).send().await.expect("received");
    received.messages().is_empty()
}

async fn takes_details_that_are_not_json(clients: &Clients) -> bool {
    let entry = PutEventsRequestEntry::builder()
        .event_bus_name(BUS)
        .source("judges")
        .detail_type("Judged.v1")
        .detail("not JSON");
    let answer = clients.events.put_events().entries(entry.build()).send().await;
    answer.expect("an answer").failed_entry_count() == 0
}

async fn takes_headers_that_were_not_signed(clients: &Clients) -> bool {
    let expires = PresigningConfig::expires_in(Duration::from_mins(1)).expect("a time");
    let put = clients.s3.put_object().bucket(physical("media")).key("conformance/unsigned header");
    let signed = put.presigned(expires).await.expect("signed");
    let request = reqwest::Client::new().put(signed.uri()).header("x-amz-meta-title", "Villa");
    request.body("photo").send().await.expect("an answer").status().is_success()
}

async fn joins_small_parts(clients: &Clients) -> bool {
    let (bucket, key) = (physical("media"), "conformance/small parts");
    let made = clients.s3.create_multipart_upload().bucket(&bucket).key(key).send().await;
    let upload = made.expect("an upload").upload_id.expect("an id");
    let mut parts = Vec::new();
    for number in 1..=2 {
        let part = clients.s3.upload_part().bucket(&bucket).key(key).upload_id(&upload);
        let part = part.part_number(number).body(b"small".to_vec().into()).send().await;
        let etag = part.expect("a part").e_tag.expect("an ETag");
        parts.push(CompletedPart::builder().part_number(number).e_tag(etag).build());
    }
    let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
    let request = clients.s3.complete_multipart_upload().bucket(&bucket).key(key);
    request.upload_id(upload).multipart_upload(parts).send().await.is_ok()
}

async fn moves_dead_letters_back(clients: &Clients) -> bool {
    let dead_letters = format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{}", physical("ltx-dead"));
    clients.sqs.start_message_move_task().source_arn(dead_letters).send().await.is_ok()
}
