"""The texts of "Is this my file?". The file itself is read by a script in the browser, and never sent."""

from functools import cache
from typing import NamedTuple

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

MIB = 2**20


class Client(NamedTuple):
    """A program that uploads files of at least `smallest` bytes in parts of `part` bytes, unless told otherwise."""

    name: str | Promise
    part: int
    smallest: int


# As measured; docs/etags.md has the versions.
CLIENTS = (
    Client("boto3", 8 * MIB, 8 * MIB),
    Client(gettext_lazy("the AWS command line"), 8 * MIB, 8 * MIB),
    Client("s3cmd", 15 * MIB, 15 * MIB + 1),
    Client("rclone", 5 * MIB, 200 * MIB),
    Client(gettext_lazy("MinIO's Python client"), 5 * MIB, 5 * MIB + 1),
    Client(gettext_lazy("the AWS SDK for JavaScript"), 5 * MIB, 5 * MIB + 1),
    Client(gettext_lazy("MinIO's JavaScript client"), 64 * MIB, 64 * MIB + 1),
    Client("s3fs", 50 * MIB, 64 * MIB + 1),
    Client("smart_open", 50 * MIB, 1),
)


@cache
def script_for_servers() -> str:
    """The script that people copy to a server without a browser."""
    return (settings.BASE_DIR / "static/check_etag.py").read_text()


def clients() -> list[dict]:
    """What `check_a_file.js` knows of each client, in the reader's language."""
    return [{"name": str(one.name), "part": one.part, "smallest": one.smallest} for one in CLIENTS]


def sentences() -> dict[str, str]:
    """What `check_a_file.js` says, in the reader's language; it fills in what stands in braces."""
    return {
        "reading": _("Reading the file…"),
        "again": _("None of the usual part sizes matches. Reading the file again to try others…"),
        "numbers": _("{read} of {total} · {speed}/s"),
        "quarters": _("{read} of {total} read."),
        "cancelled": _("Cancelled. Nothing was compared."),
        "failed": _("The file can't be read. It may have been moved or changed, or it is a folder."),
        "several": _("Choose one file at a time."),
        "bad_etag": _(
            "This isn't an etag that a file can be compared with. It must have 32 digits (0–9, a–f), which can be "
            "followed by a hyphen and a number."
        ),
        "plain": _("This is your file: its MD5 is the etag."),
        "one_part": _("This is your file, uploaded in one part."),
        "one_part_by": _("This is your file, as {clients} sends it (in one part)."),
        "parts": _("This is your file, sent in parts of {size}."),
        "parts_by": _("This is your file, as {clients} sends it (in parts of {size})."),
        "size": _("This isn't the file that was uploaded: it has {size} bytes, and the uploaded file has {expected}."),
        "other": _("This isn't the file that was uploaded."),
        "other_parts": _(
            "This isn't the file that was uploaded, or it was sent in parts of a size we didn't try. We tried {sizes}."
        ),
        "no_size": _(
            "This isn't the file that was uploaded, or it was sent in parts of a size we didn't try: a file of this size "
            "isn't usually sent in {parts} parts."
        ),
        "listed": _("These are the etags that this file can have."),
        "row_plain": _("In one piece (MD5)"),
        "row_one_part": _("In one part"),
        "row_parts": _("In parts of {size}"),
    }
