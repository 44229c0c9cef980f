#!/usr/bin/env bash
# A long organization name is refused by the profile that lists it: three tools, three readings of one line.
#
# bagit-utils breaks long bag-info values at a space and begins the next line with a tab, as BagIt advises; the tab
# is no part of the value. It reads the break back as a space; bagit keeps the tab, and with a third line a newline
# too. So bagit-profile, which reads by bagit, says that the value is not among the allowed ones, and bagit's own
# `save` writes the value with the tab inside for good.
# Hurt: deposits of members with long names; metadata that changes although nobody edited it.
# Our product: an institution is known by its domain, never by a value of bag-info; that should stay so.
# Not in the front pages of the three; no issue found (November 2026).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq --disable-pip-version-check bagit==1.9.0 bagit-utils==1.2.5 bagit-profile==1.3.1

echo "Versions: bagit-utils 1.2.5, bagit 1.9.0, bagit-profile 1.3.1"
echo "Guess:    what one writes, the other reads: the value is the same, and the profile is satisfied."
venv/bin/python - <<'PY'
import logging
import pathlib
import sys

import bagit
import bagit_profile
import bagit_utils

logging.disable(logging.CRITICAL)
LONG = "Example University Libraries, Department of Special Collections and Archives, " \
       "Division of Audiovisual Preservation and Digitization, Main Campus"
URL = "https://example.org/profile.json"
source = pathlib.Path("source")
(source / "data").mkdir(parents=True)
(source / "data" / "one.txt").write_text("one")
info = {"Source-Organization": [LONG], "BagIt-Profile-Identifier": [URL]}
bagit_utils.Bag.build_from(source, pathlib.Path("bag"), info)

same_by_bagit_utils = bagit_utils.Bag(pathlib.Path("bag"), load=True).baginfo["Source-Organization"] == [LONG]
bag = bagit.Bag("bag")
read_by_bagit = bag.info["Source-Organization"]
profile = bagit_profile.Profile(URL, profile={
    "BagIt-Profile-Info": {"BagIt-Profile-Identifier": URL, "Source-Organization": "Example", "Version": "1"},
    "Bag-Info": {"Source-Organization": {"required": True, "values": [LONG]}},
    "Manifests-Required": ["sha512"],
    "Accept-BagIt-Version": ["1.0"],
})
accepted = profile.validate(bag)
print(f"Happens:  bagit-utils reads what it wrote: {same_by_bagit_utils}; bagit reads it with "
      f"{read_by_bagit.count(chr(9))} tab(s) and {read_by_bagit.count(chr(10))} newline(s); profile satisfied: {accepted}")
bag.save()
saved = (pathlib.Path("bag") / "bag-info.txt").read_text()
print(f"          after bagit's save the tab is part of the line: {chr(9) in saved and chr(10) + chr(9) not in saved}")
if not same_by_bagit_utils or "\t" not in read_by_bagit or accepted:
    sys.exit("Changed: the tools agree on folded values.")
PY
