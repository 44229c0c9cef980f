#!/usr/bin/env bash
# A payload file changes its name and its contents when the bag's tar is read with Node.
#
# GNU tar --sparse in the POSIX format stores a file with holes under a made-up name (GNUSparseFile.PID/name) with a
# map of the holes in front of its data; the real name and size are in the extended header. tar-stream and node-tar
# read that header, and hand out the made-up name, and map and data as the file's contents, without error or
# warning. Python's tarfile gives the file as it was.
# Hurt: disk images and databases in bags, packed with -S to save space: the ingest finds one file missing, one
# unexpected, and the name differs with each packing.
# Our product: it shows the worker's note whole; "GNUSparseFile" in it means: pack again without --sparse.
# tar-stream's issue 63 asks for sparse files and was closed; neither page says what happens.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --prefix "$work" tar-stream@3.2.2 tar@7.5.23 >/dev/null

echo "Versions: tar-stream 3.2.2, tar (node-tar) 7.5.23, $(tar --version | head -1), $(python3 --version)"
echo "Guess:    bag/data/disk.img comes out as it went in, or the reader refuses it."
mkdir -p bag/data out
printf head > bag/data/disk.img
truncate -s 3M bag/data/disk.img
printf tail >> bag/data/disk.img
tar --format=posix --sparse --hole-detection=raw -cf bag.tar bag
cat > read.js <<'JS'
const { createHash } = require('crypto');
const { createReadStream } = require('fs');
const extract = require('tar-stream').extract();
extract.on('entry', (header, stream, next) => {
  const digest = createHash('sha256');
  stream.on('data', (piece) => digest.update(piece));
  stream.on('end', () => {
    if (header.type === 'file') console.log(`${digest.digest('hex')} ${header.name}`);
    next();
  });
});
createReadStream('bag.tar').pipe(extract);
require('tar').x({ file: 'bag.tar', cwd: 'out', strict: true }).catch((error) => console.log(`refused ${error.message}`));
JS
right=$(sha256sum bag/data/disk.img | cut -d' ' -f1)
streamed=$(node read.js)
unpacked=$(cd out && find . -type f)
by_python=$(python3 - <<'PY'
import hashlib
import tarfile

with tarfile.open("bag.tar") as tar:
    for member in tar:
        if member.isfile():
            print(hashlib.sha256(tar.extractfile(member).read()).hexdigest(), member.name)
PY
)
echo "Happens:  put in:     $right bag/data/disk.img"
echo "          tarfile:    $by_python"
echo "          tar-stream: $streamed"
echo "          node-tar:   $unpacked"
if [ "$by_python" != "$right bag/data/disk.img" ]; then
    echo "Changed: Python's tarfile reads the sparse file otherwise."
    exit 1
fi
case "$streamed|$unpacked" in
    "$right"*) echo "Changed: tar-stream reads the contents of a sparse file."; exit 1 ;;
    *" bag/data/GNUSparseFile."*"/disk.img|./bag/data/GNUSparseFile."*"/disk.img") ;;
    *) echo "Changed: the readers name a sparse file otherwise."; exit 1 ;;
esac
