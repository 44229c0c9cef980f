"""What the search box understands: words and phrases, lists of names, addresses, and an item's number."""

import unicodedata

import pytest
from django.http import QueryDict

from workitems.listing import ItemList
from workitems.listing.search_query import MOST_CHARACTERS, MOST_NAMES, MOST_WORDS, in_one_line, read_search

ETAG = "d18720b9ec3c24e0e6370fb4ff42b132"
NFD = unicodedata.normalize("NFD", "Fotos für Ärger")


def words(text):
    return [word[0] for word in read_search(text).words]


def names(text):
    return [name.text for name in read_search(text).names]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("bag", ["bag"]),
        ("  my \t big\u00a0\u2003bag ", ["my", "big", "bag"]),
        ("bag bag", ["bag"]),
        ('one "two  three" four', ["one", "two three", "four"]),
        ("“two three”", ["two three"]),
        ('5"bag', ['5"bag']),
        ('"', ['"']),
        ('""', ['""']),
        ("!?", ["!?"]),
        ("b\u200bag\ufeff", ["bag"]),
        (f'"{ETAG}"', [ETAG]),
        (f'W/"{ETAG.upper()}"', [ETAG]),
        (f"'{ETAG}-12'", [f"{ETAG}-12"]),
        ('W/"ABC1"', ["ABC1"]),
        ("s3://aptrust.receiving.virginia.edu/in/my bag.tar", ["my bag.tar"]),
        ("S3://bucket/what?.tar", ["what?.tar"]),
        ("s3://bucket/bag.tar?versionId=ab.c", ["bag.tar"]),
        ("https://s3.amazonaws.com/bucket/my%20bag.tar?X-Amz-Signature=ab,c;d", ["my%20bag.tar"]),
        ("https://bucket.example/bag.tar#top", ["bag.tar"]),
        ("https://bucket.example/", ["bucket.example"]),
        ("found https://bucket.example/bag.tar", ["found", "bag.tar"]),
        ("\u200b \u2060", []),
    ],
)
def test_words(text, expected):
    assert words(text) == expected
    assert names(text) == []


def test_a_word_has_all_its_spellings():
    [fotos, fuer, aerger] = read_search("Fotos für Ärger").words
    assert fotos == ("Fotos",)
    assert set(fuer) == {"für", unicodedata.normalize("NFD", "für")}
    assert read_search(NFD).words[2][0] in aerger
    assert read_search("b\u200bag").words == (("bag", "b\u200bag"),)
    assert read_search("https://x.example/b/my%20bag.tar").words == (("my%20bag.tar", "my bag.tar"),)


@pytest.mark.parametrize(
    "text",
    [
        "a.tar\nb.tar",
        "a.tar\r\n\r\n b.tar \r\n",
        "a.tar,b.tar",
        "a.tar, b.tar,",
        "a.tar;b.tar",
        "a.tar b.tar",
        "a.tar\tb.tar",
        '"a.tar",\n"b.tar",',
        "a.tar\nb.tar\na.tar",
    ],
)
def test_lists_of_names(text):
    found = read_search(text)
    assert names(text) == ["a.tar", "b.tar"]
    assert found.is_list


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f'{ETAG}\n"{ETAG[::-1]}-2"', [ETAG, f"{ETAG[::-1]}-2"]),
        ("virginia.edu/a virginia.edu/b", ["virginia.edu/a", "virginia.edu/b"]),
        ("s3://bucket/a.tar s3://bucket/b.tar", ["s3://bucket/a.tar", "s3://bucket/b.tar"]),
        ("my bag.tar\nMy, other.tar", ["my bag.tar", "My, other.tar"]),
        ("bag one; bag two", ["bag one", "bag two"]),
        ("a.tar\nb.tar, my bag", ["a.tar", "b.tar", "my bag"]),
        ("a.tar\nMy, other.tar, b.tar", ["a.tar", "My, other.tar, b.tar"]),
        ("Letters, 1890", ["Letters", "1890"]),
        ("'one bag'\n“two bags”\n'", ["one bag", "two bags", "'"]),
        ("\"one\nbag two'", ['"one', "bag two'"]),
        (
            "https://x.example/a%2Etar https://x.example/b%2Etar",
            ["https://x.example/a%2Etar", "https://x.example/b%2Etar"],
        ),
        ("a.tar, b c, d.tar\nx.tar", ["a.tar, b c, d.tar", "x.tar"]),
    ],
)
def test_names_in_lists(text, expected):
    assert names(text) == expected


def test_a_comma_can_be_part_of_a_name_so_the_words_are_searched_too():
    assert words("Letters, 1890.tar") == ["Letters,", "1890.tar"]
    assert names("Letters, 1890.tar") == ["Letters", "1890.tar"]
    assert names('"Letters, 1890.tar"') == []


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("2818", 2818),
        (" #2818\u200b ", 2818),
        ("https://workitems.example/items/2818?list=q%3Dx", None),
        ("https://workitems.example/items/2818", 2818),
        ("2818.tar", None),
        ("#", None),
        ("٣", None),
        ("9" * 18, int("9" * 18)),
        ("9" * 19, None),
        (f"https://workitems.example/items/{'9' * 19}", None),
    ],
)
def test_numbers(text, number):
    assert read_search(text).number == number


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("a\0b", "Remove the NUL character; no item contains one."),
        ("x" * 10_000, "Use at most 1000 characters."),
        ("\u200b\u200d", "There is nothing to search for: this text has no visible characters."),
        ("\n".join(f"{n}.tar" for n in range(1_001)), "Search for at most 1000 names at once; there are 1001 here."),
        (
            " ".join(map(str, range(51))),
            "Search for at most 50 words at once. If these are names, put each on a line of its own.",
        ),
    ],
)
def test_errors_say_what_to_do(ada, text, error):
    data = QueryDict(mutable=True)
    data["q"] = text
    listing = ItemList(data, ada)
    assert not listing.is_valid()
    assert listing.errors == {"q": error}
    assert list(listing.items()) == []


def test_a_thousand_names_are_a_search():
    assert len(read_search("\n".join(f"{n}.tar" for n in range(MOST_NAMES))).names) == MOST_NAMES


def test_a_long_text_of_several_names_is_a_list():
    """Where it isn't clear whether commas separate names, the length decides: of characters, or of words."""
    shorter = f"{'a' * 498}, {'b' * 500}"
    assert len(shorter) == MOST_CHARACTERS
    assert not read_search(shorter).is_list
    assert read_search(f"{shorter}b").is_list
    fifty = f"{'a ' * (MOST_WORDS - 1)}, b"
    assert len(words(fifty)) == 3  # equal ones count once
    many = [f"{number}" for number in range(MOST_WORDS)]
    assert not read_search(f"{' '.join(many[:-1])}, {many[-1]}").is_list
    assert read_search(f"{' '.join(many)}, x").is_list


def test_words_up_to_their_limits(ada):
    for text in ("x" * MOST_CHARACTERS, " ".join(map(str, range(MOST_WORDS)))):
        data = QueryDict(mutable=True)
        data["q"] = text
        assert ItemList(data, ada).is_valid(), text


def test_a_search_in_one_line():
    assert in_one_line(" a  b ") == " a  b "
    assert in_one_line(" a \n\n b") == "a; b"
