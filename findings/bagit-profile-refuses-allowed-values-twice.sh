#!/usr/bin/env bash
# Two allowed values are not allowed: a repeatable tag with a list of values may occur once only.
#
# bagit gives a repeated tag as a list. bagit-profile looks whether that list, as one thing, is among the profile's
# values, which it never is. "repeatable": true does not help. bagit-utils accepts the same bag by the same profile.
# Hurt: depositors whose bags follow the profile to the letter; the message names the tag as having no allowed value.
# Our product: the failure's note is shown as it came; list brackets in it mean that the tag was repeated.
# Not in the specification or the validator's front page; no issue found (November 2026).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq --disable-pip-version-check bagit==1.9.0 bagit-utils==1.2.5 bagit-profile==1.3.1

echo "Versions: bagit-profile 1.3.1, bagit-utils 1.2.5, bagit 1.9.0"
echo "Guess:    Language: eng and Language: spa, both in the list, satisfy the profile."
venv/bin/python - <<'PY'
import logging
import pathlib
import sys

import bagit
import bagit_profile
import bagit_utils

logging.disable(logging.CRITICAL)
URL = "https://example.org/profile.json"
PROFILE = {
    "BagIt-Profile-Info": {"BagIt-Profile-Identifier": URL, "Source-Organization": "Example", "Version": "1"},
    "Bag-Info": {"Language": {"required": True, "repeatable": True, "values": ["eng", "spa"]}},
    "Manifests-Required": ["sha512"],
    "Accept-BagIt-Version": ["1.0"],
}
seen = {}
for languages in (["eng"], ["eng", "spa"]):
    name = "-".join(languages)
    source = pathlib.Path(f"source-{name}")
    (source / "data").mkdir(parents=True)
    (source / "data" / "one.txt").write_text("one")
    bag = pathlib.Path(f"bag-{name}")
    bagit_utils.Bag.build_from(source, bag, {"Language": languages, "BagIt-Profile-Identifier": [URL]})
    by_bagit_utils = bagit_utils.BagValidator.validate_once(bagit_utils.Bag(bag), profile=PROFILE).valid
    by_bagit_profile = bagit_profile.Profile(URL, profile=dict(PROFILE)).validate(bagit.Bag(str(bag)))
    seen[name] = (by_bagit_profile, by_bagit_utils)
print("Happens:  satisfied by (bagit-profile, bagit-utils):", seen)
if seen != {"eng": (True, True), "eng-spa": (False, True)}:
    sys.exit("Changed: a repeated tag with allowed values is judged otherwise.")
PY
