"""Version 2 by the client that openapi-python-client makes: reads, walks, and saves a record back. Run by check.py."""

import os
from urllib.parse import parse_qs, urlsplit

import httpx
from made_by_openapi_python_client import AuthenticatedClient
from made_by_openapi_python_client.api.services_and_admins import admin_list_items, admin_save_item, admin_show_item
from made_by_openapi_python_client.models import (
    AdminListItemsItemActionItem,
    AdminListItemsStatusItem,
    ItemToSave,
)

client = AuthenticatedClient(
    base_url=os.environ["SERVER"],
    token=os.environ["KEY"],
    prefix="",
    auth_header_name="X-Pharos-API-Key",
    headers={"X-Pharos-API-User": os.environ["EMAIL"]},
    timeout=httpx.Timeout(30),
    raise_on_unexpected_status=True,
)

found, where = [], {}
while True:
    page = admin_list_items.sync(client=client, per_page=7, **where)
    found += [item.id for item in page.results]
    if page.next_ is None:
        break
    given = parse_qs(urlsplit(page.next_).query)
    where = {"page": int(given["page"][0]), "after": given["after"][0]}
assert len(found) == len(set(found)) == page.count == 60, found

pending, ingest = AdminListItemsStatusItem.PENDING, AdminListItemsItemActionItem.INGEST
[waiting] = admin_list_items.sync(client=client, status=[pending], item_action=[ingest], per_page=1).results
item = admin_show_item.sync(waiting.id, client=client)
record = ItemToSave.from_dict(item.to_dict())
record.note = "Saved by a generated client."
saved = admin_save_item.sync(item.id, client=client, body=record)
assert saved.note == record.note, saved
assert admin_show_item.sync(item.id, client=client).to_dict() == saved.to_dict()
assert saved.bag_date == item.bag_date
assert saved.stage == item.stage
