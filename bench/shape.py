"""What the data looks like: who owns how much, what kinds of items there are and how often. Pure; `bench.rows` draws from it.

The numbers follow the brief: one member owns a third, about 95 % finished well, most are ingests, a few hundred are open.
The frequencies of the rare kinds are set so that the table has about as many non-empty cells (combinations of institution,
action, stage, status and reviewed) as real ones: some 1,100 at 100,000 items and some 2,000 at 10,000,000.
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
# The others share two thirds; each has a little less than the one before.
SHARES = (0.33, *(0.67 * 0.87**place * 0.13 / (1 - 0.87 ** (len(MEMBERS) - 1)) for place in range(len(MEMBERS) - 1)))


@dataclass(frozen=True)
class Kind:
    """One combination of words, and how many of a million closed items are of it."""

    action: str
    stage: str
    status: str
    retry: bool
    per_million: float


def _kinds(action: str, status: str, stages: dict[str, float]) -> list[Kind]:
    return [Kind(action, stage, status, False, often) for stage, often in stages.items()]


CLOSED = [
    *_kinds("Ingest", "Success", {"Cleanup": 780_000, "Record": 32_000, "Resolve": 9_000}),
    *_kinds("Ingest", "Failed", {"Validate": 16_000, "Receive": 3_000, "Fetch": 1_500, "Store": 1_200}),
    *_kinds("Ingest", "Failed", {"Copy To Staging": 150, "Record": 80, "Storage Validation": 40}),
    *_kinds("Ingest", "Cancelled", {"Resolve": 7_000, "Receive": 1_800}),
    *_kinds("Restore", "Success", {"Record": 22_000, "Available in S3": 2_500, "Resolve": 1_500}),
    *_kinds("Restore", "Failed", {"Fetch": 300, "Package": 200, "Requested": 80}),
    *_kinds("Restore", "Cancelled", {"Resolve": 60}),
    *_kinds("Glacier Restore", "Success", {"Record": 4_000, "Available in S3": 1_200, "Resolve": 400}),
    *_kinds("Glacier Restore", "Failed", {"Requested": 70}),
    *_kinds("Delete", "Success", {"Resolve": 42_000, "Record": 6_000}),
    *_kinds("Delete", "Failed", {"Requested": 150}),
    *_kinds("Delete", "Cancelled", {"Resolve": 150}),
    *_kinds("Fixity Check", "Success", {"Record": 26_000, "Resolve": 3_000}),
    *_kinds("Fixity Check", "Failed", {"Validate": 150}),
    *_kinds("DPN", "Success", {"Record": 5_000, "Resolve": 300}),
]
# Of the few that are not closed.
OPEN = [
    *(
        Kind("Ingest", stage, "Pending", True, often)
        for stage, often in {"Receive": 400_000, "Validate": 60_000, "Store": 40_000, "Record": 40_000}.items()
    ),
    *(
        Kind("Ingest", stage, "Started", True, often)
        for stage, often in {"Receive": 60_000, "Validate": 60_000, "Store": 120_000, "Record": 20_000}.items()
    ),
    Kind("Ingest", "Receive", "Started", False, 10_000),
    Kind("Ingest", "Store", "Failed", True, 60_000),
    Kind("Ingest", "Store", "Suspended", False, 20_000),
    Kind("Restore", "Requested", "Pending", True, 40_000),
    Kind("Restore", "Package", "Started", True, 30_000),
    Kind("Delete", "Requested", "Pending", True, 40_000),
]
# The newest items, of which this share is not closed yet.
NEWEST, OPEN_AMONG_NEWEST = 500, 0.7


def reviewed_share(place: float) -> float:
    """How many of the closed items that far along the whole (0: the oldest, 1: the newest) have been reviewed."""
    if place < 0.9:
        return 0.7
    return 0.4 if place < 0.99 else 0.02


def expected_cells(number: int) -> float:
    """How many cells of so many items are not empty, on average."""
    total = sum(kind.per_million for kind in CLOSED)
    reviewed = 0.9 * 0.7 + 0.09 * 0.4 + 0.01 * 0.02
    return sum(
        1 - (1 - share * kind.per_million / total * part) ** number
        for share in SHARES
        for kind in CLOSED
        for part in (reviewed, 1 - reviewed)
    )
