#!/usr/bin/env bash
# A web archive that was cut off in the middle of a page passes the check.
#
# `warcio check` compares a record's digests when the record has been read to its end. Of a WARC whose last record
# breaks off, that end never comes: the digest counts as unchecked, nothing is printed, the exit code is 0.
# FastWARC's check fails on the same file. Packed as .warc.gz and cut off, both pass.
# Hurt: uploads that broke off; a check that runs after the transfer says nothing is wrong.
# Our product: it shows the size that was received; a worker should not take this check for completeness.
# Not on the project's page; its pull requests on the check mention truncated files, not that they pass.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq --disable-pip-version-check warcio==1.8.1 fastwarc==2.0.1

echo "Versions: warcio 1.8.1, FastWARC 2.0.1"
echo "Guess:    a WARC whose last record is cut off fails the check, packed or not."
venv/bin/python - <<'PY'
import io

from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

for name, packed in (("whole.warc", False), ("whole.warc.gz", True)):
    with open(name, "wb") as file:
        writer = WARCWriter(file, gzip=packed)
        for number in range(2):
            headers = StatusAndHeaders("200 OK", [("Content-Type", "text/plain")], protocol="HTTP/1.1")
            text = "".join(f"line {line} of page {number}\n" for line in range(5000))
            writer.write_record(writer.create_warc_record(
                f"http://example.org/{number}", "response", payload=io.BytesIO(text.encode()), http_headers=headers))
PY
for suffix in warc warc.gz; do
    size=$(stat -c %s "whole.$suffix")
    head -c $((size * 3 / 4)) "whole.$suffix" > "cut.$suffix"
done
result() { if "$@" >output.txt 2>&1; then echo passes; else echo fails; fi; }
plain="$(result venv/bin/warcio check cut.warc), $(wc -c < output.txt) bytes printed"
packed=$(result venv/bin/warcio check cut.warc.gz)
other=$(result venv/bin/fastwarc check --quiet cut.warc)
echo "Happens:  warcio, cut.warc: $plain; warcio, cut.warc.gz: $packed; FastWARC, cut.warc: $other"
if [ "$plain|$packed|$other" != "passes, 0 bytes printed|passes|fails" ]; then
    echo "Changed: the checks judge a file that was cut off otherwise."
    exit 1
fi
