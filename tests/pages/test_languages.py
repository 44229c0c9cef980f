"""Spanish: complete on all pages, chosen by the user or the browser, and never used in the API."""

import io
import re
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from django.conf import settings
from django.core.management import call_command

from workitems import transitions
from workitems.models import Watch

from ..factories import make_item, service
from .page_elements import parse_page
from .saving_views import due_of, view_of

CATALOGUE = Path(settings.BASE_DIR) / "locale/es/LC_MESSAGES/django.po"
# For admins on the framework's own admin site, for programmers, and at the terminal: in English.
IN_ENGLISH = (
    "templates/workitems/api/",
    "templates/admin_site/",
    "workitems/api/",
    "workitems/admin.py",
    "workitems/database/checks.py",
    "workitems/import_export/",
    "workitems/mailing/spot_test.py",  # what it answers goes to services
    "workitems/transitions/worker_state.py",
    "workitems/transitions/values.py",
    "pharos/accounts/admin.py",
)
# Names of tables, which only the admin site shows.
TABLES = {"worker state", "worker states", "watched item", "watched items", "digest", "digests"}


@pytest.fixture(scope="module")
def catalogue():
    with CATALOGUE.open("rb") as file:
        return read_po(file, locale="es")


def sentences():
    """Returns (file, sentence) of everything marked for translation; a sentence with a plural as a pair."""
    with (Path(settings.BASE_DIR) / "locale/babel.cfg").open() as file:
        methods, options = parse_mapping_cfg(file)
    keywords = dict.fromkeys(("_", "_t", "gettext", "gettext_lazy")) | {"ngettext": (1, 2), "ngettext_lazy": (1, 2)}
    for room in ("pharos", "workitems", "templates"):
        found = extract_from_dir(
            str(Path(settings.BASE_DIR) / room),
            [(pattern.removeprefix(f"{room}/"), method) for pattern, method in methods],
            {pattern.removeprefix(f"{room}/"): values for pattern, values in options.items()},
            keywords,
        )
        for name, _line, message, _comments, _context in found:
            yield f"{room}/{name}", message


def test_every_sentence_of_the_pages_is_translated(catalogue):
    missing = set()
    number = 0
    for file, sentence in sentences():
        key = sentence if isinstance(sentence, str) else sentence[0]
        if file.startswith(IN_ENGLISH) or key in TABLES:
            continue
        number += 1
        found = catalogue.get(key)
        texts = found.string if found and isinstance(found.string, tuple) else (found.string if found else "",)
        if not all(texts):
            missing.add((file, key))
    assert number > 700
    assert missing == set(), "run `make messages`, then fill in what is empty"


def test_translations_have_the_same_placeholders(catalogue):
    """Also for the language's plural forms."""
    assert [(message.id, [str(error) for error in errors]) for message, errors in catalogue.check()] == []
    gap = re.compile(r"%\(\w+\)\d*[sd]|<[^>]+>")
    for message in catalogue:
        texts = message.string if isinstance(message.string, tuple) else (message.string,)
        ids = message.id if isinstance(message.id, tuple) else (message.id,)
        if message.id and all(texts):
            assert {*gap.findall(texts[-1])} == {*gap.findall(ids[-1])}, message.id


def test_the_compiled_catalog_is_up_to_date(catalogue):
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    assert CATALOGUE.with_suffix(".mo").read_bytes() == compiled.getvalue(), "run `make messages`"


def title(client, address="/items/", **headers):
    response = client.get(address, headers=headers)
    shown = parse_page(response)
    assert response["Content-Language"] == shown.one("html")["lang"]
    return shown.one("h1").words


def test_the_browsers_language_is_used_unless_one_is_chosen(signed_in, stan):
    client = signed_in(stan)
    spanish = {"accept-language": "es-MX,es;q=0.9,en;q=0.5"}
    assert title(client) == "Work Items"
    assert title(client, **spanish) == "Elementos de trabajo"
    assert title(client, **{"accept-language": "tlh,ko"}) == "Work Items"
    for language, expected in (("es", "Elementos de trabajo"), ("en", "Work Items"), ("", "Elementos de trabajo")):
        stan.language = language
        stan.save()
        assert title(client, **spanish) == expected
    client.logout()
    assert title(client, "/accounts/login/", **spanish) == "Iniciar sesión"
    assert title(client, "/accounts/login/") == "Sign in"


def test_the_language_is_chosen_in_the_account(signed_in, dora):
    client = signed_in(dora)
    form = parse_page(client.get("/account")).one("form", action="/account")
    sent = {**form.fields(), "language": "es", "time_zone": "UTC", "theme": "system", "rows_per_page": "25"}
    assert client.post("/account", sent).status_code == 302
    dora.refresh_from_db()
    assert dora.language == "es"
    assert parse_page(client.get("/account")).one("h1").words == "Mi cuenta"
    assert client.post("/account", {**sent, "language": "tlh"}).status_code == 422
    dora.refresh_from_db()
    assert dora.language == "es"


def test_the_language_does_not_leak_to_the_next_request(signed_in, dora, stan, item):
    dora.language = "es"
    dora.save()
    assert title(signed_in(dora)) == "Elementos de trabajo"
    assert title(signed_in(stan)) == "Work Items"


@pytest.mark.parametrize("first", ["en", "es"])
def test_an_empty_list_is_counted_in_each_readers_language(signed_in, stan, first):
    """A template keeps nothing of the language in which it was first used."""
    words = {"en": "0 items", "es": "0 elementos"}
    for language in (first, *(words.keys() - {first})):
        page = parse_page(signed_in(stan).get("/items/?q=nothing", headers={"accept-language": language}))
        assert page.one("p", class_="total").words == words[language]


def test_no_template_formats_a_constant():
    """Jinja works it out once, in the language of the first reader."""
    for file in (settings.BASE_DIR / "templates").rglob("*.*"):
        assert not re.findall(r"""\{\{\s*(?:[0-9]+|"[^"]*"|'[^']*')\s*\|""", file.read_text()), file


def test_the_consortiums_terms_are_not_translated(signed_in, dora, item):
    dora.language = "es"
    dora.save()
    client = signed_in(dora)
    shown = parse_page(client.get(f"/items/{item.pk}"))
    article = shown.one("article")
    assert (article["data-action"], article["data-stage"], article["data-status"]) == ("Ingest", "Receive", "Pending")
    assert "Pendiente: Receive" in article.words
    assert "La bolsa se ha encontrado en el bucket de recepción y espera su turno." in article.words
    assert "No es necesario hacer nada." in article.words
    assert [one["data-value"] for one in parse_page(client.get("/items/")).all("a", data_facet="status")][:2] == [
        "Pending",
        "Started",
    ]


@pytest.mark.parametrize("path", ["/member-api/v2/items/?status=Lost", "/member-api/v2/items/999", "/api/v2/nothing"])
def test_the_api_is_english_in_every_language(signed_in, dora, path):
    client = signed_in(dora)
    english = client.get(path)
    dora.language = "es"
    dora.save()
    assert title(client) == "Elementos de trabajo"
    after = client.get(path, headers={"accept-language": "es"})
    assert (after.status_code, after.content) == (english.status_code, english.content)


def test_emails_are_in_the_recipients_language(site, dora, stan, virginia, mailoutbox):
    dora.language = "es"
    dora.save()
    item = make_item(virginia, name="bag.tar")
    for person in (dora, stan):
        Watch.objects.create(item=item, person=person)
        due_of(view_of(person, query="status=Success"), person)
    transitions.succeed(item, stage="Record", by=service())
    call_command("send_mail_queue")
    told = {(mail.to[0], mail.subject): mail.body for mail in mailoutbox}
    assert set(told) == {
        (dora.email, "Hecho: bag.tar"),
        (stan.email, "Done: bag.tar"),
        (dora.email, "Failures: 1 elemento"),
        (stan.email, "Failures: 1 item"),
    }
    assert "Recibe esta vista todos los días" in told[dora.email, "Failures: 1 elemento"]
    assert "La bolsa está en el almacenamiento de preservación." in told[dora.email, "Hecho: bag.tar"]


@pytest.mark.parametrize("address", ["/api/docs/", "/api/docs/v2/", "/api/docs/moves/"])
def test_the_openapi_description_is_english(signed_in, dora, address):
    client = signed_in(dora)
    english = title(client, address)
    dora.language = "es"
    dora.save()
    response = client.get(address, headers={"accept-language": "es"})
    assert parse_page(response).one("h1").words == english
    assert (parse_page(response).one("html")["lang"], response["Content-Language"]) == ("en", "en")
    assert "Cerrar sesión" not in response.content.decode()
