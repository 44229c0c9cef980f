"""One part of a benchmark in a process of its own, with Django set up for the database in DATABASE_URL.

`bench/run.py` starts it. Progress goes to standard error, a line each; the result, as JSON, to standard output.
"""

import argparse
import json
import os
import sys
from typing import Any


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def versions() -> dict[str, str]:
    """What was measured with."""
    import platform

    import django
    import psycopg
    from django.db import connection

    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SHOW server_version")
            server = {"PostgreSQL": cursor.fetchone()[0].split()[0], "psycopg": psycopg.__version__}
        else:
            cursor.execute("SELECT sqlite_version()")
            server = {"SQLite": cursor.fetchone()[0]}
    return {"Python": platform.python_version(), "Django": django.get_version(), **server}


def make(asked: argparse.Namespace) -> Any:
    from .making import make

    return make(asked.items, asked.entries, say) | {"versions": versions()}


def pages(asked: argparse.Namespace) -> Any:
    from . import calls, pages

    return [*pages.measure(asked.items, asked.seconds, say), *calls.measure(asked.seconds, say)]


def writes(asked: argparse.Namespace) -> Any:
    from . import writes

    return writes.measure((1, 16), asked.seconds, say)


def bulk(asked: argparse.Namespace) -> Any:
    from . import bulk

    return bulk.measure(asked.most, asked.seconds, say)


def archive(asked: argparse.Namespace) -> Any:
    from . import archive

    return archive.measure(asked.seconds, say)


def export(asked: argparse.Namespace) -> Any:
    from . import volume

    return volume.export(asked.form, asked.most, asked.items, say)


def workers(asked: argparse.Namespace) -> Any:
    from . import workers

    return workers.measure(asked.items, asked.most, asked.seconds, say)


def follow(asked: argparse.Namespace) -> Any:
    """Answers as long as there are questions; see `bench.turns`."""
    from . import turns

    turns.follow(iter(sys.stdin.readline, ""), lambda answer: print(json.dumps(answer), flush=True))


def ready(asked: argparse.Namespace) -> Any:
    """A key and open items for the callers over HTTP."""
    from .calls import open_items
    from .making import WORKER, key_of

    return {"key": key_of(WORKER), "items": open_items(16)}


PARTS = {part.__name__: part for part in (make, pages, writes, bulk, archive, export, workers, follow, ready)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--items", type=int)
    parser.add_argument("--entries", type=int)
    parser.add_argument("--most", type=int)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--form", choices=["csv", "json"])
    asked = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bench.settings")
    import django

    django.setup()
    result = PARTS[asked.part](asked)
    from django.db import connections

    connections.close_all()
    json.dump(result, sys.stdout)


if __name__ == "__main__":
    main()
