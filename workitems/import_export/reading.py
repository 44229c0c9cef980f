"""What exports share: which columns they have, and JSON as we write it."""

import json
from datetime import UTC, datetime
from typing import Any

# What follows from an item's other columns or its history, and is in no file.
DERIVED_COLUMNS = frozenset({"version", "search_text", "stage_entered_at"})


def format_time(value: datetime) -> str:
    """Formats a time as RFC 3339 in UTC, with as many digits as the database stores."""
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _plain(value: Any) -> str:
    return format_time(value) if isinstance(value, datetime) else str(value)


as_json = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":"), default=_plain
).encode  # created once, not per row
