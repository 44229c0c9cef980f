"""Files that are something else: what they are, and how to get a file from them that can be imported."""

from .raw_rows import UnreadableFile
from .right_commands import AS_JSON

_AS_CSV = "Open it and save the sheet as “CSV UTF-8” (with text columns left as text), and import the new file."

# (what the file starts with, what it is, the way out)
KINDS: tuple[tuple[bytes, str, str], ...] = (
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Excel workbook of the old kind (xls)", _AS_CSV),
    (b"PAR1", "a Parquet file", "Convert it with duckdb -c \"copy (from 'FILE') to 'items.csv' (header)\"."),
    (b"ARROW1", "an Arrow (Feather) file", "Convert it with polars or pandas, reading all columns as text, to CSV."),
    (
        b"SQLite format 3\0",
        "a SQLite database",
        'Write the table as JSON: sqlite3 -json FILE "select * from work_items".',
    ),
    (b"PGDMP", "a pg_dump archive", f"Restore it into an empty database with pg_restore, and there run {AS_JSON}."),
    (b"PGCOPY\n\xff", "a binary \\copy of PostgreSQL", f"Write text instead: {AS_JSON}."),
    (b"\xfd7zXZ\0", "compressed with xz", "Uncompress it with xz -d and import the new file."),
    (b"BZh", "compressed with bzip2", "Uncompress it with bzip2 -d and import the new file."),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd", "Uncompress it with zstd -d and import the new file."),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "Unpack it and import the file inside."),
    (b"%PDF", "a PDF document", "Export the data itself, as CSV or JSON."),
    (b"RDX", "an R workspace", "In R, write the table with write.csv(x, row.names = FALSE)."),
    (
        b"<!doctype html",
        "a web page",
        "It may be a login page that was saved instead of the data. Save the reply of the API.",
    ),
    (b"<html", "a web page", "It may be a login page that was saved instead of the data. Save the reply of the API."),
    (b"<?xml", "an XML document", "Export the data as CSV or JSON."),
    (
        b"--\n-- postgresql database",
        "an SQL dump of PostgreSQL",
        f"Restore it into an empty database with psql, and there run {AS_JSON}.",
    ),
    (
        b"-- mysql dump",
        "an SQL dump of MySQL",
        "Restore it into an empty database, and write the table from there as CSV.",
    ),
    (
        b"pragma foreign_keys",
        "an SQL dump of SQLite",
        'Restore it with sqlite3, and there run "select * from work_items" with -json.',
    ),
    (
        b"insert into",
        "a file of SQL statements",
        "Run them in an empty database, and write the table from there as CSV or JSON.",
    ),
    (
        b"create table",
        "a file of SQL statements",
        "Run them in an empty database, and write the table from there as CSV or JSON.",
    ),
)
# (offset, bytes, what it is, the way out)
INSIDE: tuple[tuple[int, bytes, str, str], ...] = (
    (257, b"ustar", "a tar archive", "Unpack it and import the file inside."),
    (8, b"DUCK", "a DuckDB database", 'Convert it with duckdb FILE -c "copy work_items to \'items.csv\' (header)".'),
)  # fmt: skip
_IN_ZIP = (
    (b"opendocument.spreadsheet", "an OpenDocument spreadsheet (ods)"),
    (b"xl/", "an Excel workbook (xlsx)"),
)


def refuse(name: str, head: bytes) -> None:
    """Raises UnreadableFile if the file is of a kind that is known but isn't imported."""
    kind, way_out = _look(head)
    if kind:
        raise UnreadableFile(f"{name} is {kind}, which can't be imported. {way_out}")


def _look(head: bytes) -> tuple[str, str]:
    if head.startswith(b"PK\x03\x04"):
        sheet = next((kind for part, kind in _IN_ZIP if part in head), "")
        return (sheet, _AS_CSV) if sheet else ("a zip archive", "Unpack it and import the file inside.")
    start = head[:200].lstrip().lower()
    for magic, kind, way_out in KINDS:
        if head.startswith(magic) or (magic == magic.lower() and magic.isascii() and start.startswith(magic)):
            return kind, way_out
    for offset, magic, kind, way_out in INSIDE:
        if head[offset:].startswith(magic):
            return kind, way_out
    return "", ""
