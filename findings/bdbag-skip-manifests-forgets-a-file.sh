#!/usr/bin/env bash
# An update "of metadata only" makes a bag with a missing file valid by forgetting the file.
#
# `bdbag --update --skip-manifests` (also called --metadata-only) promises to leave the payload manifests as they
# are. If a payload file is missing, the manifests are written anew all the same: the file's line is gone, the
# Payload-Oxum is lowered to match, and the bag that was invalid is valid. A warning is logged, exit code 0.
# Hurt: whoever adds a contact to a damaged bag destroys the only evidence of what was lost.
# Our product: it keeps each upload's etag and earlier notes; a bag that fails first and passes later under
# another etag is shown as another upload of the same name.
# The option's help says the opposite; no issue found (November 2026).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export HOME="$work"
python3 -m venv venv
venv/bin/pip install -qq --disable-pip-version-check bdbag==1.8.0 bagit==1.9.0

echo "Versions: bdbag 1.8.0, bagit 1.9.0"
echo "Guess:    the manifests stay as they were, and the bag stays invalid until the file is back."
mkdir bag
echo one > bag/one.txt
echo two > bag/two.txt
venv/bin/bdbag bag --quiet >/dev/null 2>&1
rm bag/data/one.txt
if venv/bin/bdbag bag --validate full --quiet >/dev/null 2>&1; then
    echo "Changed: a bag with a missing file is valid."
    exit 1
fi
before=$(wc -l < bag/manifest-sha256.txt)
venv/bin/bdbag bag --update --skip-manifests --contact-name "A. Person" --quiet >/dev/null 2>&1
after=$(wc -l < bag/manifest-sha256.txt)
verdict=invalid
if venv/bin/bdbag bag --validate full --quiet >/dev/null 2>&1; then verdict=valid; fi
echo "Happens:  lines of the manifest: $before before, $after after the update; the bag is $verdict"
if [ "$before $after $verdict" != "2 1 valid" ]; then
    echo "Changed: an update without manifests no longer forgets a missing file."
    exit 1
fi
