"""Runs one part of the benchmarks with Django set up for the database in DATABASE_URL.

`bench/run.py` starts this in a separate process. It writes progress lines to standard error and its result, as JSON, to
standard output.
"""

import argparse
import json
import os
import sys
from typing import Any


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def versions() -> dict[str, str]:
    """The versions of Python, Django, and the database."""
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


def dataset(options: argparse.Namespace) -> Any:
    from .dataset import create_dataset

    return create_dataset(options.items, options.entries, say) | {"versions": versions()}


def pages(options: argparse.Namespace) -> Any:
    from . import api_calls, pages

    return [*pages.measure(options.items, options.seconds, say), *api_calls.measure(options.seconds, say)]


def writes(options: argparse.Namespace) -> Any:
    from . import writes

    return writes.measure((1, 16), options.seconds, say)


def bulk(options: argparse.Namespace) -> Any:
    from . import bulk

    return bulk.measure(options.most, options.seconds, say)


def archive(options: argparse.Namespace) -> Any:
    from . import archive

    return archive.measure(options.seconds, say)


def export(options: argparse.Namespace) -> Any:
    from . import import_export

    return import_export.export(options.form, options.most, options.items, say)


def workers(options: argparse.Namespace) -> Any:
    from . import worker_stress

    return worker_stress.measure(options.items, options.most, options.seconds, say)


def measure_on_request(options: argparse.Namespace) -> Any:
    """Measures the pages it is options for on standard input until that is closed; see `bench.interleaved`."""
    from . import interleaved

    interleaved.measure_on_request(iter(sys.stdin.readline, ""), lambda answer: print(json.dumps(answer), flush=True))


def http_fixtures(options: argparse.Namespace) -> Any:
    """An API key and open items for `bench.http_throughput`."""
    from .api_calls import open_items
    from .dataset import WORKER, create_api_key

    return {"key": create_api_key(WORKER), "items": open_items(16)}


PARTS = {
    part.__name__: part
    for part in (dataset, pages, writes, bulk, archive, export, workers, measure_on_request, http_fixtures)
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--items", type=int)
    parser.add_argument("--entries", type=int)
    parser.add_argument("--most", type=int)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--form", choices=["csv", "json"])
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bench.settings")
    import django

    django.setup()
    result = PARTS[options.part](options)
    from django.db import connections

    connections.close_all()
    json.dump(result, sys.stdout)


if __name__ == "__main__":
    main()
