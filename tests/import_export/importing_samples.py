"""Rows as other systems export them, and a function that writes files of them."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from workitems.import_export import import_files
from workitems.import_export.importing.run import Summary

REGISTRY_COLUMNS = [
    *("id", "created_at", "updated_at", "intellectual_object_id", "generic_file_id", "name", "etag", "bucket", "user"),
    *("note", "action", "stage", "status", "outcome", "bag_date", "date_processed", "retry", "node", "pid"),
    *("needs_admin_review", "institution_id", "queued_at", "size", "stage_started_at", "aptrust_approver"),
    *("inst_approver", "deletion_request_id"),
]
INSTITUTIONS = "id,name,identifier,type\n4,North Carolina State University,NCSU.edu,Member\n5,Jhu,jhu.edu,Member\n"


def pharos(**fields: Any) -> dict[str, Any]:
    """Returns an item as the member API of Pharos returns it."""
    return {
        "id": 71,
        "created_at": "2021-03-04T05:06:07Z",
        "updated_at": "2021-03-05T05:06:07.123456789Z",
        "name": "ncsu.1840.16-1004.tar",
        "etag": "d18720b9ec3c24e0e6370fb4ff42b132",
        "bucket": "aptrust.receiving.ncsu.edu",
        "user": None,
        "institution": "ncsu.edu",
        "note": "Bag is in the receiving bucket.",
        "action": "Ingest",
        "stage": "Receive",
        "status": "Pending",
        "outcome": None,
        "bag_date": "0001-01-01T00:00:00Z",
        "date": "2021-03-04T07:06:07.5+02:00",
        "retry": True,
        "reviewed": False,
        "object_identifier": None,
        "generic_file_identifier": None,
        **fields,
    }


def registry(**fields: Any) -> dict[str, Any]:
    """Returns a row of Registry's table as PostgreSQL exports it to CSV."""
    return dict.fromkeys(REGISTRY_COLUMNS, "") | {
        "id": "71",
        "created_at": "2021-03-04 05:06:07.123456",
        "updated_at": "2021-03-05 05:06:07+00",
        "name": "ncsu.1840.16-1004.tar",
        "etag": "d18720b9ec3c24e0e6370fb4ff42b132",
        "bucket": "aptrust.receiving.ncsu.edu",
        "user": "system@aptrust.org",
        "note": "Bag is in the receiving bucket.",
        "action": "Ingest",
        "stage": "Receive",
        "status": "Pending",
        "date_processed": "2021-03-04 05:06:07.5",
        "retry": "t",
        "pid": "0",
        "needs_admin_review": "f",
        "institution_id": "4",
        "size": "21200000000",
        **fields,
    }


def registry_csv(*rows: dict[str, Any]) -> str:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, REGISTRY_COLUMNS)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def json_lines(*rows: Any) -> str:
    return "".join(f"{json.dumps(row)}\n" for row in rows)


def list_reply(*rows: Any, indent: int | None = None) -> str:
    return json.dumps({"count": len(rows), "next": None, "previous": None, "results": rows}, indent=indent)


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def taker(folder: Path) -> Callable[..., Summary]:
    """A function that imports a file with this content; keywords go to import_files."""

    def take(content: str | bytes, name: str = "items.json", **options: Any) -> Summary:
        return import_files([write(folder, name, content)], **options)

    return take


def reader_of_rejects(folder: Path) -> Callable[..., list[dict[str, str]]]:
    """A function that returns the rows of a rejects file."""

    def refused(name: str = "items.rejects.csv") -> list[dict[str, str]]:
        with (folder / name).open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    return refused


def counts(summary: Summary) -> tuple[int, ...]:
    return (summary.created, summary.updated, summary.unchanged, summary.newer_here, summary.rejected)
