#!/usr/bin/env bash
# archive.sh FOLDER ZIP: zips what is in a folder so that the same content makes the same bytes: names in order, one time,
# rights of two kinds, nothing of whose machine it was.
set -euo pipefail

folder=$1
zip=$(realpath -m "$2")

cd "$folder"
find . -type f -perm -u+x -exec chmod 755 {} +
find . -type f ! -perm -u+x -exec chmod 644 {} +
find . -type f -exec env TZ=UTC touch -t 198001010000 {} +
rm -f "$zip"
find . -type f -printf '%P\n' | LC_ALL=C sort | TZ=UTC zip --quiet -X -9 "$zip" -@
