"""Is this my file? Real files, read in the browser by the page's own scripts."""

import hashlib
import os

import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from playwright.sync_api import expect

from workitems import transitions
from workitems.pages import file_check

from ..factories import make_item
from .clipboard import pasted

ONE_DATABASE_IS_ENOUGH = True
MIB = 2**20
PAGE = "/check-a-file"

# Section A.5 of RFC 1321.
VECTORS = {
    "": "d41d8cd98f00b204e9800998ecf8427e",
    "a": "0cc175b9c0f1b6a831c399e269772661",
    "abc": "900150983cd24fb0d6963f7d28e17f72",
    "message digest": "f96b697d7cb7938d525a2f31aaf161d0",
    "abcdefghijklmnopqrstuvwxyz": "c3fcd3d76192e4007dfb496cca67e13b",
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789": "d174ab98d277d9f5a5611c2c9f419d9f",
    "1234567890" * 8: "57edf4a22be3c955ac49da2e2107b67a",
}
ETAGS = """({ text, sizes }) => new Promise((done, failed) => {
  const worker = new Worker("/static/etag_worker.js");
  const file = new Blob([Uint8Array.from(text, (letter) => letter.charCodeAt(0))]);
  worker.onmessage = ({ data }) => { if (data.read === undefined) { worker.terminate(); done(data.etags); } };
  worker.onerror = failed;
  worker.postMessage({ file, length: file.size, sizes: sizes.map((size) => size ?? Infinity) });
})"""
PART_SIZES = """async ([size, parts]) => {
  const { partSizes } = await import("/static/check_a_file.js");
  return partSizes(size, parts);
}"""


def md5(contents):
    return hashlib.md5(contents, usedforsecurity=False)


def etag_of(contents, part_size=None):
    """Returns the etag that S3 gives to these contents."""
    if part_size is None:
        return md5(contents).hexdigest()
    starts = range(0, len(contents), part_size) or [0]
    digests = [md5(contents[start : start + part_size]).digest() for start in starts]
    return f"{md5(b''.join(digests)).hexdigest()}-{len(digests)}"


CONTENTS = bytes(range(256)) * (17 * MIB // 256) + b"the end"
SIZE = len(CONTENTS)


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """A file a little larger than 17 MiB."""
    path = tmp_path_factory.mktemp("bags") / "virginia.edu.atlas.tar"
    path.write_bytes(CONTENTS)
    return path


@pytest.fixture
def at_the_page(opened, dora):
    page = opened(dora)
    page.goto(PAGE)
    return page


@pytest.fixture
def at_an_item(opened, dora, virginia):
    """A function that opens the folded panel on the page of an item with this etag and size."""

    def open_item(etag, size=SIZE):
        page = opened(dora)
        page.goto(f"/items/{make_item(virginia, etag=etag, size=size).pk}")
        page.get_by_role("link", name="Is this my file?").click()
        return page

    return open_item


def chooser(page):
    return page.get_by_label("Choose the file, or drop it here")


def outcome(page):
    return page.locator("[data-part=outcome]")


def drop(page, files):
    """Drops files on the panel; files are {name: contents}."""
    data = page.evaluate_handle(
        """(files) => {
          const data = new DataTransfer();
          for (const [name, text] of Object.entries(files)) data.items.add(new File([text], name));
          return data;
        }""",
        files,
    )
    page.dispatch_event(".file-check", "drop", {"dataTransfer": data})


def etags_in(page, contents, *part_sizes):
    """Returns the etags that the page's own worker finds; a part size of None is a plain MD5."""
    text = contents.decode("latin-1")
    return [one["etag"] for one in page.evaluate(ETAGS, {"text": text, "sizes": part_sizes})]


def test_md5_has_the_values_of_the_rfc(at_the_page):
    assert {text: etags_in(at_the_page, text.encode(), None)[0] for text in VECTORS} == VECTORS


def test_md5_of_any_contents_is_that_of_python(at_the_page):
    """Lengths around the ends of blocks, where padding needs one block or two."""
    lengths = st.builds(lambda blocks, more: max(0, 64 * blocks + more), st.integers(0, 5), st.integers(-10, 10))

    @hypothesis_settings(max_examples=100)
    @given(lengths.flatmap(lambda length: st.binary(min_size=length, max_size=length)))
    def check(contents):
        assert etags_in(at_the_page, contents, None) == [md5(contents).hexdigest()]

    check()


def test_etags_of_any_contents_and_part_sizes(at_the_page):
    """All part sizes in one reading, with parts that begin at the same place and parts that end with the file."""
    sizes = st.lists(st.integers(1, 12).map(lambda blocks: 64 * blocks), min_size=1, max_size=4)

    @hypothesis_settings(max_examples=60)
    @given(st.binary(max_size=1500), sizes)
    def check(contents, part_sizes):
        asked = [None, *part_sizes]
        assert etags_in(at_the_page, contents, *asked) == [etag_of(contents, size) for size in asked]

    check()


def test_etags_of_a_file_of_several_chunks(at_the_page, file):
    chooser(at_the_page).set_input_files(file)
    expect(outcome(at_the_page)).to_have_text("These are the etags that this file can have.")
    rows = at_the_page.locator(".etags tbody tr")
    assert rows.locator("code").all_text_contents() == [
        etag_of(CONTENTS),
        etag_of(CONTENTS, 64 * MIB),
        *(etag_of(CONTENTS, mib * MIB) for mib in (5, 8, 10, 15, 16)),
    ]
    assert rows.locator("th").all_text_contents() == [
        "In one piece (MD5)",
        "In one part (smart_open)",
        "In parts of 5\u00a0MiB (MinIO's Python client or the AWS SDK for JavaScript)",
        "In parts of 8\u00a0MiB (boto3 or the AWS command line)",
        "In parts of 10\u00a0MiB",
        "In parts of 15\u00a0MiB (s3cmd)",
        "In parts of 16\u00a0MiB",
    ]
    link = rows.get_by_role("link").nth(3)
    assert link.get_attribute("href") == f"/items/?q={etag_of(CONTENTS, 8 * MIB)}"


@pytest.mark.parametrize(
    ("part_size", "sentence"),
    [
        (None, "This is your file: its MD5 is the etag."),
        (50 * MIB, "This is your file, as smart_open sends it (in one part)."),
        (8 * MIB, "This is your file, as boto3 or the AWS command line sends it (in parts of 8\u00a0MiB)."),
        (15 * MIB, "This is your file, as s3cmd sends it (in parts of 15\u00a0MiB)."),
        (16 * MIB, "This is your file, sent in parts of 16\u00a0MiB."),
        (7 * MIB, "This is your file, sent in parts of 7\u00a0MiB."),
        (MIB // 2, "This is your file, sent in parts of 512\u00a0KiB."),
    ],
)
def test_the_file_of_an_item(at_an_item, file, part_size, sentence):
    page = at_an_item(etag_of(CONTENTS, part_size))
    chooser(page).set_input_files(file)
    expect(outcome(page)).to_have_text(sentence)
    expect(outcome(page)).to_have_attribute("data-answer", "yes")
    expect(page.get_by_role("button", name="Cancel", exact=True)).to_be_hidden()


def test_a_file_of_exactly_one_part_of_boto3(at_an_item, tmp_path):
    file, contents = tmp_path / "bag.tar", CONTENTS[: 8 * MIB]
    file.write_bytes(contents)
    page = at_an_item(etag_of(contents, 8 * MIB), size=len(contents))
    chooser(page).set_input_files(file)
    expect(outcome(page)).to_have_text(
        "This is your file, as boto3, the AWS command line, or smart_open sends it (in one part)."
    )


@pytest.mark.parametrize(
    ("etag", "sentence"),
    [
        ("a" * 32, "This isn't the file that was uploaded."),
        ("a" * 32 + "-1", "This isn't the file that was uploaded."),
        (
            "a" * 32 + "-4",
            "This isn't the file that was uploaded, or it was sent in parts of a size we didn't try. We tried 5\u00a0MiB.",
        ),
        (
            "a" * 32 + "-20",
            "This isn't the file that was uploaded, or it was sent in parts of a size we didn't try: a file of this size "
            "isn't usually sent in 20 parts.",
        ),
    ],
)
def test_another_file_of_the_same_size(at_an_item, file, etag, sentence):
    page = at_an_item(etag)
    chooser(page).set_input_files(file)
    expect(outcome(page)).to_have_text(sentence)
    expect(outcome(page)).to_have_attribute("data-answer", "no")
    expect(page.get_by_text("Exception: if the bucket encrypts")).to_be_visible(
        visible=not etag.endswith(("-4", "-20"))
    )


def test_a_file_of_another_size_is_not_read(at_an_item, file):
    page = at_an_item(etag_of(CONTENTS), size=4711)
    page.evaluate("window.Worker = undefined")
    chooser(page).set_input_files(file)
    expect(outcome(page)).to_have_text(
        "This isn't the file that was uploaded: it has 17,825,799 bytes, and the uploaded file has 4,711."
    )


def test_an_etag_as_it_was_copied(at_the_page, file):
    at_the_page.get_by_label("Etag (optional)").fill(f' W/"{etag_of(CONTENTS, 8 * MIB).upper()}" ')
    chooser(at_the_page).set_input_files(file)
    expect(outcome(at_the_page)).to_contain_text("This is your file, as boto3")
    at_the_page.get_by_label("Etag (optional)").fill("b" * 32)
    at_the_page.get_by_label("Etag (optional)").press("Enter")
    expect(outcome(at_the_page)).to_have_text("This isn't the file that was uploaded.")


@pytest.mark.parametrize("etag", ["12345", f"{'a' * 32}-0"])
def test_an_etag_that_nothing_can_be_compared_with(etag, at_the_page, file):
    field = at_the_page.get_by_label("Etag (optional)")
    field.fill(etag)
    chooser(at_the_page).set_input_files(file)
    expect(outcome(at_the_page)).to_contain_text("This isn't an etag that a file can be compared with.")
    expect(field).to_have_attribute("aria-invalid", "true")
    field.fill(etag_of(CONTENTS))
    field.press("Tab")
    expect(outcome(at_the_page)).to_contain_text("This is your file")
    expect(field).to_have_attribute("aria-invalid", "false")


def test_dropping_a_file(at_an_item):
    page = at_an_item(etag_of(b"a small bag"), size=11)
    drop(page, {"<b>bag</b>.tar": "a small bag"})
    expect(outcome(page)).to_have_text("This is your file: its MD5 is the etag.")
    expect(page.locator(".file-name")).to_have_text("<b>bag</b>.tar")
    drop(page, {"bag.tar": "a small bag", "other.tar": "another bag"})
    expect(outcome(page)).to_have_text("Choose one file at a time.")


def test_an_empty_file(at_the_page):
    at_the_page.get_by_label("Etag (optional)").fill(etag_of(b""))
    drop(at_the_page, {"empty.tar": ""})
    expect(outcome(at_the_page)).to_have_text("This is your file: its MD5 is the etag.")


def test_cancelling_with_the_keyboard(at_the_page, tmp_path):
    """The file is so large that it can't be read before the key is pressed; on the disk it takes no room."""
    file = tmp_path / "giant.tar"
    file.touch()
    os.truncate(file, 50_000 * MIB)
    page = at_the_page
    chooser(page).set_input_files(file)
    expect(page.locator("[data-part=numbers]")).to_contain_text("of 52.4\u00a0GB")
    assert 0 < page.get_by_role("progressbar").evaluate("bar => bar.value") < 1
    page.get_by_role("button", name="Cancel", exact=True).press("Enter")
    expect(outcome(page)).to_have_text("Cancelled. Nothing was compared.")
    expect(page.get_by_role("progressbar")).to_be_hidden()
    expect(chooser(page)).to_be_focused()
    drop(page, {"bag.tar": "a small bag"})
    expect(page.locator(".etags code").first).to_have_text(etag_of(b"a small bag"))


def test_a_file_that_was_removed_since_it_was_chosen(at_the_page, tmp_path):
    file = tmp_path / "bag.tar"
    file.write_bytes(b"as it was")
    field = at_the_page.get_by_label("Etag (optional)")
    field.fill("not an etag")
    chooser(at_the_page).set_input_files(file)
    expect(outcome(at_the_page)).to_contain_text("This isn't an etag")
    file.unlink()
    field.fill(etag_of(b"as it was"))
    field.press("Tab")
    expect(outcome(at_the_page)).to_have_text(
        "The file can't be read. It may have been moved or changed, or it is a folder."
    )


def test_nothing_of_the_file_is_sent(at_the_page, file):
    sent = []
    at_the_page.on("request", lambda request: sent.append((request.method, request.post_data)))
    chooser(at_the_page).set_input_files(file)
    expect(outcome(at_the_page)).to_have_text("These are the etags that this file can have.")
    assert sent
    assert {*sent} == {("GET", None)}  # the worker's scripts


def test_live_updates_leave_a_result_alone(opened, dora, virginia, wally):
    """The panel stands outside of the article that live.js replaces, and doesn't stop it either."""
    item = make_item(virginia, etag=etag_of(b"a small bag"), size=11)
    page = opened(dora)
    page.clock.install()
    page.goto(f"/items/{item.pk}#is-this-my-file")
    drop(page, {"bag.tar": "a small bag"})
    expect(outcome(page)).to_contain_text("This is your file")
    transitions.progress(item, stage="Validate", by=wally)
    page.clock.fast_forward(20_000)
    expect(page.locator(".item-head .status")).to_contain_text("Validate")
    expect(outcome(page)).to_contain_text("This is your file")


@pytest.mark.parametrize(
    ("size", "parts", "first", "others"),
    [
        (100 * MIB, 2, [50, 64], 48),
        (5120 * MIB, 640, [8], 0),
        (5120 * MIB, 5, [1024], 4),
        (8 * MIB, 2, [5, 4], 2),
        (0, 2, [], 0),
        (100, 0, [], 0),
    ],
)
def test_the_part_sizes_that_are_tried(at_the_page, size, parts, first, others):
    """The usual ones first, and of a large file only so many others that it isn't read for hours."""
    found = [[part / MIB for part in sizes] for sizes in at_the_page.evaluate(PART_SIZES, [size, parts])]
    usual, tried = [*found, [], []][:2]
    assert (usual, len(tried)) == (first, others)
    assert all(-(-size // (part * MIB)) == parts for part in usual + tried)


def test_round_part_sizes_come_first(at_the_page):
    _, others = at_the_page.evaluate(PART_SIZES, [5120 * MIB, 5])
    assert [part / MIB for part in others] == [1152, 1100, 1200, 1088]


def test_copying_the_script(opened, dora):
    page = opened(dora)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(PAGE)
    page.get_by_role("button", name="Copy the script").click()
    expect(page.locator(".messages .copied")).to_have_text("Copied.")
    assert pasted(page) == file_check.script_for_servers()
    assert file_check.script_for_servers() == (settings.BASE_DIR / "static/check_etag.py").read_text()


def test_without_scripts_the_page_names_the_script_for_servers(opened, dora):
    page = opened(dora, java_script_enabled=False)
    page.goto(PAGE)
    expect(page.get_by_text("Use the script for servers instead.")).to_be_visible()
    expect(page.locator("[data-part=chooser]")).to_be_hidden()
    expect(page.locator("#script")).to_contain_text("python3 check_etag.py FILE ETAG")
