#!/usr/bin/env bash
# "Only these tag files" does not hold in folders whose names begin with "data".
#
# To skip the payload, bagit-profile leaves out every folder that matches data*: tag files in database/, datasheets/
# or data-dictionary/ are never compared with Tag-Files-Allowed. The same file in documents/ is refused.
# Hurt: an archive that relies on its profile takes in tag files it excluded; they are not payload either, so nothing
# else looks at them.
# Our product: it repeats the worker's verdict; a worker should list the tag files itself.
# Not in the specification or the validator's front page; no issue found (November 2026).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq --disable-pip-version-check bagit==1.9.0 bagit-profile==1.3.1

echo "Versions: bagit-profile 1.3.1, bagit 1.9.0"
echo "Guess:    a profile that allows no tag files of one's own refuses notes.txt in either folder."
venv/bin/python - <<'PY'
import logging
import pathlib
import sys

import bagit
import bagit_profile

logging.disable(logging.CRITICAL)
URL = "https://example.org/profile.json"


def accepted(folder):
    """Whether the profile accepts a bag with notes.txt in a tag folder of this name."""
    bag = pathlib.Path(f"bag-with-{folder}")
    bag.mkdir()
    (bag / "one.txt").write_text("one")
    bagit.make_bag(str(bag), {"BagIt-Profile-Identifier": URL}, checksums=["sha256"])
    (bag / folder).mkdir()
    (bag / folder / "notes.txt").write_text("notes")
    profile = bagit_profile.Profile(URL, profile={
        "BagIt-Profile-Info": {
            "BagIt-Profile-Identifier": URL, "BagIt-Profile-Version": "1.3.0",
            "Source-Organization": "Example", "Version": "1",
        },
        "Bag-Info": {},
        "Manifests-Required": ["sha256"],
        "Tag-Files-Allowed": ["bag-info.txt"],
        "Accept-BagIt-Version": ["0.97"],
    })
    return profile.validate(bagit.Bag(str(bag)))


seen = {folder: accepted(folder) for folder in ("documents", "database")}
print("Happens:  accepted with", seen)
if seen != {"documents": False, "database": True}:
    sys.exit("Changed: Tag-Files-Allowed treats both folders alike.")
PY
