#!/usr/bin/env bash
# A BagIt 1.0 bag is valid although its stronger manifest leaves files out.
#
# BagIt 1.0 wants every payload file in every payload manifest. bagit puts all manifests into one table and asks
# only that a file stands in some of them: a bag whose sha512 manifest lists one of two files is valid, the other
# file is compared by MD5 alone. bagit-utils refuses the same bag.
# Hurt: an archive that asks for sha512 and sees the manifest and "valid" has files that no sha512 covers.
# Our product: it repeats the worker's verdict; "valid" is not taken to mean that every digest is there.
# bagit's front page does not say so; its pull request 120 quotes the rule.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq --disable-pip-version-check bagit==1.9.0 bagit-utils==1.2.5

echo "Versions: bagit 1.9.0, bagit-utils 1.2.5"
echo "Guess:    both refuse the bag: data/two.txt is not in manifest-sha512.txt."
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
for name in ("one.txt", "two.txt"):
    (bag / "data" / name).write_text(name)


def manifest(kind, algorithm, names):
    lines = [f"{hashlib.new(algorithm, (bag / name).read_bytes()).hexdigest()}  {name}\n" for name in names]
    (bag / f"{kind}-{algorithm}.txt").write_text("".join(lines))


manifest("manifest", "md5", ["data/one.txt", "data/two.txt"])
manifest("manifest", "sha512", ["data/one.txt"])
tags = ["bagit.txt", "bag-info.txt", "manifest-md5.txt", "manifest-sha512.txt"]
manifest("tagmanifest", "sha512", tags)

by_bagit = bagit.Bag("bag").is_valid()
by_bagit_utils = bagit_utils.Bag(bag).validate()
print(f"Happens:  bagit: {'valid' if by_bagit else 'invalid'}; bagit-utils: "
      f"{'valid' if by_bagit_utils.valid else 'invalid'}, {len(by_bagit_utils.issues)} issue(s)")
if not by_bagit or by_bagit_utils.valid:
    sys.exit("Changed: the two validators agree on a manifest that leaves a file out.")
PY
