"""Version 3 by the client that openapi-generator makes for Python: reads, walks, and saves a record back. Run by check.py."""

import os
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import made_by_openapi_generator as made

settings = made.Configuration(
    host=os.environ["SERVER"], api_key={"userHeader": os.environ["EMAIL"], "keyHeader": os.environ["KEY"]}
)
api = made.ServicesAndAdminsApi(made.ApiClient(settings))

found, where = [], {}
while True:
    page = api.admin_list_items(per_page=7, sort="id", **where)
    found += [item.id for item in page.results]
    if page.next is None:
        break
    given = parse_qs(urlsplit(page.next).query)
    where = {"page": int(given["page"][0]), "after": given["after"][0]}
assert found == sorted(set(found)), found
assert len(found) == page.count == 60, page.count

day = made.TimeOrDay(datetime(1990, 1, 1, tzinfo=UTC))
assert api.admin_list_items(date_processed__gteq=day).count == 60

[waiting] = api.admin_list_items(status=["Pending"], action=["Ingest"], per_page=1).results
item = api.admin_show_item(waiting.id)
# Of this generator's models, `to_dict` leaves out what only the server sets and sends null for what else is unset.
record = made.ItemToSave.from_dict({**item.to_dict(), "note": "Saved by a generated client."})
saved = api.admin_save_item(item.id, record)
assert saved.note == "Saved by a generated client.", saved
assert api.admin_show_item(item.id) == saved
assert saved.bag_date == item.bag_date
assert [one.receiving_bucket for one in api.admin_list_institutions(sort="identifier").results][1:] == [
    "aptrust.receiving.jhu.edu",
    "aptrust.receiving.virginia.edu",
]
