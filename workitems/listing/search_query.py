"""What somebody types or pastes into the search box: words, a list of complete names, or an item's number.

Names in the database stay as they came, and so does the text that is searched. So the spellings that count as the same
are all tried: composed and decomposed letters (NFC and NFD).
Invisible characters and the number of spaces don't count in words; complete names are also tried without them.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import unquote

from ..lifecycle import normalize_etag
from ..search import visible

MOST_NAMES = 1_000
MOST_WORDS = 50  # more than that is a sentence from somewhere else, and each word costs a comparison per item
MOST_CHARACTERS = 1_000  # of words; names are limited by their number

_ADDRESS = re.compile(r"(?:s3|https?)://", re.IGNORECASE)
_ANOTHER_ADDRESS = re.compile(r"[\s,;]+(?=(?:s3|https?)://)", re.IGNORECASE)
_ITEM_PAGE = re.compile(r"/items/([0-9]{1,18})/?$")
# A quoted phrase is one word, also in the quotes that text programs put; so is a weak etag, as HTTP has it.
_WORD = re.compile(r'(?<!\S)(?:W/)?["“”]([^"“”]*[^"“”\s][^"“”]*)["“”](?!\S)|(\S+)')
_PHRASE = re.compile(r'["“”][^"“”]*["“”]')
_NUMBER = re.compile(r"#?([0-9]{1,18})", re.ASCII)  # longer ones are the number of no item
_OBJECT = re.compile(r"[\w-]+(?:\.[\w-]+)+/\S+")
_QUOTES = "\"'“”‘’`"
_QUOTED = re.compile(f"[{_QUOTES}](.*)[{_QUOTES}]", re.DOTALL)
Spellings = tuple[str, ...]


class SoughtName(NamedTuple):
    """A complete name, etag, or object identifier, as it was given and in the spellings that count as the same."""

    text: str
    spellings: Spellings


@dataclass(frozen=True)
class SearchQuery:
    """What is searched for.

    - `words`: all of them have to occur; each in one of its spellings
    - `names`: items with any of them are found. With words, too, an item may match either: a comma can be part of a name.
    - `number`: the number of an item, if the text is one
    """

    words: tuple[Spellings, ...] = ()
    names: tuple[SoughtName, ...] = ()
    number: int | None = None

    @property
    def is_list(self) -> bool:
        """Whether only complete names are searched for."""
        return bool(self.names) and not self.words


def read_search(text: str) -> SearchQuery:
    """Reads a search. Without words and names, the text has no visible character."""
    pieces = _split(text)
    names = tuple({name.text: name for name in map(_sought_name, pieces) if name.text}.values())
    if len(names) > 1 and (all(map(_looks_complete, pieces)) or len(text) > MOST_CHARACTERS):
        return SearchQuery(names=names)
    words = _read_words(text)
    if len(names) > 1 and len(words) > MOST_WORDS:
        return SearchQuery(names=names)
    return SearchQuery(words, names if len(names) > 1 else (), _read_number(text))


def in_one_line(text: str) -> str:
    """Returns a search without its line breaks, which a search box would drop; a list of names stays one."""
    return "; ".join(line.strip() for line in text.splitlines() if line.strip()) if len(text.splitlines()) > 1 else text


def _split(text: str) -> list[str]:
    """Returns the names of a list, by line, semicolon, or comma; by spaces only if each part looks like a whole name."""
    if _is_address(text) or _PHRASE.fullmatch(visible(text).strip()):
        return [text]
    for pieces in (text.splitlines(), text.split(";"), text.split(",")):
        if sum(map(_is_filled, pieces)) > 1:
            break
    return [part for piece in pieces if _is_filled(piece) for part in _split_further(piece.strip())]


def _split_further(piece: str) -> list[str]:
    if _is_address(piece):
        return [piece]
    parts = _filled_parts(r"[\s,;]+", piece)
    if all(map(_looks_complete, parts)):
        return parts
    # A comma after something that isn't a complete name can be part of a name.
    parts = _filled_parts(r"[,;]", piece)
    return [part.strip() for part in parts] if all(map(_looks_complete, parts[:-1])) else [piece]


def _filled_parts(separator: str, text: str) -> list[str]:
    return [part for part in re.split(separator, text) if _is_filled(part)]


def _is_filled(text: str) -> bool:
    return bool(visible(text).strip())


def _is_address(text: str) -> bool:
    """Returns whether the text is one address: those of S3 can hold spaces and commas."""
    text = visible(text).strip()
    return bool(_ADDRESS.match(text)) and not _ANOTHER_ADDRESS.search(text) and not _names_follow(text)


def _names_follow(text: str) -> bool:
    """Returns whether more complete names follow an address."""
    first, *others = re.split(r"[\s,;]+", text)
    return bool(others) and _looks_complete(first) and all(map(_looks_complete, others))


def _looks_complete(text: str) -> bool:
    text = visible(text).strip().strip(_QUOTES)
    if _ADDRESS.match(text):
        text = _last_part(text)[-1]
    return (
        text.lower().endswith(".tar")
        or _is_etag(text)
        or (_OBJECT.fullmatch(text) is not None and not text.endswith((".", ",")))
    )


def _is_etag(text: str) -> bool:
    return normalize_etag(f'"{text}"') != f'"{text}"'


def _last_part(address: str) -> list[str]:
    """Returns the last part of an address's path, as written and decoded: the name of the bag.

    The parameters of a signed address are left out. Keys of S3 can have a question mark, and those of s3:// aren't encoded.
    """
    scheme, _separator, rest = address.partition("://")
    path = rest if scheme.lower() == "s3" else re.split(r"[?#]", rest)[0]
    path = re.split(r"\?(?=[\w-]+=)", path)[0].rstrip("/")
    last = path.rpartition("/")[2]
    return list(dict.fromkeys([last, unquote(last)]))


def _sought_name(piece: str) -> SoughtName:
    """Returns a name of a list without the quotes around it, and its last part if it is an address."""
    shown = visible(piece).strip()
    if quoted := _QUOTED.fullmatch(shown):
        shown = quoted[1].strip()
    return SoughtName(shown, _spellings(_candidates(piece.strip(), shown)))


def _candidates(given: str, shown: str) -> list[str]:
    if _ADDRESS.match(shown):
        return _last_part(shown)
    etag = normalize_etag(visible(given).strip())
    return [shown, etag, given, " ".join(shown.split())]


def _spellings(texts: Iterable[str]) -> Spellings:
    """Returns the texts as they are, composed, and decomposed."""
    found = [form for text in texts for form in (text, *(unicodedata.normalize(name, text) for name in ("NFC", "NFD")))]
    return tuple(dict.fromkeys(form for form in found if form))


def _read_words(text: str) -> tuple[Spellings, ...]:
    if not _is_filled(text):
        return ()
    if _is_address(text):
        return (_spellings(_last_part(visible(text).strip())),)
    words = [_read_word(found[1], found[2]) for found in _WORD.finditer(text)]
    return tuple(dict.fromkeys(word for word in words if word))


def _read_word(phrase: str | None, word: str | None) -> Spellings:
    given = (phrase or word or "").strip()
    shown = " ".join(visible(given).split())
    if not shown:
        return ()
    if word and _ADDRESS.match(shown):
        return _spellings(_last_part(shown))
    bare = shown.strip(_QUOTES)
    if _is_etag(bare):
        return (bare.lower(),)
    return _spellings([shown, given])


def _read_number(text: str) -> int | None:
    shown = visible(text).strip()
    found = _NUMBER.fullmatch(shown) or (_ITEM_PAGE.search(shown) if _ADDRESS.match(shown) else None)
    return int(found[1]) if found else None
