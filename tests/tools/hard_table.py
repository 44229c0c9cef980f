"""A table of 300 work items as Registry has it, in which every value is hard for some program on its way."""

from datetime import UTC, datetime, timedelta
from typing import Any

ROWS = 300
INSTITUTIONS = {4: "ncsu.edu", 5: "jhu.edu", 17: "test.virginia.edu"}
# The type of each column in PostgreSQL; other databases get their own from it.
COLUMNS = {
    "id": "bigint",
    "created_at": "timestamp",
    "updated_at": "timestamp",
    "name": "text",
    "etag": "text",
    "bucket": "text",
    "user": "text",
    "note": "text",
    "action": "text",
    "stage": "text",
    "status": "text",
    "outcome": "text",
    "bag_date": "timestamptz",
    "date_processed": "timestamp",
    "retry": "boolean",
    "node": "text",
    "pid": "bigint",
    "needs_admin_review": "boolean",
    "institution_id": "bigint",
    "queued_at": "timestamp",
    "size": "bigint",
    "stage_started_at": "timestamp",
    "aptrust_approver": "text",
    "inst_approver": "text",
}
YEAR_ONE = datetime(1, 1, 1, tzinfo=UTC)

NOTES = [
    "Bag is in the receiving bucket.",
    "first line\nsecond line",
    "first line\r\nsecond line",
    "tab\there, and \\t is no tab",
    r"C:\new\table\report.txt",
    r"\\server\share\bag",
    "ends with a backslash\\",
    r"a\\b and \" and \u0041 and \N",
    'said "no", then ""no""',
    '"all of it"',
    "it's a comma, a ; semicolon, a | bar",
    r"\N",
    "NA",
    "null",
    "NaN",
    "None",
    "true",
    "007",
    "1e5",
    "2021-03-04",
    "=1+1",
    "+49 30 1234",
    "-5",
    "@SUM(A1)",
    "=HYPERLINK(\"http://example.org\";\"x\")",
    "a;=1+1",
    "line\n=cmd|' /C calc'!A0\n- item",
    "  spaces around  ",
    " no-break ",
    "bell \x07 escape \x1b vertical \x0b delete \x7f",
    "Größe, naïve, Ærø",
    "漢字 ‏עברית‎ العربية हिन्दी",
    "emoji 🏛️ and 𝄞",
    "e\u0301 is not é",
    "{\"json\": [1, null, \"\\n\"]}",
    "<b>not</b> &amp; HTML",
    "%s %(x)s {0} $HOME `id`",
    "x" * 32_767,
    "é" * 40_000,
    "",
]  # fmt: skip
NAMES = [
    "ncsu.1840.16-{}.tar",
    "=1+{}.tar",
    "-{}.tar",
    "+{}.tar",
    "@{}.tar",
    "with \"quotes\" {}.tar",
    "back\\slash\\n{}.tar",
    "tab\t{}.tar",
    "Größe & Co {}.tar",
    "漢字 {}.tar",
    " leading {}.tar",
    "it's {}; a, b.tar",
    "NA {}.tar",
]  # fmt: skip
ETAGS = [
    "d18720b9ec3c24e0e6370fb4ff42b132",
    "52601815908301700000000000000{:03}",
    "00001815908301712345678901234{:03}",
    "5260181590830171234567890123{:04}",
    "1234567890123456789012345678e{:03}",
    "d18720b9ec3c24e0e6370fb4ff42b132-{}",
    "false-etag-{}",
    "",
]
SIZES = [None, 0, 266_240, 21_200_000_000, 5_000_000_000_000, 5_260_181_590_830, 2**53 + 1, 2**63 - 1]
STATES = [("Ingest", "Receive", "Pending"), ("Ingest", "Cleanup", "Success"), ("Delete", "Requested", "Started")]


def rows() -> list[dict[str, Any]]:
    """Each row as {column: value}. The order of the hard values differs from column to column."""
    return [_row(number) for number in range(1, ROWS + 1)]


def _row(n: int) -> dict[str, Any]:
    action, stage, status = STATES[n % len(STATES)]
    received = datetime(2021, 3, 4, 5, 6, 7, 123_456, tzinfo=UTC) + timedelta(days=n, microseconds=n * 1017)
    return {
        "id": 1000 + n + (n > 200) * 5_000_000_000,
        "created_at": received,
        "updated_at": received + timedelta(hours=1, microseconds=n),
        "name": NAMES[n % len(NAMES)].format(n),
        "etag": ETAGS[n % len(ETAGS)].format(n),
        "bucket": "aptrust.receiving.ncsu.edu",
        "user": ["", "system@aptrust.org", "josé@jhu.edu"][n % 3],
        "note": NOTES[n % len(NOTES)],
        "action": action,
        "stage": stage,
        "status": status,
        "outcome": NOTES[(n * 7) % 37][:255],
        "bag_date": [YEAR_ONE, received - timedelta(days=9), datetime(2019, 7, 1, 12, tzinfo=UTC)][n % 3],
        "date_processed": received + timedelta(minutes=1),
        "retry": n % 2 == 0,
        "node": ["", "ingest-01", "NA"][n % 3],
        "pid": [None, 4711, 2_000_000_123][n % 3],
        "needs_admin_review": n % 5 == 0,
        "institution_id": [4, 5, 17][n % 3],
        "queued_at": None if n % 4 else received + timedelta(microseconds=1),
        "size": SIZES[n % len(SIZES)],
        "stage_started_at": None if n % 3 else received,
        "aptrust_approver": "",
        "inst_approver": ["", "null"][n % 2],
    }


def expected(row: dict[str, Any]) -> dict[str, Any]:
    """What the item of a row has to hold: its columns in this product."""
    item = {name: value for name, value in row.items() if name not in ("institution_id", "date_processed")}
    item["date"] = row["date_processed"]
    item["bag_date"] = None if row["bag_date"] == YEAR_ONE else row["bag_date"]
    item["institution"] = INSTITUTIONS[row["institution_id"]]
    return item
