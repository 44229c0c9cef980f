"""The names of the demo's bags, and the notes of services and people. All of it is invented.

Each text is derived from the caller's random.Random, so that one seed gives one demo.
"""

from collections.abc import Callable
from random import Random

from workitems.vocabulary import Action

_COLLECTIONS = (
    "audio-archive",
    "board-minutes",
    "botany_slides",
    "campus-maps",
    "civil-war-letters",
    "dance-films",
    "dissertations",
    "etd",
    "glass-negatives",
    "herbarium",
    "law-reviews",
    "manuscripts",
    "newspapers",
    "observatory-plates",
    "oral-history",
    "postcards",
    "rare-books",
    "scores",
    "senate_papers",
    "yearbooks",
)
_WORDS = [
    "Letters",
    "Diaries",
    "Sketches",
    "Ledgers",
    "Posters",
    "Sermons",
    "Speeches",
    "Surveys",
    "Atlases",
    "Catalogues",
    "Portraits",
    "Pamphlets",
    "Recordings",
    "Photographs",
    "Scrapbooks",
    "Telegrams",
    "Almanacs",
    "Blueprints",
    "Minutes",
    "Notebooks",
]
_PEOPLE = [
    "Abernathy",
    "Bellamy",
    "Castellanos",
    "Drummond",
    "Eriksen",
    "Fontaine",
    "Gallagher",
    "Hathaway",
    "Ibarra",
    "Jørgensen",
]
_PLACES = ["harbor", "orchard", "mill", "chapel", "quarry", "station", "theater", "market", "lighthouse", "foundry"]

# Names that could break a careless page, file, or query.
AWKWARD_NAMES = (
    "Letters & Diaries of the Hathaway Family.tar",
    'Theatre posters "The Lighthouse Keeper" 1931.tar',
    "O'Donnell field notebooks.tar",
    "Grüße aus Köln – Postkarten 1905.tar",
    "Œuvres complètes d'Hélène Fontaine.tar",
    "港の写真 第3巻.tar",
    "Письма из Архангельска 1917.tar",
    "مذكرات الرحلة البحرية.tar",
    "Ελληνικά χειρόγραφα, κουτί 12.tar",
    "Minutes <draft> & appendices; 100% scanned.tar",
    "=SUM of the parts (sculpture catalogue).tar",
    "  two leading spaces and a #hash?.tar",
    "👩‍🚀 space programme interviews.tar",
    "tab\tin the name.tar",
)


def long_name(rng: Random) -> str:
    """A full title as the file's name: some hundred characters."""
    parts = [f"{rng.choice(_WORDS)} of the {rng.choice(_PLACES)} and of {rng.choice(_PEOPLE)}" for _ in range(12)]
    return f"Collected {', '.join(parts)} ({rng.randint(1820, 1990)}).tar"


def bag_name(rng: Random, domain: str, number: int) -> str:
    """A name in one of the styles that members use; `number` makes it unique."""
    collection = rng.choice(_COLLECTIONS)
    style = rng.randrange(6)
    if style == 0:
        return f"{domain}.{collection}_{number:06d}.tar"
    if style == 1:
        return f"{domain}.18{number % 97:02d}_{1_000_000 + number * 37}.tar"
    if style == 2:
        return f"{collection[:3].upper()}-{number:06d}_B{rng.randint(1, 60):02d}.tar"
    if style == 3:
        return f"{domain.split('.')[0]}.18{rng.randint(40, 49)}.{rng.randint(1, 40)}-{number}.tar"
    if style == 4:
        return f"{rng.choice(_PEOPLE)} {rng.choice(_WORDS)} {number}.tar"
    return f"{collection}-{number}.tar"


def split_names(rng: Random, number: int, parts: int) -> list[str]:
    """The parts of an object that was too large for one bag."""
    stem = f"{rng.choice(_COLLECTIONS)}-complete-{number}"
    return [f"{stem}.b{part:02d}.of{parts:02d}.tar" for part in range(1, parts + 1)]


def hexadecimal(rng: Random, digits: int) -> str:
    return f"{rng.getrandbits(4 * digits):0{digits}x}"


_PART = 64 * 2**20  # bytes per part of a multipart upload


def etag(rng: Random, size: int) -> str:
    """An etag like S3's: for a file above 5 GB always with its number of parts."""
    if size <= 5 * 10**9 and rng.random() < 0.8:
        return hexadecimal(rng, 32)
    return f"{hexadecimal(rng, 32)}-{max(1, -(-size // _PART))}"


def payload_file(rng: Random) -> str:
    return f"data/{rng.choice(_PLACES)}/{rng.choice(_WORDS).lower()}_{rng.randint(1, 9999):04d}.{rng.choice(('tif', 'wav', 'xml', 'pdf', 'jp2'))}"


RECEIVED = "The bag is in the receiving bucket, waiting for its ingest."
REQUESTED: dict[Action, str] = {
    Action.RESTORE: "Restoration requested.",
    Action.GLACIER_RESTORE: "Retrieval from Glacier requested.",
    Action.DELETE: "Deletion requested, and approved by the institution.",
    Action.FIXITY_CHECK: "Scheduled fixity check.",
    Action.DPN: "Copy to DPN requested.",
}
WAITING = "Waiting for the next free worker."
RETRYING = "Retrying after a temporary problem."


def success_note(action: Action, domain: str, name: str) -> str:
    """The note of a successful item."""
    return {
        Action.INGEST: "Finished cleanup. Ingest complete.",
        Action.RESTORE: f"Object restored to https://s3.amazonaws.com/aptrust.restore.{domain}/{name.replace(' ', '%20')}",
        Action.GLACIER_RESTORE: "All files are back from Glacier and stay in S3 for 14 days. The restoration has been queued.",
        Action.DELETE: "Deleted from every storage region.",
        Action.FIXITY_CHECK: "The sha256 digest of the stored copy is the one recorded at ingest.",
        Action.DPN: "The object has been handed to DPN and replicated to three nodes.",
    }[action]


def bad_digest(rng: Random, name: str) -> str:
    expected, found = hexadecimal(rng, 64), hexadecimal(rng, 64)
    return f"Bag {name} is not valid.\nmanifest-sha256.txt: the digest of {payload_file(rng)} does not match.\n  in the manifest: {expected}\n  of the file:     {found}"


def missing_file(rng: Random, name: str) -> str:
    return f"Bag {name} is not valid.\nmanifest-md5.txt lists {payload_file(rng)}, but the bag has no such file."


def missing_tag(rng: Random, name: str) -> str:
    tag, file = rng.choice(
        (("Title", "aptrust-info.txt"), ("Access", "aptrust-info.txt"), ("Source-Organization", "bag-info.txt"))
    )
    return f"Bag {name} is not valid.\n{file}: the required tag {tag} has no value."


def wrong_directory(rng: Random, name: str) -> str:
    return f"Bag {name} is not valid.\nIt should untar to a directory called '{name.removesuffix('.tar')}', but untars to '{rng.choice(_COLLECTIONS)}_final_v{rng.randint(2, 9)}'."


def no_manifest(rng: Random, name: str) -> str:
    return f"Bag {name} is not valid.\nIt has no payload manifest. One of manifest-md5.txt and manifest-sha256.txt is required."


def too_many_errors(rng: Random, name: str) -> str:
    """Hundreds of lines, as for a bag whose manifest was made before its files were renamed."""
    lines = [
        f"{payload_file(rng)}: "
        + rng.choice(("in the manifest, but not in the bag", "in the bag, but in no manifest", "the digest differs"))
        for _ in range(rng.randint(210, 420))
    ]
    return "\n".join([f"Bag {name} is not valid: too many errors, {len(lines)} are listed.", *lines])


def not_a_tar(rng: Random, name: str) -> str:
    return f"{name} cannot be untarred: the archive ends after {rng.randint(2, 900):,} MB, in the middle of a file."


INVALID_BAG: dict[str, Callable[[Random, str], str]] = {
    "bad digest": bad_digest,
    "missing file": missing_file,
    "missing tag": missing_tag,
    "wrong directory": wrong_directory,
    "no manifest": no_manifest,
    "too many errors": too_many_errors,
}


def s3_timeout(rng: Random) -> str:
    return f"S3 did not answer within {rng.choice((30, 60, 120))} seconds, {rng.randint(3, 5)} times in a row. This is a temporary problem and will be retried."


def disk_full(rng: Random) -> str:
    return f"No space left on the work volume: {rng.randint(40, 900)} GB are needed, {rng.randint(1, 39)} GB are free. This will be retried when space is available."


def container_killed(rng: Random) -> str:
    return (
        f"The worker's container was killed (out of memory at {rng.choice((4, 8, 16))} GB). The task will be retried."
    )


TEMPORARY: dict[str, Callable[[Random], str]] = {
    "S3 time-out": s3_timeout,
    "disk full": disk_full,
    "container killed": container_killed,
}


def given_up(rng: Random) -> str:
    return f"Given up after several attempts: {s3_timeout(rng).split('. ')[0]}. An administrator needs to decide before work continues."


OTHER_FAILURES: dict[Action, str] = {
    Action.RESTORE: "Restoration failed: a file of this object is recorded in Glacier only. Request a Glacier restoration first.",
    Action.GLACIER_RESTORE: "Glacier refused the retrieval: the object was stored less than a day ago.",
    Action.DELETE: "Not deleted: a restoration of the same object is still in progress.",
    Action.FIXITY_CHECK: "Fixity mismatch: the stored copy's sha256 digest is not the one recorded at ingest. The copy in the other region is intact.",
}
REPAIRED = "The copy was replaced with the intact one of the other region, which was checked first."
SUSPENDED = (
    "On hold: the payload is larger than the institution's agreed quota. An administrator will talk to the institution.",
    "On hold: two objects claim the same identifier. An administrator must decide which one stays.",
    "On hold: the storage option named in the bag is not enabled for this institution.",
)
CANCELLED = (
    "Cancelled at the depositor's request: the wrong disk image was uploaded.",
    "Cancelled: the institution will send this collection again in smaller bags.",
    "Cancelled after a conversation with the depositor. The same material was ingested under another name.",
    "Cancelled: this bag belongs in the test system. Please upload it there.",
)
REQUEUED = (
    "The storage provider's outage is over. Starting again.",
    "More disk space has been added to the workers.",
    "A bug in our validator has been fixed. This bag was valid all along; we apologize.",
)
SUPERSEDED = "A later upload of this bag, with a different etag, replaces this one. This one will not be ingested."
DUPLICATE = "The same file is already being ingested from an earlier upload. No action needed."
