#!/usr/bin/env bash
# Every JSON file is a tweet.
#
# fido drops, among the formats that share a file name's ending, those over which another has priority. It does so
# even if none of them matched by contents: JSON (fmt/817) goes, and Tweet JSON (fmt/1311), which should need two
# keys of a tweet in the file, is the one answer, with "OK". Siegfried says fmt/817.
# Hurt: preservation plans and statistics by PRONOM id; two tools of one pipeline disagree on every JSON file.
# Our product: it stores and shows no formats; Format Identification is a stage whose work others do.
# Reported as openpreserve/fido issue 230, open in November 2026; the project's page does not mention it.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export HOME="$work"
python3 -m venv venv
venv/bin/pip install -qq --disable-pip-version-check opf-fido==1.6.1 pygfried==2.2.0

echo "Versions: opf-fido 1.6.1 (formats-v109), pygfried 2.2.0 (Siegfried)"
echo "Guess:    both say fmt/817, JSON Data Interchange Format, by the name's ending."
echo '{"title": "A bag", "files": 3}' > bag.json
by_fido=$(venv/bin/fido -q bag.json | cut -d, -f1,3,4,9)
by_siegfried=$(venv/bin/python -c "import pygfried; print(pygfried.identify('bag.json'))")
echo "Happens:  fido: $by_fido; Siegfried: $by_siegfried"
if [ "$by_fido" != 'OK,fmt/1311,"Tweet JSON","extension"' ] || [ "$by_siegfried" != fmt/817 ]; then
    echo "Changed: the two name another format."
    exit 1
fi
