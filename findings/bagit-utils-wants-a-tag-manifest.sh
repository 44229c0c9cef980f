#!/usr/bin/env bash
# A bag without the optional tag manifest is invalid, file by file.
#
# A tag manifest is optional in BagIt 1.0. bagit-utils takes every tag file that no tag manifest lists for an
# error, so a bag without one gets an error each for bagit.txt, bag-info.txt and the manifest itself; bagit and
# bdbag call the same bag valid. With a single file in a tag folder that the tag manifest leaves out it is the same.
# Hurt: deposits of tools that write no tag manifest are refused, with words that sound like damage.
# Our product: the note is shown as it came; "not covered by manifests" need not be damage.
# The package's page lists what it does not support, and this is not among it; no issue found (November 2026).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq --disable-pip-version-check bagit==1.9.0 bagit-utils==1.2.5

echo "Versions: bagit 1.9.0, bagit-utils 1.2.5"
echo "Guess:    both call the bag valid."
venv/bin/python - <<'PY'
import hashlib
import logging
import pathlib
import sys

import bagit
import bagit_utils

logging.disable(logging.CRITICAL)
bag = pathlib.Path("bag")
(bag / "data").mkdir(parents=True)
(bag / "bagit.txt").write_text("BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n")
(bag / "bag-info.txt").write_text("Contact-Name: A. Person\n")
(bag / "data" / "one.txt").write_text("one")
(bag / "manifest-sha512.txt").write_text(f"{hashlib.sha512(b'one').hexdigest()}  data/one.txt\n")

by_bagit = bagit.Bag("bag").is_valid()
report = bagit_utils.Bag(bag).validate()
print(f"Happens:  bagit: {'valid' if by_bagit else 'invalid'}; bagit-utils: {'valid' if report.valid else 'invalid'}")
for line in sorted(issue.message for issue in report.issues):
    print(f"          {line}")
if not by_bagit or report.valid or len(report.issues) != 3:
    sys.exit("Changed: a bag without a tag manifest is treated otherwise.")
PY
