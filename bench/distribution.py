"""How the generated items are distributed: the share of each member, and how frequent each kind of item is.

One member owns a third, about 95 % of the items succeeded, most are ingests, and a few hundred are open.
The rare kinds are frequent enough for a realistic number of non-empty cells (combinations of institution, action, stage,
status, and reviewed): about 1,100 with 100,000 items and about 2,000 with 10,000,000.
"""

from dataclasses import dataclass

LARGEST = "virginia.edu"
MEMBERS = (
    LARGEST,
    *("ncsu.edu", "columbia.edu", "jhu.edu", "georgetown.edu", "umich.edu", "unc.edu", "duke.edu", "nd.edu"),
    *("miami.edu", "ufl.edu", "iu.edu", "psu.edu", "umd.edu", "vt.edu", "cornell.edu", "syr.edu", "uc.edu"),
    *("wisc.edu", "ucdavis.edu", "colorado.edu", "fsu.edu", "emory.edu", "rice.edu", "tulane.edu", "lsu.edu"),
    *("institution1.edu", "institution2.edu", "test.edu", "example.edu"),
)
SMALLEST = MEMBERS[-1]
# The others share two thirds; each has 13 % less than the one before.
SHARES = (0.33, *(0.67 * 0.87**rank * 0.13 / (1 - 0.87 ** (len(MEMBERS) - 1)) for rank in range(len(MEMBERS) - 1)))


@dataclass(frozen=True)
class Kind:
    """A combination of action, stage, status, and retry. `per_million`: how many of a million closed (or open) items have it."""

    action: str
    stage: str
    status: str
    retry: bool
    per_million: float


def _kinds(action: str, status: str, stages: dict[str, float]) -> list[Kind]:
    return [Kind(action, stage, status, False, per_million) for stage, per_million in stages.items()]


CLOSED = [
    *_kinds("Ingest", "Success", {"Cleanup": 780_000, "Record": 32_000, "Resolve": 9_000}),
    *_kinds("Ingest", "Failed", {"Validate": 16_000, "Receive": 3_000, "Fetch": 1_500, "Store": 1_200}),
    *_kinds("Ingest", "Failed", {"Copy To Staging": 150, "Record": 80, "Storage Validation": 40}),
    *_kinds("Ingest", "Cancelled", {"Resolve": 7_000, "Receive": 1_800}),
    *_kinds("Restore", "Success", {"Record": 22_000, "Available in S3": 2_500, "Resolve": 1_500}),
    *_kinds("Restore", "Failed", {"Fetch": 300, "Package": 200, "Requested": 80}),
    *_kinds("Restore", "Cancelled", {"Resolve": 900}),
    *_kinds("Glacier Restore", "Success", {"Record": 4_000, "Available in S3": 1_200, "Resolve": 400}),
    *_kinds("Glacier Restore", "Failed", {"Requested": 70}),
    *_kinds("Delete", "Success", {"Resolve": 42_000, "Record": 6_000}),
    *_kinds("Delete", "Failed", {"Requested": 60}),
    *_kinds("Delete", "Cancelled", {"Resolve": 150}),
    *_kinds("Fixity Check", "Success", {"Record": 26_000, "Resolve": 3_000}),
    *_kinds("Fixity Check", "Failed", {"Validate": 80}),
    *_kinds("DPN", "Success", {"Record": 5_000, "Resolve": 150}),
]
# The few items that are not closed.
OPEN = [
    *(
        Kind("Ingest", stage, "Pending", True, per_million)
        for stage, per_million in {"Receive": 400_000, "Validate": 60_000, "Store": 40_000, "Record": 40_000}.items()
    ),
    *(
        Kind("Ingest", stage, "Started", True, per_million)
        for stage, per_million in {"Receive": 60_000, "Validate": 60_000, "Store": 120_000, "Record": 20_000}.items()
    ),
    Kind("Ingest", "Receive", "Started", False, 10_000),
    Kind("Ingest", "Store", "Failed", True, 60_000),
    Kind("Ingest", "Store", "Suspended", False, 20_000),
    Kind("Restore", "Requested", "Pending", True, 40_000),
    Kind("Restore", "Package", "Started", True, 30_000),
    Kind("Delete", "Requested", "Pending", True, 40_000),
]
# Of the newest items, this share is still open.
NEWEST, OPEN_AMONG_NEWEST = 500, 0.7


def reviewed_share(position: float) -> float:
    """The share of closed items that have been reviewed, at this position in the list (0: the oldest, 1: the newest)."""
    if position < 0.9:
        return 0.7
    return 0.4 if position < 0.99 else 0.02


def expected_cells(number: int) -> float:
    """The expected number of non-empty cells with this many items."""
    total = sum(kind.per_million for kind in CLOSED)
    reviewed = 0.9 * 0.7 + 0.09 * 0.4 + 0.01 * 0.02
    return sum(
        1 - (1 - share * kind.per_million / total * part) ** number
        for share in SHARES
        for kind in CLOSED
        for part in (reviewed, 1 - reviewed)
    )
