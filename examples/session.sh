#!/bin/sh
# A photo becomes a video, with curl:
#   examples/session.sh http://127.0.0.1:4701 samples/villa.jpg
# Takes the words on it from TITLE, and who is calling from TOKEN: elsewhere than on your own machine nobody
# is let in without one. Prints the id of the job; the video is video.mp4.
set -eu
api=$1 photo=$2

ask() { curl --silent --show-error --fail-with-body "$@"; }
call() { ask ${TOKEN:+--header "authorization: Bearer $TOKEN"} "$@"; }
json() { python3 -c "import json, sys; it = json.load(sys.stdin); print($1)"; }

# Announce the photo, and what is to become of it.
sha256=$(openssl dgst -sha256 -binary "$photo" | base64)
intent=$(call --header 'content-type: application/json' --data @- "$api/api/media/upload-intent" <<JSON
{ "fileName": "$(basename "$photo")", "contentType": "image/jpeg", "sizeBytes": $(wc -c <"$photo"),
  "sha256": "$sha256", "title": "${TITLE:-Villa}", "options": { "duration": 2, "resolution": "640x360" } }
JSON
)
job=$(echo "$intent" | json 'it["jobId"]')
echo "$job"

# Upload it, with exactly these headers. The job goes on by itself.
echo "$intent" | json '"\n".join(n + ": " + v for n, v in it["upload"]["headers"].items())' |
  ask --header @- --upload-file "$photo" "$(echo "$intent" | json 'it["upload"]["url"]')"

# Wait: an answer comes as soon as there is news.
seq=0 ended=False
until [ "$ended" = True ]; do
  news=$(call "$api/api/jobs/$job/events?after=$seq&wait=20")
  echo "$news" | json '"\n".join(event["type"] for event in it["events"])' >&2
  seq=$(echo "$news" | json 'it["seq"]') ended=$(echo "$news" | json 'it["ended"]')
done

# Download it.
ask --output video.mp4 "$(call "$api/api/jobs/$job" | json 'it["media"]["video"]["url"]')"
