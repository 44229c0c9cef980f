"""Says whether a file is the one that was uploaded: python3 check_etag.py FILE ETAG

It needs Python 3.8 or later and sends nothing. Exit code: 0 if it is that file, 1 if not, 2 if called in the wrong way.
"""

import hashlib
import os
import re
import sys

MIB = 2**20
USUAL = [mib * MIB for mib in (5, 8, 15, 50, 64, 16, 10, 25, 100)] + [2**n for n in range(16, 33)]
ROUND = (128, 100, 64, 50, 32, 25, 20, 16, 10, 8, 5, 4, 2, 1)


def part_sizes(size, parts):
    """Returns the sizes that give so many parts: the usual ones, then 20 other whole numbers of MiB."""
    if parts < 2:
        return [size]  # with one part, the part size makes no difference
    others = sorted(range(1, 5121), key=lambda mib: -next(step for step in ROUND if mib % step == 0))
    fits = [part for part in [*USUAL, *(mib * MIB for mib in others)] if -(-size // part) == parts]
    return list(dict.fromkeys(fits))[: 20 + sum(part in USUAL for part in set(fits))]


def md5(file, length):
    """Returns the MD5 of the next bytes of an open file."""
    result = hashlib.md5()
    while chunk := file.read(min(MIB, length)):
        result.update(chunk)
        length -= len(chunk)
    return result.digest()


def find_part_size(path, digits, parts):
    """Returns the part size with which the file has this etag, or None. No parts: a plain MD5."""
    for part_size in part_sizes(os.path.getsize(path), parts):
        with open(path, "rb") as file:
            digests = [md5(file, part_size) for _ in range(parts or 1)]
        if (hashlib.md5(b"".join(digests)).digest() if parts else digests[0]).hex() == digits:
            return part_size
    return None


if __name__ == "__main__":
    etag = re.fullmatch(r'(?:w/)?"?([0-9a-f]{32})(?:-([1-9][0-9]{0,5}))?"?', sys.argv[-1].strip().lower())
    if len(sys.argv) != 3 or not etag or not os.path.isfile(sys.argv[1]):
        print("Use: python3 check_etag.py FILE ETAG", file=sys.stderr)
        sys.exit(2)
    parts = int(etag[2] or 0)
    part_size = find_part_size(sys.argv[1], etag[1], parts)
    if part_size is None:
        print("This isn't the file that was uploaded" + (", or the part size is unusual." if parts > 1 else "."))
        sys.exit(1)
    print("This is the file" + (f", sent in {parts} parts of {part_size / MIB:g} MiB." if parts > 1 else "."))
