#!/usr/bin/env bash
# Reading a METS file and writing it again renames files that have a space or a plus in their names.
#
# metsrw encodes links as a web form does, not as a URI: a file "a b.tif" that stood as a%20b.tif is written as
# a+b.tif, which every other reader of METS takes for a file with a plus. The other way round, a link to a file
# that really has a plus is read as a space.
# Hurt: a METS that passes through metsrw points at files that do not exist, or at another one.
# Our product: names of bags are kept as they came; should it ever read METS, links are URIs and a plus is a plus.
# Encoding links at all came with archivematica/Issues 187 and 206; neither mentions the plus.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq --disable-pip-version-check metsrw==0.7.0

echo "Versions: metsrw 0.7.0"
echo "Guess:    a%20b.tif stays a%20b.tif (or an equal URI), and a+b.tif is a file with a plus."
venv/bin/python - <<'PY'
import sys
from urllib.parse import unquote

import metsrw

METS = """<mets:mets xmlns:mets="http://www.loc.gov/METS/" xmlns:xlink="http://www.w3.org/1999/xlink">
<mets:fileSec><mets:fileGrp USE="original"><mets:file ID="file-1">
<mets:FLocat LOCTYPE="URL" xlink:href="objects/{}"/></mets:file></mets:fileGrp></mets:fileSec>
<mets:structMap TYPE="physical"><mets:div TYPE="Item"><mets:fptr FILEID="file-1"/></mets:div></mets:structMap>
</mets:mets>"""
HREF = "{http://www.w3.org/1999/xlink}href"


def round_trip(name):
    """The path metsrw reads for a link, and the link it writes."""
    document = metsrw.METSDocument.fromstring(METS.format(name).encode())
    path = next(entry.path for entry in document.all_files() if entry.path)
    return path, document.serialize().find(".//{*}FLocat").get(HREF)


written = round_trip("a%20b.tif")[1]
read = round_trip("a+b.tif")[0]
print(f"Happens:  the file 'objects/a b.tif' is written as {written}, a URI of {unquote(written)!r};")
print(f"          the link objects/a+b.tif is read as {read!r}")
if (written, read) != ("objects/a+b.tif", "objects/a b.tif"):
    sys.exit("Changed: metsrw treats plus and space in links as other readers do.")
PY
