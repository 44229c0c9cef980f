#!/usr/bin/env bash
# Every record that is not HTTP fails the check of payloads, although its digest is right.
#
# `fastwarc check --verify-payloads` knows a payload of HTTP records only. A resource record (a file that was put
# into the archive as it is) has a payload digest too: warcio writes one by itself. FastWARC reports that record as
# damaged and exits 1; warcio's check passes, and so does FastWARC without the option.
# Hurt: archives with screenshots, PDFs or other files in resource records look damaged, one line a file.
# Our product: the worker's note is shown as it came; it proves no damage until a second tool says the same.
# The option's help does not say so. Whether such records should have the field is argued in warcio's issue 93.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq --disable-pip-version-check warcio==1.8.1 fastwarc==2.0.1

echo "Versions: FastWARC 2.0.1, warcio 1.8.1"
echo "Guess:    what warcio writes, with digests of its own, both accept."
venv/bin/python - <<'PY'
import io

from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

headers = StatusAndHeaders("200 OK", [("Content-Type", "text/plain")], protocol="HTTP/1.1")
for kind, extra in (("response", {"http_headers": headers}), ("resource", {"warc_content_type": "text/plain"})):
    with open(f"{kind}.warc", "wb") as file:
        writer = WARCWriter(file, gzip=False)
        writer.write_record(writer.create_warc_record(
            "http://example.org/", kind, payload=io.BytesIO(b"hello"), **extra))
PY
seen=""
for kind in response resource; do
    for check in "warcio check" "fastwarc check --quiet" "fastwarc check --quiet --verify-payloads"; do
        if venv/bin/$check "$kind.warc" >/dev/null 2>&1; then verdict=passes; else verdict=fails; fi
        seen="$seen$kind, $check: $verdict; "
    done
done
echo "Happens:  ${seen%; }" | sed 's/; /\n          /g'
if ! grep -q WARC-Payload-Digest resource.warc; then
    echo "Changed: warcio writes no payload digest for a resource."
    exit 1
fi
wanted="resource, warcio check: passes; resource, fastwarc check --quiet: passes; resource, fastwarc check --quiet --verify-payloads: fails; "
if [ "${seen#*"response, fastwarc check --quiet --verify-payloads: passes; "}" != "$wanted" ]; then
    echo "Changed: payload digests of resources are judged otherwise."
    exit 1
fi
