"""What a column can hold."""

LARGEST = 2**63 - 1  # what a column of whole numbers holds


def whole_number(text: str) -> int | None:
    """The number that an address or a form has, where a column can hold it; else None."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= LARGEST else None
