"""Files that are something else: what they are, and how to get a file from them that can be imported."""

import re

from .raw_rows import UnreadableFile
from .right_commands import AS_JSON

_AS_CSV = "Open it and save the sheet as “CSV UTF-8” (with text columns left as text), and import the new file."
_AS_TEXT = "Convert it with pandas or polars to CSV, reading all columns as text."
_FROM_R = "In R, write the table with write.csv(x, row.names = FALSE)."
_FROM_SQL = "Run it in an empty database, and write the table from there as CSV or JSON."
_FROM_POSTGRESQL = f"Restore it into an empty database with psql, and there run {AS_JSON}."
_UNPACK = "Unpack it and import the file inside."
_EXPORT = "Export the data itself, as CSV or JSON."
_LOGIN_PAGE = "It may be a login page that was saved instead of the data. Save the reply of the API."


def _uncompress(program: str) -> str:
    return f"Uncompress it with {program} -d and import the new file."


# (where, what is there, what it is, the way out)
_BINARY: tuple[tuple[int, bytes, str, str], ...] = (
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Excel workbook of the old kind (xls)", _AS_CSV),
    (0, b"PAR1", "a Parquet file", "Convert it with duckdb -c \"copy (from 'FILE') to 'items.csv' (header)\"."),
    (0, b"ARROW1", "an Arrow (Feather) file", _AS_TEXT),
    (0, b"FEA1", "an Arrow (Feather) file", _AS_TEXT),
    (0, b"Obj\x01", "an Avro file", _AS_TEXT),
    (0, b"\x89HDF\r\n", "an HDF5 file", _AS_TEXT),
    (0, b"$FL2", "an SPSS file", _AS_TEXT),
    (0, b"\x80\x03", "a Python pickle", _AS_TEXT),
    (0, b"\x80\x04", "a Python pickle", _AS_TEXT),
    (0, b"\x80\x05", "a Python pickle", _AS_TEXT),
    (0, b"RDX", "an R workspace", _FROM_R),
    (0, b"X\n\0\0\0", "a table of R (RDS)", _FROM_R),
    (
        0,
        b"SQLite format 3\0",
        "a SQLite database",
        'Write the table as JSON: sqlite3 -json FILE "select * from work_items".',
    ),
    (8, b"DUCK", "a DuckDB database", "Convert it with duckdb FILE -c \"copy work_items to 'items.csv' (header)\"."),
    (4, b"Standard ", "an Access database", "Export its table as a text file with the field names in the first row."),
    (0, b"PGDMP", "a pg_dump archive", f"Restore it into an empty database with pg_restore, and there run {AS_JSON}."),
    (0, b"PGCOPY\n\xff", "a binary \\copy of PostgreSQL", f"Write text instead: {AS_JSON}."),
    (0, b"\x1f\x8b", "compressed with gzip twice", _uncompress("gzip")),
    (0, b"\xfd7zXZ\0", "compressed with xz", _uncompress("xz")),
    (0, b"]\0\0", "compressed with lzma", _uncompress("xz")),
    (0, b"BZh", "compressed with bzip2", _uncompress("bzip2")),
    (0, b"\x28\xb5\x2f\xfd", "compressed with zstd", _uncompress("zstd")),
    (0, b"\x04\x22\x4d\x18", "compressed with lz4", _uncompress("lz4")),
    (0, b"LZIP", "compressed with lzip", _uncompress("lzip")),
    (0, b"\x1f\x9d", "compressed with compress", _uncompress("gzip")),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive", _UNPACK),
    (0, b"Rar!\x1a\x07", "a RAR archive", _UNPACK),
    (0, b"PK\x05\x06", "an empty zip archive", "Pack it again, or use the file that should be inside."),
    (257, b"ustar", "a tar archive", _UNPACK),
    (0, b"%PDF", "a PDF document", _EXPORT),
    (0, b"{\\rtf", "a text document (RTF)", _EXPORT),
)
# (how the text begins, in any case and after white space, what it is, the way out)
_TEXTS: tuple[tuple[bytes, str, str], ...] = (
    (rb"<!doctype html|<html|<head|<body", "a web page", _LOGIN_PAGE),
    (rb"<(table|div|p)\b", "a table as a web page shows it (HTML)", _EXPORT),
    (rb"<\?xml|<!doctype|<\w", "an XML document", _EXPORT),
    (rb"--\s+-- postgresql database", "an SQL dump of PostgreSQL", _FROM_POSTGRESQL),
    (rb"(/\*.*?\*/\s*)?-- (mysql|mariadb) dump", "an SQL dump of MySQL", _FROM_SQL),
    (
        rb"pragma foreign_keys",
        "an SQL dump of SQLite",
        'Restore it with sqlite3, and there run "select * from work_items" with -json.',
    ),
    (
        rb"(?>\s|--[^\n]*\n|/\*.*?\*/;?)*+(insert into|create (table|database|schema)|drop (table|database)|lock tables|"
        rb"set \w+|use \w+;|begin( transaction)?;|start transaction|copy \S+ \(|pragma \w|select \S+ from)",
        "a file of SQL statements",
        _FROM_SQL,
    ),
    (rb"(---\s*\n)?- [\"']?\w+[\"']?:\s", "a YAML document", _EXPORT),
    (rb"ID;P", "a sheet in the SYLK format", _AS_CSV),
    (rb"TABLE\r?\n0,1", "a sheet in the DIF format", _AS_CSV),
    (rb"orc[^ -~]", "an ORC file", _AS_TEXT),
    (rb"-----BEGIN PGP MESSAGE", "encrypted with GnuPG", "Decrypt it with gpg -d and import the new file."),
    (rb"version https://git-lfs", "a pointer of Git LFS", "Get the file itself with git lfs pull."),
)
_TEXT_KINDS = tuple(
    (re.compile(rb"\s*+(?><!--.*?-->\s*)*+(?:" + start + rb")", re.IGNORECASE | re.DOTALL), kind, way_out)
    for start, kind, way_out in _TEXTS
)
_IN_ZIP = (
    (b"opendocument.spreadsheet", "an OpenDocument spreadsheet (ods)"),
    (b"xl/", "an Excel workbook (xlsx)"),
)
_START = 2000  # bytes in which a text shows what it is


def refuse(name: str, head: bytes) -> None:
    """Raises UnreadableFile if the file is of a kind that is known but isn't imported, or no text at all."""
    kind, way_out = _look(head)
    if kind:
        raise UnreadableFile(f"{name} is {kind}, which can't be imported. {way_out}")


def _look(head: bytes) -> tuple[str, str]:
    if head.startswith(b"PK\x03\x04"):
        sheet = next((kind for part, kind in _IN_ZIP if part in head), "")
        return (sheet, _AS_CSV) if sheet else ("a zip archive", _UNPACK)
    for offset, magic, kind, way_out in _BINARY:
        if head[offset:].startswith(magic):
            return kind, way_out
    for start, kind, way_out in _TEXT_KINDS:
        if start.match(head[:_START]):
            return kind, way_out
    if b"\0" in head[:64] and head.lstrip()[:1] not in (b"{", b"["):
        return "binary data of an unknown kind", _EXPORT
    return "", ""
