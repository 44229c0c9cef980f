#!/usr/bin/env bash
# The etag of a file depends on how the file was read.
#
# etag-hash computes S3's etag of a multipart upload, with the interface of a hash. A hash gives one answer however
# its input is cut; this one cuts at most one part off per call. 20 MiB given at once, as its page shows, end in -2.
# Given in small pieces they end in -5: four parts, and an empty one. Right is -4.
# Hurt: whoever compares the etag of an upload with the file on disk: a false alarm for every file above 10 MiB, and
# for every file that is a multiple of the part's size.
# Our product: it computes no etag from a file; it compares the etags of uploads with each other, whole.
# The package's page shows the call that goes wrong; no issue found (November 2026).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --prefix "$work" etag-hash@1.1.3 >/dev/null

echo "Versions: etag-hash 1.1.3, Node $(node --version)"
echo "Guess:    20 MiB in parts of 5 MiB are 4 parts, read at once or piece by piece."
cat > etags.js <<'JS'
const { createHash } = require('crypto');
const etagHash = require('etag-hash').createHash;
const MiB = 1024 * 1024;
const file = Buffer.alloc(20 * MiB);
const cut = (size) => {
  const pieces = [];
  for (let at = 0; at < file.length; at += size) pieces.push(file.subarray(at, at + size));
  return pieces;
};
const digests = cut(5 * MiB).map((part) => createHash('md5').update(part).digest());
const right = `${createHash('md5').update(Buffer.concat(digests)).digest('hex')}-${digests.length}`;
const pieces = etagHash();
cut(64 * 1024).forEach((piece) => pieces.update(piece));
const seen = [etagHash().update(file).digest(), pieces.digest()];
const ends = seen.map((etag) => etag.split('-')[1]);
console.log(`Happens:  at once -${ends[0]}, in pieces -${ends[1]}; right is ${right}`);
if (ends.join() !== '2,5' || seen.includes(right)) {
  console.log('Changed: the etag of 20 MiB is computed otherwise.');
  process.exit(1);
}
JS
node etags.js
