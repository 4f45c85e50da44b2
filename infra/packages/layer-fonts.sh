#!/usr/bin/env bash
# layer-fonts.sh ZIP: the layer with fonts for letters that film's own lack, in fonts/, which is /opt/fonts on Lambda. One
# sans family for each script, regular and bold, from Debian's packages fonts-noto-core and fonts-noto-cjk. Wants zip.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
zip=$1
core=/usr/share/fonts/truetype/noto
cjk=/usr/share/fonts/opentype/noto

stop() { echo "layer-fonts: $*" >&2; exit 1; }
for font in "$core/NotoSansArabic-Regular.ttf" "$cjk/NotoSansCJK-Regular.ttc"; do
  [ -f "$font" ] || stop "$font is missing: install fonts-noto-core and fonts-noto-cjk"
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/fonts" "$work/licences/fonts"

# Sign writing alone has 5 MB; Display is another cut of Latin; Tifinagh's others are regional forms of the same letters.
for font in "$core"/NotoSans*-{Regular,Bold}.ttf "$core"/NotoSerifTibetan-{Regular,Bold}.ttf; do
  case "$font" in
    */NotoSansSignWriting-* | */NotoSansDisplay-* | */NotoSansTifinagh[A-Z]* | */*Unjoined-*) ;;
    *) cp "$font" "$work/fonts/" ;;
  esac
done
cp "$cjk"/NotoSansCJK-{Regular,Bold}.ttc "$work/fonts/"

for package in fonts-noto-core fonts-noto-cjk; do
  cp "/usr/share/doc/$package/copyright" "$work/licences/fonts/$package.txt" ||
    stop "the licence of $package is missing: install the package of Debian"
done
bash "$here/archive.sh" "$work" "$zip"
