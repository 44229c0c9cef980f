#!/usr/bin/env bash
# A folder's checksum "with paths" stays the same when two files swap their contents.
#
# checksumdir hashes contents, and by include_paths the names too. It sorts all these digests, names and contents
# mixed, before it hashes them together, so which content belongs to which name is lost: swapping the contents of
# two files, or of all, changes nothing. Names are joined without separator: a/bc and ab/c are one.
# Hurt: whoever uses it as a fixity value: pages of a book in the wrong order have the right checksum.
# Our product: it computes no fixity; a worker's fixity check should compare name by name, not one value a folder.
# The page says that names are ignored by default, and nothing about the option; its pull request 17 says that a
# renamed file changes the value.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq --disable-pip-version-check checksumdir==1.3.0

echo "Versions: checksumdir 1.3.0"
echo "Guess:    with paths included, swapping the contents of two files changes the value."
mkdir book
value() { (cd book && "$work/venv/bin/python" -c "import checksumdir; print(checksumdir.dirhash('.', 'sha256', include_paths=True))"); }
echo "first page" > book/1.txt
echo "second page" > book/2.txt
before=$(value)
mv book/1.txt book/swap && mv book/2.txt book/1.txt && mv book/swap book/2.txt
after=$(value)
mv book/2.txt book/3.txt
renamed=$(value)
echo "Happens:  before the swap $before"
echo "          after it        $after"
echo "          one renamed     $renamed"
if [ "$before" != "$after" ] || [ "$after" = "$renamed" ]; then
    echo "Changed: the value tells which content belongs to which name."
    exit 1
fi
