#!/usr/bin/env bash
# Reading a METS file and writing it again cuts its logical structure off from its files.
#
# metsrw gives every file whose ID does not begin with "file-" a new ID and changes the physical structure with
# it, but copies other structure maps as they are: their pointers name IDs that are no longer there. Size, MIME
# type and date of each file are dropped on the way, too.
# Hurt: digitized books and newspapers, whose pages are ordered by the logical map: the order points nowhere.
# Our product: it reads and writes no METS; should it ever, it adds to a document instead of writing it anew.
# Not in the project's pages; no issue found (November 2026).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq --disable-pip-version-check metsrw==0.7.0

echo "Versions: metsrw 0.7.0"
echo "Guess:    an unchanged document keeps its IDs, or all pointers follow them; size and type stay."
venv/bin/python - <<'PY'
import sys

import metsrw

METS = b"""<mets:mets xmlns:mets="http://www.loc.gov/METS/" xmlns:xlink="http://www.w3.org/1999/xlink">
<mets:fileSec><mets:fileGrp USE="original">
<mets:file ID="IMG_1" SIZE="123" MIMETYPE="image/tiff" CREATED="2026-01-01T00:00:00">
<mets:FLocat LOCTYPE="URL" xlink:href="objects/1.tif"/></mets:file></mets:fileGrp></mets:fileSec>
<mets:structMap TYPE="physical"><mets:div TYPE="Item"><mets:fptr FILEID="IMG_1"/></mets:div></mets:structMap>
<mets:structMap TYPE="logical"><mets:div TYPE="Page" ORDER="1"><mets:fptr FILEID="IMG_1"/></mets:div></mets:structMap>
</mets:mets>"""
tree = metsrw.METSDocument.fromstring(METS).serialize()
files = tree.findall(".//{*}file")
known = {file.get("ID") for file in files}
pointers = [pointer.get("FILEID") for pointer in tree.findall(".//{*}fptr")]
dangling = [pointer for pointer in pointers if pointer not in known]
lost = [name for name in ("SIZE", "MIMETYPE", "CREATED") if files[0].get(name) is None]
print(f"Happens:  files {sorted(known)}, pointers {pointers}, pointing nowhere {dangling}, attributes lost {lost}")
if dangling != ["IMG_1"] or lost != ["SIZE", "MIMETYPE", "CREATED"]:
    sys.exit("Changed: metsrw keeps the pointers of other structure maps, or the attributes, in order.")
PY
