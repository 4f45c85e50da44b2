"""What the generated requests are changed to before they are sent: see properties.rs.

The document cannot tell which things there are, so that by itself nearly every request would be one for
something that is not there, or be refused for a value that nobody can guess.
"""

import itertools
import json
import os

import schemathesis
from schemathesis.generation.modes import GenerationMode

# Identities of what is there, by the folder in the path.
THERE = json.loads(os.environ["THERE"])
NOWHERE = "00000000-0000-4000-8000-000000000000"
KEYS = itertools.count()
# Nobody listens there.
NOBODY = "http://127.0.0.1:9/a.jpg"
# Values that are taken.
TAKEN = {
    "jobId": THERE["jobs"],
    "purpose": "photo",
    "fileName": "a.jpg",
    "contentType": "image/jpeg",
    "sizeBytes": 1000,
    "sha256": "A" * 43 + "=",
    "imageUrl": NOBODY,
    "options": {},
    "events": ["Rendered.v1"],
    "parts": [{"number": 1, "sha256": "A" * 43 + "="}],
}
# What has to be what an earlier answer said, or one of a few words.
EARLIER = ["userId", "cursor", "state", "ticket"]


@schemathesis.hook
def before_call(context, case, kwargs):
    meta = case.meta
    if meta is not None and meta.generation.mode == GenerationMode.POSITIVE:
        make_sense(context.operation.path.split("/"), case)
    path_parameters = case.path_parameters or {}
    # What is there stays there.
    if case.method == "DELETE":
        for name, value in path_parameters.items():
            path_parameters[name] = NOWHERE if value in THERE.values() else value
    query = case.query or {}
    # Nobody is waited for.
    if str(query.get("wait", "")).isdigit():
        query["wait"] = "0"
    # Nobody outside this machine is asked for anything.
    if isinstance(case.body, dict):
        for name, value in case.body.items():
            if isinstance(value, str) and value.strip().lower().startswith("http"):
                case.body[name] = NOBODY


def make_sense(path, case):
    for place, name in enumerate(path):
        if name.startswith("{"):
            case.path_parameters[name.strip("{}")] = THERE[path[place - 1]]
    for name in EARLIER:
        (case.query or {}).pop(name, None)
    if path[-1] == "replay":
        case.query.pop("after", None)
    for name, value in (("idempotency-key", str(next(KEYS))), ("last-event-id", "1")):
        if case.headers and name in case.headers:
            case.headers[name] = value
    if isinstance(case.body, dict):
        case.body.update({name: value for name, value in TAKEN.items() if name in case.body})
        for name in ("url", "logoUrl", "musicUrl"):
            if isinstance(case.body.get(name), str):
                case.body[name] = NOBODY
