#!/usr/bin/env bash
# A file of exactly one part has another etag in the calculator than in the bucket.
#
# boto3 (and the AWS command line) upload in parts as soon as a file is 8 MiB, so a file of exactly 8 MiB gets an
# etag that ends in -1. s3etag, made to recompute what these clients leave in a bucket, answers the plain MD5 for it.
# With one byte more or less, the two agree.
# Hurt: files made in round sizes (disk images, volumes of split archives) are reported as changed.
# Our product: it compares etags with each other, whole, and takes none for the MD5 of the contents.
# Not on the calculator's page; no issue found (November 2026).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq --disable-pip-version-check s3etag==0.1.6 boto3==1.44.8 "moto[s3]==5.2.5"

echo "Versions: s3etag 0.1.6, boto3 1.44.8 against moto 5.2.5"
echo "Guess:    with the same part size, calculator and client agree on every file."
venv/bin/python - <<'PY'
import os
import subprocess
import sys

os.environ.update(AWS_ACCESS_KEY_ID="example", AWS_SECRET_ACCESS_KEY="example", AWS_DEFAULT_REGION="us-east-1")

import boto3
import moto

EIGHT = 8 * 1024 * 1024


def etags(client, size):
    """Etags of a file of this size: in the bucket, and by s3etag."""
    name = f"{size}.bin"
    with open(name, "wb") as file:
        file.write(bytes(size))
    client.upload_file(name, "example", name)
    stored = client.head_object(Bucket="example", Key=name)["ETag"].strip('"')
    by_s3etag = subprocess.run(
        [f"{sys.prefix}/bin/s3etag", name], capture_output=True, text=True, check=True).stdout.split()[0]
    return stored, by_s3etag


with moto.mock_aws():
    client = boto3.client("s3")
    client.create_bucket(Bucket="example")
    seen = {size: etags(client, size) for size in (EIGHT - 1, EIGHT, EIGHT + 1)}
print("Happens:  bytes: bucket, s3etag")
for size, row in seen.items():
    print(f"          {size}: {', '.join(row)}")
agree = [len(set(row)) == 1 for row in seen.values()]
if agree != [True, False, True] or not seen[EIGHT][0].endswith("-1"):
    sys.exit("Changed: calculator and client agree at exactly one part, or differ elsewhere.")
PY
