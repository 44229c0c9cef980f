#!/usr/bin/env bash
# Bringing one deleted file back removes another file that was never touched.
#
# In @ocfl/ocfl-fs, `reinstate` sets the list of names of a digest to the one name that comes back. A file
# with the same content that is still there loses its name in the new version, and of a folder that holds
# two equal files only one returns. Nothing is raised, and ocfl-py calls the result valid.
# Hurt: restores of anything with equal files (empty markers, covers, license texts): silent loss.
# Our product: a restore's success is the worker's word; a worker should compare the file list before and after.
# Not in the package's pages; no issue found (November 2026).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq --disable-pip-version-check ocfl-py==2.1.0
npm install --silent --no-audit --no-fund --prefix "$work" @ocfl/ocfl@0.2.2 @ocfl/ocfl-fs@0.2.2 >/dev/null

echo "Versions: @ocfl/ocfl 0.2.2, @ocfl/ocfl-fs 0.2.2, ocfl-py 2.1.0"
echo "Guess:    a.txt is deleted and reinstated, so a.txt, b.txt and c.txt are there again; and a deleted folder returns whole."
cat > restore.js <<'JS'
const ocfl = require('@ocfl/ocfl-fs');
const names = async (object) => [...await object.files()].map((file) => file.logicalPath).sort().join(' ');
(async () => {
  const layout = { extensionName: '0002-flat-direct-storage-layout' };
  const storage = ocfl.storage({ root: `${process.cwd()}/root`, layout });
  await storage.create();
  const one = storage.object('one');
  await one.update(async (change) => {
    await change.write('a.txt', 'same');
    await change.write('b.txt', 'same');
    await change.write('c.txt', 'other');
  });
  await one.update(async (change) => { await change.remove('a.txt'); });
  await one.update(async (change) => { await change.reinstate('a.txt', 'v1'); });
  const folder = storage.object('folder');
  await folder.update(async (change) => {
    await change.write('scans/1.txt', 'same');
    await change.write('scans/2.txt', 'same');
    await change.write('c.txt', 'other');
  });
  await folder.update(async (change) => { await change.remove('scans'); });
  await folder.update(async (change) => { await change.reinstate('scans', 'v1'); });
  console.log(`${await names(one)} | ${(await names(folder)).split(' ').length}`);
})();
JS
seen=$(node restore.js)
echo "Happens:  files afterwards, and number of files with the folder (3 before): $seen"
if [ "$seen" != "a.txt c.txt | 2" ]; then
    echo "Changed: reinstating a file no longer drops the one with the same content."
    exit 1
fi
for object in one folder; do
    if ! venv/bin/ocfl-validate.py --quiet "root/$object" >/dev/null 2>&1; then
        echo "Changed: ocfl-py refuses the object."
        exit 1
    fi
done
echo "          ocfl-py: both objects are valid."
