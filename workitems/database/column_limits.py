"""The largest number that a column can hold, and parsing of numbers within that limit."""

MAX_BIGINT = 2**63 - 1  # the largest value of a bigint column


def parse_bigint(text: str) -> int | None:
    """Returns the number in a text from an address or a form, or None if it isn't one that a column can hold."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= MAX_BIGINT else None
