#!/usr/bin/env bash
# The full validation accepts what the fast one refuses.
#
# bdbag checks the Payload-Oxum (bytes and number of files) in the fast validation only. A bag that says
# "7 files, 999 bytes" and has 2 files is valid in full, invalid if fast; bagit, on which bdbag is built, refuses it
# both ways.
# Hurt: a depositor who validates in full with bdbag gets the bag refused by an ingest that runs bagit.
# Our product: the failure's note is shown as it came; a Payload-Oxum failure names no file.
# A comment in the code says it is meant; the project's pages and the help do not. No issue found (November 2026).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export HOME="$work"
python3 -m venv venv
venv/bin/pip install -qq --disable-pip-version-check bdbag==1.8.0 bagit==1.9.0

echo "Versions: bdbag 1.8.0, bagit 1.9.0"
echo "Guess:    what fails fast fails in full."
venv/bin/python - <<'PY'
import logging
import pathlib
import sys

import bagit
from bdbag import bdbag_api

logging.disable(logging.CRITICAL)
bag = pathlib.Path("bag")
bag.mkdir()
(bag / "one.txt").write_text("1")
(bag / "two.txt").write_text("2")
bagit.make_bag("bag", checksums=["sha256"])
info = bag / "bag-info.txt"
info.write_text(info.read_text().replace("Payload-Oxum: 2.2", "Payload-Oxum: 999.7"))
(bag / "tagmanifest-sha256.txt").unlink()


def verdict(validate, **options):
    try:
        validate(**options)
    except bagit.BagError:
        return "invalid"
    return "valid"


seen = {
    "bdbag full": verdict(bdbag_api.validate_bag, bag_path="bag", fast=False),
    "bdbag fast": verdict(bdbag_api.validate_bag, bag_path="bag", fast=True),
    "bagit full": verdict(bagit.Bag("bag").validate),
    "bagit fast": verdict(bagit.Bag("bag").validate, fast=True),
}
print("Happens: ", seen)
if list(seen.values()) != ["valid", "invalid", "invalid", "invalid"]:
    sys.exit("Changed: the two validations of bdbag agree on the Payload-Oxum.")
PY
