"""What the pages cost as the table grows: list, filters, search, item, bulk review. In process, through the whole of Django.

    python bench/list_page.py [--items 3000 100000] [--database postgresql|sqlite] [--bulk]

Medians of many calls within one run, beside the floor (a page that shows nothing: the glossary) and with the time that the
database took of it. `--bulk` marks every closed item reviewed, as the page does it: slice by slice.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.throwaway_postgres import cluster  # noqa: E402

DOMAINS = [
    "virginia.edu",
    "ncsu.edu",
    "columbia.edu",
    "jhu.edu",
    "georgetown.edu",
    *(f"member{n}.edu" for n in range(20)),
]
SHARES = [33, 14, 9, 7, 5, *([1.6] * 20)]
CASES = {
    "no filter": "",
    "common value": "status=Success",
    "rare pair": "status=Cancelled&item_action=Restore",
    "three filters": "item_action=Ingest&stage=Validate&status=Failed",
    "search, rare": "q=bag-000123",
    "search, common": "q=bag-",
    "dates": "received_from=2026-01-01&received_to=2026-01-31",
    "superseded": "superseded=true",
    "page 100": "page=100",
}


def fill(number):
    """Items with the shape of real ones: one member owns a third, 95 % finished well, a few hundred open."""
    from pharos.accounts.models import Institution
    from workitems.lifecycle import PATHS, SUCCESS_AT
    from workitems.models import HistoryEntry, WorkItem
    from workitems.vocabulary import Action

    draw = random.Random(7)
    owners = [Institution.objects.get_or_create(identifier=domain, defaults={"name": domain})[0] for domain in DOMAINS]
    now = datetime.now(UTC)
    for start in range(0, number, 5000):
        items = []
        for n in range(start, min(start + 5000, number)):
            action = draw.choices(list(Action), [75, 5, 2, 12, 5, 1])[0]
            is_recent = n > number - 300
            status = draw.choices(
                ["Success", "Failed", "Cancelled", "Pending"], [2, 1, 1, 96] if is_recent else [955, 30, 15, 0]
            )[0]
            stage = draw.choice(SUCCESS_AT[action]) if status == "Success" else draw.choice(PATHS[action])
            owner = draw.choices(owners, SHARES)[0]
            date = now - timedelta(minutes=(number - n) * 5, seconds=draw.randrange(300))
            name = f"{owner.identifier}.bag-{draw.randrange(number):06d}.tar"
            items.append(
                WorkItem(
                    name=name,
                    etag=f"{draw.getrandbits(128):032x}",
                    institution=owner,
                    bucket=f"aptrust.receiving.{owner.identifier}",
                    action=action,
                    stage=stage,
                    status=status,
                    retry=status == "Pending",
                    date=date,
                    created_at=date,
                    updated_at=date,
                    reviewed=status != "Pending" and draw.random() < 0.5,
                    size=int(draw.lognormvariate(20, 3)),
                    object_identifier=f"{owner.identifier}/{name[:-4]}" if status == "Success" else "",
                    note="Finished cleanup.",
                )
            )
        made = WorkItem.objects.bulk_create(items)
        HistoryEntry.objects.bulk_create(
            HistoryEntry(
                item=item,
                number=1,
                at=item.date,
                who="import",
                via="import",
                move="import",
                stage_after=item.stage,
                status_after=item.status,
            )
            for item in made
        )


def timed(call, repeats=15):
    """(median milliseconds, median milliseconds in the database) of a call."""
    from django.db import connection

    wall, database = [], []
    for _ in range(repeats):
        spent = 0.0

        def watch(execute, sql, params, many, context):
            nonlocal spent
            began = time.perf_counter()
            try:
                return execute(sql, params, many, context)
            finally:
                spent += time.perf_counter() - began

        began = time.perf_counter()
        with connection.execute_wrapper(watch):
            response = call()
        wall.append(1000 * (time.perf_counter() - began))
        database.append(1000 * spent)
        assert response.status_code == 200, response.status_code
    return statistics.median(wall), statistics.median(database)


def measure(number, bulk):
    """Fills an empty database and prints one line of JSON per case."""
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection
    from django.test import Client

    from pharos.accounts.models import Institution, User
    from workitems.models import WorkItem

    call_command("migrate", verbosity=0)
    fill(number)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    admin = User.objects.create_superuser("bench@aptrust.org")
    staff = User.objects.create_user(
        "staff@virginia.edu", role="institutional_admin", institution=Institution.objects.get(identifier="virginia.edu")
    )
    for who, person in (("admin", admin), ("staff of the largest", staff)):
        client = Client()
        client.force_login(person)
        client.get("/items/")
        floor, _database = timed(lambda client=client: client.get("/words"))
        print(
            json.dumps(
                {
                    "items": number,
                    "who": who,
                    "case": "floor: the glossary",
                    "ms": floor,
                    "database_ms": _database,
                    "ratio": 1,
                }
            )
        )
        paths = {name: f"/items/?{query}" for name, query in CASES.items()}
        paths["item page"] = f"/items/{WorkItem.objects.visible_to(person).order_by('pk').last().pk}"
        for name, path in paths.items():
            wall, database = timed(lambda client=client, path=path: client.get(path))
            print(
                json.dumps(
                    {
                        "items": number,
                        "who": who,
                        "case": name,
                        "ms": wall,
                        "database_ms": database,
                        "ratio": wall / floor,
                    }
                )
            )
    if bulk:
        print(json.dumps(bulk_review(admin)))


def bulk_review(person):
    """Marks all closed items reviewed, as requests would; the longest request is what counts against a time-out."""
    from workitems import bulk
    from workitems.facets import Facets
    from workitems.filters import ItemList

    listing = ItemList({"phase": ["closed"], "reviewed": ["false"]}, person)
    total = Facets(listing).total
    act = bulk.begin(bulk.of_snapshot(bulk.snapshot(listing, total, bulk.mark()), person), "review", person)
    requests = []
    while act.finished_at is None:
        began = time.perf_counter()
        act = bulk.go_on(act)
        requests.append(time.perf_counter() - began)
    assert act.changed == total, (act.changed, total, act.skipped)
    return {"bulk review of": total, "seconds": sum(requests), "requests": len(requests), "longest": max(requests)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, nargs="+", default=[3_000, 100_000])
    parser.add_argument("--database", choices=["postgresql", "sqlite"], default="postgresql")
    parser.add_argument("--bulk", action="store_true")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        return measure(options.items[0], options.bulk)
    for number in options.items:
        with tempfile.TemporaryDirectory() as folder:
            if options.database == "sqlite":
                run(number, f"sqlite:///{folder}/bench.sqlite3", options)
            else:
                with cluster() as url:
                    run(number, url, options)
    return None


def run(number, url, options):
    command = [sys.executable, __file__, "--one", "--items", str(number), *(["--bulk"] if options.bulk else [])]
    environment = {**os.environ, "DEBUG": "false", "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "bench.settings"}
    output = subprocess.run(command, env=environment, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    print(f"\n{number:,} items on {options.database}")
    for line in output.splitlines():
        row = json.loads(line)
        if "case" in row:
            print(
                f"  {row['who']:22}{row['case']:24}{row['ms']:9.1f} ms {row['database_ms']:9.1f} in the database {row['ratio']:8.1f} × floor"
            )
        else:
            print(f"  {json.dumps(row)}")


if __name__ == "__main__":
    sys.exit(main())
