"""The calls of an ordinary AWS client that shares no code with ours: botocore.

Run by tests/chain/judges.rs against the embedded cloud, with the Python of ministack's venv:

    botocore_client.py ENDPOINT ACCESS_KEY SECRET_KEY

Ends with status 0 if every answer is as AWS would give it.
"""

import json
import sys
import urllib.request

import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError

REGION = "us-east-1"
ACCOUNT = "000000000000"
BUCKET = "stillmotion-media"
KEY = "clients/São João a+b.txt"
CONTENT = b"written by botocore"


def client(service, endpoint, access_key, secret_key):
    session = botocore.session.Session()
    return session.create_client(
        service,
        region_name=REGION,
        endpoint_url=endpoint,
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
        config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
    )


def refusal(call, **arguments):
    """The code with which a call is refused."""
    try:
        call(**arguments)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return None


def equal(what, seen, expected):
    assert seen == expected, f"{what}: {seen!r}, not {expected!r}"
    print(f"{what}: as expected")


def objects(s3):
    put = s3.put_object(
        Bucket=BUCKET, Key=KEY, Body=CONTENT, ContentType="text/plain", Metadata={"title": "a b"}
    )
    got = s3.get_object(Bucket=BUCKET, Key=KEY)
    equal("content", got["Body"].read(), CONTENT)
    equal("etag", got["ETag"], put["ETag"])
    equal("type", got["ContentType"], "text/plain")
    equal("metadata", got["Metadata"], {"title": "a b"})
    part = s3.get_object(Bucket=BUCKET, Key=KEY, Range="bytes=11-")
    equal("range", part["Body"].read(), b"botocore")
    listed = s3.list_objects_v2(Bucket=BUCKET, Prefix="clients/")
    equal("listing", [found["Key"] for found in listed["Contents"]], [KEY])
    equal("missing", refusal(s3.get_object, Bucket=BUCKET, Key="clients/none"), "NoSuchKey")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": BUCKET, "Key": KEY})
    equal("presigned", urllib.request.urlopen(url).read(), CONTENT)
    s3.delete_object(Bucket=BUCKET, Key=KEY)
    equal("deleted", s3.list_objects_v2(Bucket=BUCKET, Prefix="clients/")["KeyCount"], 0)


def messages(sqs):
    queue = sqs.get_queue_url(QueueName="stillmotion-ltx")["QueueUrl"]
    body = "São João <&> \" \\ 🏝"
    sent = sqs.send_message(QueueUrl=queue, MessageBody=body)
    [message] = receive(sqs, queue)
    equal("body", message["Body"], body)
    equal("message id", message["MessageId"], sent["MessageId"])
    equal("receive count", message["Attributes"]["ApproximateReceiveCount"], "1")
    again = {"QueueUrl": queue, "ReceiptHandle": message["ReceiptHandle"]}
    sqs.change_message_visibility(VisibilityTimeout=0, **again)
    [message] = receive(sqs, queue)
    equal("receive count later", message["Attributes"]["ApproximateReceiveCount"], "2")
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    equal("queue", receive(sqs, queue, wait=0), [])


def receive(sqs, queue, wait=10):
    answer = sqs.receive_message(
        QueueUrl=queue, WaitTimeSeconds=wait, MessageSystemAttributeNames=["All"]
    )
    return answer.get("Messages", [])


def rows(dynamo):
    table = "stillmotion-ledger"
    for attempt in ["2", "10", "1"]:
        item = {"job": {"S": "botocore"}, "attempt": {"N": attempt}, "note": {"S": "é"}}
        dynamo.put_item(TableName=table, Item=item)
    found = dynamo.query(
        TableName=table,
        KeyConditionExpression="#job = :job",
        ExpressionAttributeNames={"#job": "job"},
        ExpressionAttributeValues={":job": {"S": "botocore"}},
        ConsistentRead=True,
    )
    equal("rows", [item["attempt"]["N"] for item in found["Items"]], ["1", "2", "10"])
    code = refusal(
        dynamo.put_item,
        TableName=table,
        Item={"job": {"S": "botocore"}, "attempt": {"N": "1"}},
        ConditionExpression="attribute_not_exists(job)",
    )
    equal("condition", code, "ConditionalCheckFailedException")


def facts(events, sqs):
    detail = {"jobId": "j", "title": "São João"}
    entry = {
        "EventBusName": "stillmotion",
        "Source": "stillmotion.botocore",
        "DetailType": "JobCreated.v1",
        "Detail": json.dumps(detail),
    }
    answer = events.put_events(Entries=[entry, {**entry, "DetailType": "Other.v1"}])
    equal("refused entries", answer["FailedEntryCount"], 0)
    queue = sqs.get_queue_url(QueueName="stillmotion-notify")["QueueUrl"]
    [message] = receive(sqs, queue)
    event = json.loads(message["Body"])
    equal("detail type", event["detail-type"], "JobCreated.v1")
    equal("source", event["source"], "stillmotion.botocore")
    equal("detail", event["detail"], detail)
    equal("account and region", (event["account"], event["region"]), (ACCOUNT, REGION))
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    equal("other events", receive(sqs, queue, wait=0), [])


def strangers(endpoint, access_key):
    s3 = client("s3", endpoint, access_key, "wrong")
    code = refusal(s3.list_objects_v2, Bucket=BUCKET)
    equal("wrong secret", code, "SignatureDoesNotMatch")


def main(endpoint, access_key, secret_key):
    s3, sqs, dynamo, events = (
        client(service, endpoint, access_key, secret_key)
        for service in ["s3", "sqs", "dynamodb", "events"]
    )
    objects(s3)
    messages(sqs)
    rows(dynamo)
    facts(events, sqs)
    strangers(endpoint, access_key)


if __name__ == "__main__":
    main(*sys.argv[1:])
