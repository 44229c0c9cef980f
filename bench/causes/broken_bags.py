"""Breaks bags in labelled ways and prints what five validators say: JSON, a line per note.

It runs in the validators' own virtual environment (`requirements.txt`), and knows nothing of this product.
"""

import contextlib
import hashlib
import io
import json
import logging
import random
import shutil
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import bagit
import bagit_profile
import bagit_utils
from bdbag import bdbag_api, get_typed_exception
from ocfl import Object, VersionMetadata
from ocfl.validator import Validator

NAMES = (
    "virginia.edu.uva-lib_2274642",
    "O'Donnell field notebooks",
    "Letters & Diaries of the Hathaway Family (1931)",
    "港の写真 第3巻",
    "Œuvres d'Hélène [copie]",
    "GTM-000119_B50",
    "minutes; drafts | scans",
    "photographs",
)
FILES = (
    "data/images/0042.tif",
    "data/Hathaway's diary, page 3.txt",
    "data/boys' letters/draft 2 (final).docx",
    "data/レポート [1].pdf",
    "data/README",
    "data/a b/c d; e.xml",
    "data/annual report of the library 1999.pdf",
    "data/x.y/notes",
    "data/minutes: annual.rtf",
    "data/Vol. 1; 2 | 3.csv",
    "data/D:\\Scans\\Box 1.TIF",
    "data/shelf of maps/leaf",
)
SEED = 15
Fault = Callable[[Path, random.Random], None]


def make_bag(folder: Path, rng: random.Random) -> Path:
    path = folder / rng.choice(NAMES)
    path.mkdir()
    for name in FILES:
        file = path / name.removeprefix("data/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{rng.random():.12f}")
    bagit.make_bag(str(path), {"Source-Organization": "Example", "Title": "A bag"}, checksums=["md5", "sha256"])
    # bagit-utils checks only bags of this version.
    (path / "bagit.txt").write_text("BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n")
    renew_tag_manifests(path)
    return path


def renew_tag_manifests(path: Path) -> None:
    """Makes them right again, so that a bag has only the fault that is meant."""
    for manifest in list(path.glob("tagmanifest-*")):
        algorithm = manifest.stem.partition("-")[2]
        tags = sorted(file for file in path.iterdir() if file.is_file() and not file.name.startswith("tagmanifest-"))
        lines = (f"{hashlib.new(algorithm, file.read_bytes()).hexdigest()} {file.name}\n" for file in tags)
        manifest.write_text("".join(lines))


def edit_info(path: Path, keep: Callable[[str], bool], *added: str) -> None:
    file = path / "bag-info.txt"
    file.write_text(
        "".join([line for line in file.read_text().splitlines(True) if keep(line)] + [f"{a}\n" for a in added])
    )
    renew_tag_manifests(path)


def without_oxum(path: Path) -> None:
    edit_info(path, lambda line: not line.startswith("Payload-Oxum"))


def some_files(rng: random.Random) -> list[str]:
    return rng.sample(FILES, rng.randint(1, 4))


def digests_differ(path: Path, rng: random.Random) -> None:
    without_oxum(path)
    for name in some_files(rng):
        (path / name).write_text(f"{rng.random():.12f}")


def files_missing(path: Path, rng: random.Random) -> None:
    without_oxum(path)
    for name in some_files(rng):
        (path / name).unlink()


def files_added(path: Path, rng: random.Random) -> None:
    without_oxum(path)
    for _ in range(rng.randint(1, 4)):
        (path / "data" / f"{rng.choice(('new file', 'copy of', 'x', 'Thumbs'))} {rng.randint(1, 99)}.tmp").write_text(
            "x"
        )


def files_missing_and_added(path: Path, rng: random.Random) -> None:
    files_missing(path, rng)
    files_added(path, rng)


def oxum_differs(path: Path, rng: random.Random) -> None:
    edit_info(path, lambda line: "Oxum" not in line, f"Payload-Oxum: {rng.randint(900, 9999)}.{rng.randint(20, 99)}")


def oxum_malformed(path: Path, rng: random.Random) -> None:
    edit_info(path, lambda line: "Oxum" not in line, f"Payload-Oxum: {rng.choice(('twelve', '12-8', 'n/a'))}")


def no_declaration(path: Path, rng: random.Random) -> None:
    (path / "bagit.txt").unlink()
    renew_tag_manifests(path)


def no_manifest(path: Path, rng: random.Random) -> None:
    for file in path.glob("manifest-*"):
        file.unlink()
    renew_tag_manifests(path)


def no_data(path: Path, rng: random.Random) -> None:
    shutil.rmtree(path / "data")


def wrong_version(path: Path, rng: random.Random) -> None:
    version = rng.choice(("2.5", "7.1", "3.33"))
    (path / "bagit.txt").write_text(f"BagIt-Version: {version}\nTag-File-Character-Encoding: UTF-8\n")
    renew_tag_manifests(path)


def version_no_number(path: Path, rng: random.Random) -> None:
    version = rng.choice(("one", "v1", "1"))
    (path / "bagit.txt").write_text(f"BagIt-Version: {version}\nTag-File-Character-Encoding: UTF-8\n")
    renew_tag_manifests(path)


def declare(path: Path, content: bytes) -> None:
    (path / "bagit.txt").write_bytes(content)
    renew_tag_manifests(path)


def declaration_incomplete(path: Path, rng: random.Random) -> None:
    declare(path, rng.choice((b"BagIt-Version: 1.0\n", b"Tag-File-Character-Encoding: UTF-8\n")))


def declaration_with_mark(path: Path, rng: random.Random) -> None:
    declare(path, b"\xef\xbb\xbfBagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n")


def encoding_unknown(path: Path, rng: random.Random) -> None:
    declare(path, b"BagIt-Version: 1.0\nTag-File-Character-Encoding: " + rng.choice((b"UTF-9", b"ansel")) + b"\n")


def tag_not_utf8(path: Path, rng: random.Random) -> None:
    file = path / "bag-info.txt"
    file.write_bytes(file.read_bytes() + b"Title: caf" + rng.choice((b"\xe9", b"\xff")) + b"\n")
    renew_tag_manifests(path)


def entry_twice(path: Path, rng: random.Random) -> None:
    manifest = path / "manifest-md5.txt"
    manifest.write_text(manifest.read_text() + rng.choice(manifest.read_text().splitlines(True)))
    renew_tag_manifests(path)


def tag_line_invalid(path: Path, rng: random.Random) -> None:
    edit_info(path, bool, rng.choice(("no colon here", "Just words", "12345")))


def unsafe_path(path: Path, rng: random.Random) -> None:
    manifest = path / "manifest-md5.txt"
    manifest.write_text(manifest.read_text() + f"{rng.getrandbits(128):032x}  ../outside{rng.randint(1, 99)}.txt\n")
    renew_tag_manifests(path)


STRUCTURE: tuple[Fault, ...] = (
    digests_differ,
    files_missing,
    files_added,
    files_missing_and_added,
    oxum_differs,
    oxum_malformed,
    no_declaration,
    no_manifest,
    no_data,
    wrong_version,
    version_no_number,
    declaration_incomplete,
    declaration_with_mark,
    encoding_unknown,
    tag_not_utf8,
    entry_twice,
    tag_line_invalid,
    unsafe_path,
)


def say_bagit(path: Path, rng: random.Random) -> str | None:
    try:
        bagit.Bag(str(path)).validate()
    except Exception as error:
        return str(error)
    return None


def say_bagit_traceback(path: Path, rng: random.Random) -> str | None:
    try:
        bagit.Bag(str(path)).validate()
    except Exception:
        return traceback.format_exc()
    return None


def say_bagit_command(path: Path, rng: random.Random) -> str | None:
    """The log of its command line."""
    log = io.StringIO()
    handler = logging.StreamHandler(log)
    handler.setFormatter(logging.Formatter("%(asctime)s - %(levelname)s - %(message)s"))
    bagit.LOGGER.addHandler(handler)
    try:
        bagit.Bag(str(path)).validate()
    except Exception as error:
        bagit.LOGGER.error("%s is invalid: %s", path, error)
        return log.getvalue()
    finally:
        bagit.LOGGER.removeHandler(handler)
    return None


def say_bdbag(path: Path, rng: random.Random) -> str | None:
    try:
        bdbag_api.validate_bag(str(path))
    except Exception as error:
        return f"Error: {get_typed_exception(error)}"
    return None


def say_bagit_utils(path: Path, rng: random.Random) -> str | None:
    """The issues, or the exception that lists them."""
    try:
        bag = bagit_utils.Bag(path, load=rng.random() < 0.5)
        report = bag.validate_format()
        report = report if not report.valid else bag.validate()
    except Exception as error:
        return str(error)
    prefix = rng.choice(("", "* error: "))
    return (
        None if report.valid else "\n".join(f"{prefix}{one.message}" for one in report.issues if one.level == "error")
    )


PROFILE = {
    "BagIt-Profile-Info": {
        "BagIt-Profile-Identifier": "https://example.org/profile.json",
        "Source-Organization": "Example",
        "External-Description": "A profile",
        "Version": "1.0",
        "BagIt-Profile-Version": "1.3.0",
    },
    "Bag-Info": {
        "Title": {"required": True},
        "Access": {"values": ["open", "closed"]},
        "Storage": {"repeatable": False},
    },
    "Manifests-Required": ["md5"],
    "Tag-Manifests-Required": [],
    "Tag-Files-Required": [],
    "Allow-Fetch.txt": False,
    "Serialization": "optional",
    "Accept-Serialization": ["application/tar"],
    "Accept-BagIt-Version": ["0.97", "1.0"],
}


def conforms(path: Path) -> None:
    edit_info(
        path,
        lambda line: not line.startswith("BagIt-Profile"),
        "BagIt-Profile-Identifier: https://example.org/profile.json",
    )


def tag_missing(path: Path, rng: random.Random) -> dict:
    conforms(path)
    return {"Bag-Info": {rng.choice(("Contact-Name", "Contact-Email", "Rights", "Storage-Option")): {"required": True}}}


def tag_value(path: Path, rng: random.Random) -> dict:
    conforms(path)
    edit_info(path, bool, f"Access: {rng.choice(('nobody', 'all readers', 'the reader’s own'))}")
    return {}


def tag_repeated(path: Path, rng: random.Random) -> dict:
    conforms(path)
    edit_info(path, bool, *["Storage: x"] * rng.randint(2, 5))
    return {}


def no_profile(path: Path, rng: random.Random) -> dict:
    return {}


def other_profile(path: Path, rng: random.Random) -> dict:
    edit_info(path, bool, f"BagIt-Profile-Identifier: https://example.org/{rng.randint(1, 99)}.json")
    return {}


def manifest_missing(path: Path, rng: random.Random) -> dict:
    conforms(path)
    return {"Manifests-Required": [rng.choice(("sha1", "sha512"))]}


def tag_manifest_missing(path: Path, rng: random.Random) -> dict:
    conforms(path)
    return {"Tag-Manifests-Required": [rng.choice(("sha1", "sha512"))]}


def manifest_not_allowed(path: Path, rng: random.Random) -> dict:
    conforms(path)
    return {"Manifests-Allowed": ["md5"]}


def tag_file_missing(path: Path, rng: random.Random) -> dict:
    conforms(path)
    return {"Tag-Files-Required": [rng.choice(("aptrust-info.txt", "metadata/mets file.xml", "dc/Title.xml"))]}


def tag_file_not_allowed(path: Path, rng: random.Random) -> dict:
    conforms(path)
    (path / rng.choice(("notes of the curator.txt", "extra.xml", "Curator's list.csv"))).write_text("x")
    return {"Tag-Files-Allowed": ["bag*.txt", "manifest-*.txt", "tagmanifest-*.txt"]}


def fetch_not_allowed(path: Path, rng: random.Random) -> dict:
    conforms(path)
    (path / "fetch.txt").write_text("")
    return {}


def version_not_allowed(path: Path, rng: random.Random) -> dict:
    conforms(path)
    return {"Accept-BagIt-Version": rng.choice((["0.97"], ["0.97", "0.96"]))}


def tag_missing_and_file_missing(path: Path, rng: random.Random) -> dict:
    return tag_missing(path, rng) | tag_file_missing(path, rng)


PROFILES = (
    tag_missing,
    tag_value,
    tag_repeated,
    no_profile,
    other_profile,
    manifest_missing,
    tag_manifest_missing,
    manifest_not_allowed,
    tag_file_missing,
    tag_file_not_allowed,
    fetch_not_allowed,
    version_not_allowed,
    tag_missing_and_file_missing,
)


def say_bagit_profile(path: Path, changes: dict, *, in_report: bool) -> str | None:
    profile = bagit_profile.Profile(PROFILE["BagIt-Profile-Info"]["BagIt-Profile-Identifier"], {**PROFILE, **changes})
    profile.validate(bagit.Bag(str(path)))
    errors = profile.report.errors
    if not errors:
        return None
    return str(profile.report) if in_report else "\n".join(map(str, errors))


def say_profile_of_bagit_utils(path: Path, changes: dict) -> str | None:
    wanted = {"Bag-Info": {"Title": {"required": True}}, **changes}
    profile = {
        "BagIt-Profile-Info": PROFILE["BagIt-Profile-Info"],
        **{
            key: value
            for key, value in wanted.items()
            if key in ("Manifests-Required", "Tag-Manifests-Required", "Tag-Files-Required")
        },
        "Bag-Info": {**PROFILE["Bag-Info"], **wanted["Bag-Info"]},
    }
    if "Tag-Files-Allowed" in changes:
        profile["Tag-Files-Allowed"] = changes["Tag-Files-Allowed"]
    report = bagit_utils.BagValidator.validate_once(bagit_utils.Bag(path, load=False), profile=profile)
    return "\n".join(one.message for one in report.issues if one.level == "error") or None


def _ocfl_object(folder: Path, rng: random.Random) -> Path:
    source, path = folder / "source", folder / rng.choice(NAMES).replace("/", "_")
    source.mkdir()
    for name in rng.sample(FILES, 5):
        file = source / name.removeprefix("data/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(str(rng.random()))
    metadata = VersionMetadata(message="m", name="A", address="mailto:a@example.org")
    Object(identifier=f"urn:example:{rng.random()}").create(srcdir=str(source), metadata=metadata, objdir=str(path))
    return path


def _contents(path: Path) -> list[Path]:
    return sorted(file for file in (path / "v1" / "content").rglob("*") if file.is_file())


def ocfl_digest(path: Path, rng: random.Random) -> None:
    rng.choice(_contents(path)).write_text("changed")


def ocfl_file_missing(path: Path, rng: random.Random) -> None:
    file = rng.choice(_contents(path))
    file.unlink()
    with contextlib.suppress(OSError):  # an empty folder would be a second fault
        for folder in file.parents:
            folder.rmdir()


def ocfl_file_added(path: Path, rng: random.Random) -> None:
    (path / "v1" / "content" / rng.choice(("extra file.txt", "x", "Curator's (2).xml"))).write_text("x")


def ocfl_root_file(path: Path, rng: random.Random) -> None:
    (path / rng.choice(("my notes", ".DS_Store", "O'Brien's.txt"))).write_text("x")


def ocfl_no_inventory(path: Path, rng: random.Random) -> None:
    (path / "inventory.json").unlink()


def ocfl_no_declaration(path: Path, rng: random.Random) -> None:
    next(path.glob("0=*")).unlink()


def ocfl_no_sidecar(path: Path, rng: random.Random) -> None:
    next(path.glob("inventory.json.*")).unlink()


def ocfl_inventory_changed(path: Path, rng: random.Random) -> None:
    file = path / "inventory.json"
    file.write_text(file.read_text().replace('"m"', f'"{rng.random()}"'))


def ocfl_not_json(path: Path, rng: random.Random) -> None:
    (path / "inventory.json").write_text(rng.choice(("{", "[1,", '{"id": x}')))


def ocfl_digest_and_added(path: Path, rng: random.Random) -> None:
    ocfl_digest(path, rng)
    ocfl_file_added(path, rng)


OCFL = (
    ocfl_digest,
    ocfl_file_missing,
    ocfl_file_added,
    ocfl_root_file,
    ocfl_no_inventory,
    ocfl_no_declaration,
    ocfl_no_sidecar,
    ocfl_inventory_changed,
    ocfl_not_json,
    ocfl_digest_and_added,
)


def say_ocfl(path: Path) -> str | None:
    validator = Validator()
    return None if validator.validate_object(str(path)) else validator.status_str()


def notes(rounds: int, root: Path) -> Iterator[tuple[str, str, str, str]]:
    """(tool, label, name of the bag, note)."""
    rng = random.Random(SEED)

    @contextlib.contextmanager
    def folder():
        with tempfile.TemporaryDirectory(dir=root) as name:
            yield Path(name)

    bag_tools = {
        "bagit": say_bagit,
        "bagit traceback": say_bagit_traceback,
        "bagit log": say_bagit_command,
        "bdbag": say_bdbag,
        "bagit-utils": say_bagit_utils,
    }
    for tool, say in bag_tools.items():
        for fault in STRUCTURE:
            for _ in range(rounds):
                with folder() as where:
                    path = make_bag(where, rng)
                    fault(path, rng)
                    if note := say(path, rng):
                        yield tool, fault.__name__, path.name, note
    for break_profile in PROFILES:
        for number in range(2 * rounds):
            with folder() as where:
                path = make_bag(where, rng)
                changes = break_profile(path, rng)
                if number % 3 == 2:
                    tool, note = "bagit-utils profile", say_profile_of_bagit_utils(path, changes)
                else:
                    tool, note = "bagit-profile", say_bagit_profile(path, changes, in_report=number % 2 == 1)
                if note:
                    yield tool, break_profile.__name__, path.name, note
    for break_object in OCFL:
        for _ in range(rounds):
            with folder() as where:
                path = _ocfl_object(where, rng)
                break_object(path, rng)
                if note := say_ocfl(path):
                    yield "ocfl-py", break_object.__name__, path.name, note


def main() -> None:
    logging.getLogger().handlers[:] = [logging.NullHandler()]
    with tempfile.TemporaryDirectory() as root:
        for tool, label, name, note in notes(int(sys.argv[1]) if len(sys.argv) > 1 else 6, Path(root)):
            print(json.dumps({"tool": tool, "label": label, "name": name, "note": note}))


if __name__ == "__main__":
    main()
