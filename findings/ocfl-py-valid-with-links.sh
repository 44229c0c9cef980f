#!/usr/bin/env bash
# An OCFL object that is nothing but links into a shared pool is valid.
#
# OCFL forbids hard and symbolic links within a storage hierarchy (E090). ocfl-py follows a link in a content
# folder, digests what it points at and says VALID, without a warning; it knows no check for E090.
# Hurt: storage that was deduplicated by links passes every audit, and the object that is then copied, packed
# or uploaded by a tool that keeps links has no content.
# Our product: it repeats the worker's verdict; a worker should look for links before it asks for validation.
# The project's page does not say so; no issue of the project found (November 2026).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq --disable-pip-version-check ocfl-py==2.1.0

echo "Versions: ocfl-py 2.1.0"
echo "Guess:    the validator refuses the object with E090."
mkdir source pool
echo "a scan" > source/scan.tif
venv/bin/ocfl-object.py create --quiet --srcdir source --objdir object --id https://example.org/1 \
    --message "first" --name "A. Person" --address https://example.org/person --created 2026-01-01T00:00:00Z 2>/dev/null
mv object/v1/content/scan.tif pool/scan.tif
ln -s ../../../pool/scan.tif object/v1/content/scan.tif
verdict=$(venv/bin/ocfl-validate.py object 2>&1) || true
echo "Happens:  $verdict"
if [ "$verdict" != "OCFL v1.1 Object at object is VALID" ]; then
    echo "Changed: the validator no longer accepts a link in place of content."
    exit 1
fi
