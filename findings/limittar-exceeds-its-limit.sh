#!/usr/bin/env bash
# A tool that limits the size of tar files makes them up to twice as big.
#
# limittar fits files into a tar of at most so many bytes. A tar stores each file in whole blocks of 512 bytes;
# limittar rounds the last block down instead of up, so every file whose size is no multiple of 512 counts up to 511
# bytes too little, and a file below 512 bytes counts as nothing but its header.
# Hurt: whoever splits a collection of many small files to the limit of a tape, a disk or an upload (5 GiB for one
# request to S3): the tar does not fit, and the transfer fails at its end.
# Our product: it shows the size that was received; parts of a split bag (bNNN.ofNNN) are not assumed to be equal.
# The package's page promises the limit; no issue found (November 2026).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq --disable-pip-version-check limittar==1.0.4

echo "Versions: limittar 1.0.4"
echo "Guess:    of 200 files of 1 byte, so many are taken that the tar stays within 150,000 bytes."
mkdir files
for number in $(seq 200); do printf x > "files/$number"; done
find files -type f | sort > list
venv/bin/limittar -i list -o out.tar -s 150000 -l left-over >output.txt 2>&1
size=$(stat -c %s out.tar)
echo "Happens:  $(tar -tf out.tar | wc -l) files in a tar of $size bytes; limittar says: $(tr '\n' ' ' < output.txt)"
if [ "$size" -le 150000 ]; then
    echo "Changed: the tar stays within its limit."
    exit 1
fi
