#!/usr/bin/env bash
# layer-ffmpeg.sh x86_64|arm64 ZIP: the layer with ffmpeg and ffprobe, in bin/, which is /opt/bin on Lambda and on its PATH.
# Static builds of John Van Sickle, as PyPI and npm carry them, each known by its SHA-256. Wants python3 with pip, npm, zip.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
arch=$1
zip=$2
ffmpeg_wheel=0.7.0
ffprobe_package=5.2.0
case "$arch" in
  x86_64)
    platform=manylinux2014_x86_64 npm=linux-x64
    ffmpeg_sha256=e7e7fb30477f717e6f55f9180a70386c62677ef8a4d4d1a5d948f4098aa3eb99
    ffprobe_sha256=576c21674291ec1948d507ea8ab0d78eb6621a0be8c6f1a6db0f50c5fcb1e0f9
    ;;
  arm64)
    platform=manylinux2014_aarch64 npm=linux-arm64
    ffmpeg_sha256=6bb182d0d75d23028db82e9e4f723ca69b853d055698486e6984ddb2c06fb8ce
    ffprobe_sha256=9b63a1715f87c0c476dacf237a4adcb0bf26de29854b137dae4e79f69a98b624
    ;;
  *) echo "layer-ffmpeg: $arch is not x86_64 or arm64" >&2; exit 1 ;;
esac

stop() { echo "layer-ffmpeg: $*" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
layer="$work/layer"
mkdir -p "$layer/bin" "$layer/licences/ffmpeg"

python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: \
  --platform "$platform" --dest "$work" "imageio-ffmpeg==$ffmpeg_wheel" ||
  stop "could not fetch imageio-ffmpeg $ffmpeg_wheel from PyPI"
python3 -m zipfile -e "$work"/imageio_ffmpeg-*.whl "$work/wheel"
mv "$work"/wheel/imageio_ffmpeg/binaries/ffmpeg-linux-* "$layer/bin/ffmpeg"

(cd "$work" && npm pack --silent "@ffprobe-installer/$npm@$ffprobe_package" >/dev/null) ||
  stop "could not fetch @ffprobe-installer/$npm $ffprobe_package from npm"
tar -xzf "$work"/ffprobe-installer-*.tgz -C "$work"
mv "$work/package/ffprobe" "$layer/bin/ffprobe"

printf '%s  %s\n' "$ffmpeg_sha256" "$layer/bin/ffmpeg" "$ffprobe_sha256" "$layer/bin/ffprobe" |
  sha256sum --check --status || stop "what was fetched is not the ffmpeg and ffprobe that were reviewed"
chmod 755 "$layer"/bin/*

cp "$here/licences/GPL-3.txt" "$here/licences/ffmpeg.md" "$layer/licences/ffmpeg/"
bash "$here/archive.sh" "$layer" "$zip"
