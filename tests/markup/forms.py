"""Submits every form: with errors, as a dry run, and successfully; and requests every error page."""

import re
from collections.abc import Iterator
from io import StringIO
from typing import Any
from unittest import mock

from django.core import mail
from django.core.management import call_command
from django.db import OperationalError
from django.test import Client, override_settings

from pharos.accounts.views import Account
from pharos.views import Keys
from workitems.models import BulkChange
from workitems.pages.overview import Overview

from ..emails import sent
from ..pages.page_elements import find_form, parse_page
from ..pages.saving_views import due_of, view_of
from .crawler import ERRORS, Seen, Walker

LOOKING = "workitems.listing.strategies.bounded_scan"  # how far a look goes is said there


def forms(cast: dict[str, Any], shown: dict[str, Any], language: str = "en") -> Iterator[Seen]:
    """Yields the pages that only forms lead to, as users who can send them."""
    stan, ada, nobody = (Walker(cast.get(who), language) for who in ("stan", "ada", "nobody"))
    for part in (_of_an_item, _of_long_lists, _of_names, _of_reviews, _of_views, _of_many, _of_accounts, _of_errors):
        yield from part(stan, ada, nobody, shown)


def _of_an_item(stan, ada, nobody, shown) -> Iterator[Seen]:
    pending, running, failed = (shown[name].pk for name in ("pending", "running", "failed"))
    yield from ada.send("cancel", f"/items/{pending}/cancel", {"note": ""}, "without a note")
    yield from ada.send("cancel", f"/items/{running}/cancel", {"note": "Late.", "version": 1}, "of an older version")
    yield from ada.send("requeue", f"/items/{failed}/requeue", {"stage": "Nowhere"}, "to no stage")
    yield from ada.send("edit", f"/items/{running}/edit", {"pid": "x", "note": ""}, "with a wrong value")
    yield from ada.send("edit", f"/items/{running}/edit", {"pid": 7, "version": 1}, "of an older version")
    yield from stan.send("review", f"/items/{failed}/review", {"reviewed": "perhaps"}, "with a wrong value")
    yield from stan.arrive("item", f"/items/{running}/watch", {"wanted": "true"})


def _of_long_lists(stan, ada, nobody, shown) -> Iterator[Seen]:
    """Yields pages of lists that are too long to be counted or scanned at once."""
    with mock.patch.multiple(LOOKING, COUNT_LIMIT=5, SCAN_LIMIT=8):
        for walker in (stan, ada):
            for query in (
                "bucket=aptrust.receiving.virginia.edu",
                "status=Failed",
                "page=3",
                "sort=name",
                "etag=nothing",
            ):
                yield from walker.seen("items", walker.client.get(f"/items/?{query}"), f"{query}, too long")
            for query in ("list=", "list=bucket%3Daptrust.receiving.virginia.edu", f"item={shown['failed'].pk}"):
                there = f"/items/review/queue?{query}"
                yield from walker.seen("review_queue", walker.client.get(there, follow=True), f"{query}, too long")
            form = parse_page(walker.client.get("/items/")).one("form", id="bulk").fields()
            chosen = form | {"which": "matching", "reviewed": "true"}
            yield from walker.send("bulk_review", "/items/review", chosen, "too long")


def _of_many(stan, ada, nobody, shown) -> Iterator[Seen]:
    for who, query, kind, values in (
        (stan, "status=Failed", "bulk_review", {"reviewed": "true"}),
        (ada, "status=Failed", "bulk_requeue", {"begin": "first"}),
        (ada, "phase=open&phase=held", "bulk_cancel", {}),
    ):
        address = f"/items/{kind.removeprefix('bulk_')}"
        shown_list = parse_page(who.client.get(f"/items/?{query}")).one("form", id="bulk").fields()
        chosen = {"list": shown_list["list"], "snapshot": shown_list["snapshot"], **values}
        yield from who.send(kind, address, {**chosen, "which": "ids", "ids": [shown["failed"].pk, shown["pending"].pk]}, "of ids")  # fmt: skip
        dry_run = who.client.post(address, {**chosen, "which": "matching"})
        yield from who.seen(kind, dry_run, f"{address}, dry run")
        sure = {**find_form(dry_run).fields(), **values, "confirmed": "yes"}
        yield from who.send(kind, address, {**sure, "snapshot": "forged", "note": "Kept."}, "of nothing")
        yield from who.send(kind, address, {**sure, "note": ""}, "without a note")
        yield from who.arrive("bulk_change", address, {**sure, "note": "Because."})
    cancel = BulkChange.objects.get(move="cancel")
    yield from ada.seen("bulk_change", ada.client.get(f"/acts/{cancel.pk}"), "cancelled")
    asked = ada.client.post(f"/acts/{cancel.pk}/undo")
    yield from ada.seen("undo_bulk_change", asked, "dry run")
    without_note = {"confirmed": "yes", "note": ""}
    yield from ada.send("undo_bulk_change", f"/acts/{cancel.pk}/undo", without_note, "without a note")
    yield from ada.arrive("bulk_change", f"/acts/{cancel.pk}/undo", {"confirmed": "yes", "note": "Because."}, "undone")
    act = BulkChange.objects.get(by=stan.person)
    yield from stan.arrive("bulk_change", f"/acts/{act.pk}/undo", {}, "undone")
    # As somebody has left it before its end; the second time, the list was longer than could be counted.
    for selection in (act.selection, {"query": "", "until": 99, "at_least": True}):
        BulkChange.objects.filter(pk=act.pk).update(finished_at=None, selection=selection)
        yield from stan.seen("bulk_change", stan.client.get(f"/acts/{act.pk}"), f"not finished, {len(selection)}")
        yield from stan.visit(["bulk_changes"], {})
    yield from ada.visit(["bulk_changes"], {})
    yield from ada.seen("item", ada.client.get(f"/items/{shown['failed'].pk}"), "after bulk acts")


def _of_names(stan, ada, nobody, shown) -> Iterator[Seen]:
    names = "\n".join([shown["failed"].name, *(f"nowhere-{n}.tar" for n in range(100))])
    yield from stan.send("find_names", "/items/find", {"names": names}, "with one that is found")
    yield from stan.send("find_names", "/items/find", {"names": names * 20}, "with too many names")


def _of_reviews(stan, ada, nobody, shown) -> Iterator[Seen]:
    queue = f"/items/review/queue?behind=1&item={shown['success'].pk}"
    item = {"item": shown["success"].pk, "reviewed": "true"}
    yield from stan.send("review_queue", queue, item | {"reviewed": "perhaps"}, "with a wrong value")
    yield from stan.arrive("review_queue", queue, item)


def _of_views(stan, ada, nobody, shown) -> Iterator[Seen]:
    view = shown["view"]
    named = {"list": view.query, "name": view.name, "reach": view.reach}
    yield from stan.send("saved_views", "/views/", named, "of a name that there is")
    yield from stan.send("change_view", f"/views/{view.pk}", named | {"name": ""}, "without a name")
    yield from stan.arrive("saved_views", "/views/start", {"view": view.pk})
    yield from stan.visit(["account", "items", "keys"], {})
    with override_settings(SITE_URL="https://pharos.example.org"):
        due_of(view, stan.person)
        due_of(view_of(ada.person, query="", reach="everybody"), ada.person)
        yield from _digests(stan)
    yield from stan.visit(["saved_views"], {})


def _digests(walker) -> Iterator[Seen]:
    """Yields the emails about a view, and the pages that their links lead to."""
    call_command("send_mail_queue", stdout=StringIO())
    for letter in mail.outbox:
        for html, _type in getattr(letter, "alternatives", []):
            yield Seen("email", f"{walker.name}: to {letter.to[0]}", str(html))
        for stop in re.findall(r"https://pharos\.example\.org(/digests/stop/\S+)", str(letter.body)):
            yield from walker.seen("stop_digest", walker.client.get(stop), "the link of a mail")
            yield from walker.send("stop_digest", stop, {}, "stopped")
    mail.outbox.clear()


def _of_accounts(stan, ada, nobody, shown) -> Iterator[Seen]:
    email = stan.person.email
    yield from stan.send("account", "/account", {"name": "x" * 999, "time_zone": "Moon"}, "with wrong values")
    made = stan.client.get("/account")
    once = parse_page(made).one("form", action="/account/keys").fields()
    yield from stan.send("create_key", "/account/keys", once | {"label": "desktop"})
    yield from stan.send("create_key", "/account/keys", {"label": "x" * 999}, "without its number")
    weak = {"oldpassword": "wrong", "password1": "short", "password2": "other"}
    yield from stan.send("account_change_password", "/accounts/password/change/", weak, "with wrong values")
    yield from stan.send("account_reauthenticate", "/accounts/reauthenticate/", {"password": "wrong"}, "with a wrong one")  # fmt: skip
    yield from nobody.send("account_login", "/accounts/login/", {"login": email, "password": "wrong"}, "with a wrong one")  # fmt: skip
    yield from nobody.send("account_login", "/accounts/login/", {"login": ""}, "empty")
    yield from nobody.send("account_reset_password", "/accounts/password/reset/", {"email": "nobody"}, "of no address")
    nobody.client.post("/accounts/password/reset/", {"email": email})
    [link] = re.findall(r"/accounts/password/reset/key/\S+", str(sent().pop().body))
    form = nobody.client.get(link, follow=True)
    yield from nobody.seen("account_reset_password_from_key", form, "a link that works")
    where = form.redirect_chain[-1][0]
    yield from nobody.send("account_reset_password_from_key", where, {"password1": "short", "password2": "other"})


def _of_errors(stan, ada, nobody, shown) -> Iterator[Seen]:
    bad_host = nobody.client.get("/items/", headers={"host": "elsewhere.example"})
    yield Seen(ERRORS[400], f"{nobody.name}: another host", bad_host.content.decode())
    strict = Client(enforce_csrf_checks=True, headers={"accept-language": stan.language})
    strict.force_login(stan.person)
    yield from stan.seen("", strict.post("/account", {}), "a form that has expired")
    with override_settings(ACCOUNT_RATE_LIMITS={"login": "1/m/ip"}):
        for _try in range(2):
            refused = nobody.client.post("/accounts/login/", {"login": "x@example.edu", "password": "x"})
    yield from nobody.seen("", refused, "too many tries")
    ada.client.raise_request_exception = False
    with mock.patch.object(Keys, "get_context_data", side_effect=RuntimeError("broken, for the page of that error")):
        yield from ada.seen("", ada.client.get("/keys"), "something broken")
    away = OperationalError("connection refused, for the page of that error")
    with mock.patch.object(Keys, "get_context_data", side_effect=away):
        yield from ada.seen("", ada.client.get("/keys"), "while the database is away")
    with mock.patch.object(Account, "post", side_effect=away):
        yield from stan.seen("", stan.client.post("/account", {"name": "<Stan> & co"}), "a form, meanwhile")
    with mock.patch.object(Overview, "is_empty", True):
        yield from ada.visit(["home"], {})
