"""`/api/docs/`: the pages that describe the API, and that their examples can be run."""

import shlex
import shutil
import subprocess
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest
from drf_spectacular.validation import validate_schema

from pharos.accounts import api_keys
from workitems import transitions
from workitems.api import VERSIONS
from workitems.api.description import samples
from workitems.api.description.guide import operations_of
from workitems.api.description.openapi import describe_version
from workitems.lifecycle import MOVES, PATHS, SUCCESS_AT, ItemState, infer_move
from workitems.vocabulary import Status

from ..factories import make_item
from .page_elements import parse_page

PAGES = ["/api/docs/", *(f"/api/docs/{version}/" for version in VERSIONS)]
DOCUMENTS = [f"/api/docs/{version}.json" for version in VERSIONS]
WHO = ["nobody", "dora", "stan", "ada", "wally"]
NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)


@pytest.mark.parametrize("who", WHO)
def test_the_docs_are_public(client, cast, who):
    if who in cast:
        client.force_login(cast[who])
    for address in PAGES + DOCUMENTS:
        response = client.get(address)
        assert response.status_code == 200, address
        assert "default-src 'none'" in response["Content-Security-Policy"]
        assert "unsafe" not in response["Content-Security-Policy"]


@pytest.mark.parametrize("address", PAGES)
def test_nothing_is_loaded_from_other_sites_or_inline(client, db, address):
    read = parse_page(client.get(address))
    assert len(read.all("h1")) == 1
    assert not [one for one in read.all() if "style" in one.attributes]
    assert not [one for one in read.all("script") if one.text.strip()] + read.all("style")
    for one in read.all("script", src=True) + read.all("link", href=True):
        assert one.attributes.get("src", one.attributes.get("href")).startswith("/static/")


def test_footer_and_account_link_to_the_docs(client, signed_in, dora):
    for response in (client.get("/accounts/login/"), signed_in(dora).get("/items/")):
        assert [one.words for one in parse_page(response).all("a", href="/api/docs/")] == ["API"]
    assert parse_page(signed_in(dora).get("/account")).all("a", href="/api/docs/")


def test_the_overview_links_to_every_version_and_to_the_keys(client, db, settings):
    settings.API_CALLS_PER_MINUTE = 4321
    read = parse_page(client.get("/api/docs/"))
    addresses = {one["href"] for one in read.one("main").all("a", href=True)}
    assert {*PAGES[1:], *DOCUMENTS, "/account"} <= addresses
    assert "4,321 requests per minute" in read.one("main").words


@pytest.mark.parametrize("version", VERSIONS)
def test_the_download_is_the_openapi_description(client, db, version):
    response = client.get(f"/api/docs/{version}.json")
    assert response["Content-Type"] == "application/json"
    assert response.json() == describe_version(version)
    validate_schema(response.json())
    assert response.content == client.get(f"/api/docs/{version}.json").content


@pytest.mark.parametrize("version", VERSIONS)
def test_the_page_shows_the_complete_description(client, db, version):
    """Each operation with its method and address, every parameter, and every field of bodies and records."""
    read = parse_page(client.get(f"/api/docs/{version}/"))
    document = describe_version(version)
    for where, method, operation in operations_of(document):
        shown = read.one("section", data_operation=operation["operationId"])
        assert f"{method.upper()} {where}" in shown.words
        assert operation["summary"] == shown.one("h3").words
        rows = {one["data-row"] for one in shown.all("tr", data_row=True)}
        assert rows == {one["name"] for one in operation.get("parameters", [])} | body_fields(document, operation)
        answers = {one.words for one in shown.all("dt")}
        assert answers | {"401", "403", "429", "503"} == operation["responses"].keys()
    for name in ("Item", "MemberItem", "Object", "State", "Institution"):
        if schema := document["components"]["schemas"].get(name):
            rows = read.one("section", data_record=name).all("tr", data_row=True)
            assert [one["data-row"] for one in rows] == list(schema["properties"])
            assert all(one.all("td")[1].words for one in rows) or name != "Item", "each field says what it means"


def body_fields(document, operation):
    content = operation.get("requestBody", {}).get("content", {})
    fields = set()
    for media in content.values():
        schema = media["schema"]
        if "$ref" in schema:
            schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
        batch = schema["properties"].get("work_items")
        fields |= set((batch["properties"]["items"]["items"] if batch else schema)["properties"])
    return fields


def test_words_of_a_parameter_are_listed(client, db):
    shown = parse_page(client.get("/api/docs/v1/")).one("section", data_operation="member_list_items")
    assert "available_in_s3" in shown.one("tr", data_row="stage").words
    kind, _about = shown.one("tr", data_row="per_page").all("td")
    assert kind.words == "a whole number, 1 to 1,000; default: 10"


# The examples, run as they stand.


@pytest.fixture
def sample(virginia, wally):
    """The item that the examples are about, and everything else they need."""
    upload = {name: samples.ITEM[name] for name in ("name", "etag", "bag_date")}
    item = make_item(virginia, at=NOW, **upload)
    transitions.progress(item, stage="Fetch", by=wally, note="Fetching the bag.")
    transitions.save_worker_state(item, text="{}", action=None, by=wally, now=NOW)
    transitions.succeed(make_item(virginia, object_identifier=samples.OBJECT_IDENTIFIER), stage="Cleanup", by=wally)
    return item


def with_ids(command, item):
    """Returns the example with the real ids in place of the sample's."""
    command = command.replace(str(samples.ID), str(item.pk))
    owner = item.institution_id
    return (
        command.replace('"institution_id": 1,', f'"institution_id": {owner},')
        .replace("create/1", f"create/{owner}")
        .replace("institutions/show/1", f"institutions/show/{owner}")
    )


def run(client, command, person):
    """Runs a curl command through the test client, and returns the answer."""
    _key, secret = api_keys.create_key(person, now=NOW)
    command = command.replace("$PHAROS_USER", person.email).replace("$PHAROS_KEY", secret)
    words = iter(shlex.split(command.replace("\\\n", "")))
    assert next(words) == "curl"
    headers, method, body, url = {}, "GET", None, None
    for word in words:
        if word == "-H":
            name, _colon, value = next(words).partition(": ")
            headers[name] = value
        elif word == "-X":
            method = next(words)
        elif word == "-d":
            body = next(words)
        else:
            assert url is None, word
            url = word
    parts = urlsplit(url)
    assert f"{parts.scheme}://{parts.netloc}" == "http://testserver"
    kind = headers.pop("Content-Type", "application/json")
    return client.generic(method, f"{parts.path}?{parts.query}", body or "", content_type=kind, headers=headers)


def examples(client, address):
    return {one["data-curl"]: one.text for one in parse_page(client.get(address)).all("pre", data_curl=True)}


@pytest.mark.parametrize("who", ["dora", "ada"])
def test_each_example_of_the_overview_works(client, cast, sample, who):
    found = examples(client, "/api/docs/")
    assert set(found) == set(VERSIONS)
    for command in found.values():
        response = run(client, command, cast[who])
        assert response.status_code == 200, response.content
        assert [one["id"] for one in response.json()["results"]] == [sample.pk]


@pytest.mark.parametrize("version", VERSIONS)
def test_each_example_of_a_version_works(client, cast, sample, version):
    """All except the spot test, which needs a restoration and has its own test below."""
    document = describe_version(version)
    found = examples(client, f"/api/docs/{version}/")
    assert found.keys() == {one["operationId"] for _where, _method, one in operations_of(document)}
    for where, _method, operation in operations_of(document):
        name = operation["operationId"]
        if name == "admin_ask_for_spot_test":
            continue
        if "requeue" in name:
            sample.refresh_from_db()
            transitions.fail(sample, note="The storage was full.", retry=False, by=cast["wally"])
        person = cast["dora" if where.startswith("/member-api/") else "ada"]
        response = run(client, with_ids(found[name], sample), person)
        assert str(response.status_code) == next(iter(operation["responses"])), (name, response.content)
        assert same_shape(response.json(), example(operation)), name


def test_the_example_of_a_spot_test_works(client, stan, wally, virginia):
    restored = make_item(virginia, action="Restore", object_identifier=samples.OBJECT_IDENTIFIER)
    transitions.succeed(restored, stage="Available in S3", by=wally)
    command = examples(client, "/api/docs/v2/")["admin_ask_for_spot_test"]
    response = run(client, with_ids(command, restored), wally)
    assert response.status_code == 200, response.content
    assert response.json()["note"].startswith("Email sent to admins at")


def example(operation):
    return next(iter(operation["responses"].values()))["content"]["application/json"]["example"]


def same_shape(answer, shown):
    """Returns whether the example on the page has the same keys as the real answer, in the same order."""
    if "results" in shown:
        return list(answer) == list(shown) and list(answer["results"][0]) == list(shown["results"][0])
    return list(answer) == list(shown)


def test_no_example_contains_a_real_key(client, signed_in, dora):
    """It would stay in the shell's history, and on printed pages."""
    _key, secret = api_keys.create_key(dora, now=NOW)
    text = signed_in(dora).get("/api/docs/").content.decode()
    assert secret not in text
    assert "$PHAROS_KEY" in text
    assert f"export PHAROS_USER={dora.email}" in text


# How an item moves


@pytest.fixture
def moves_page(client, db):
    return parse_page(client.get("/api/docs/moves/"))


def test_the_documented_paths_match_the_rules(moves_page):
    for action, stages in PATHS.items():
        shown = moves_page.one("ol", data_path=action.value).all("li")
        assert [one.words.removesuffix(" can succeed here") for one in shown] == list(stages)
        ends = [one.words.removesuffix(" can succeed here") for one in shown if one.words.endswith(" can succeed here")]
        assert ends == list(SUCCESS_AT[action])


def test_every_move_and_status_is_documented(moves_page):
    rows = [(one["data-move"], one.one("th").words) for one in moves_page.all("tr", data_move=True)]
    assert {move for move, _sent in rows} == set(MOVES)
    by_save = {sent: move for move, sent in rows if sent in list(Status)}
    facts = ItemState("Ingest", "Record", "Started", True)
    meant = {status: infer_move(facts, {"status": status}, {}, role="worker")[0] for status in Status}
    assert by_save == meant


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ("Pending", ["progress", "from open", "Service account", "node: null", "pid: null"]),
        ("Started", ["stage_started_at: the time of the save"]),
        ("Success", ["retry: false", "object_identifier: DOMAIN/NAME", "at which its action can succeed"]),
        ("Failed", ["A note is required", "same stage or a later one"]),
        ("Suspended", ["A note is required", "needs_admin_review: true", "retry: false", "The stage doesn't change"]),
        ("Cancelled", ["from open or on hold", "stage: Resolve (APTrust admin)", "A note is required"]),
    ],
)
def test_what_a_status_means(moves_page, sent, told):
    [row] = [one for one in moves_page.all("tr", data_move=True) if one.one("th").words == sent]
    for words in told:
        assert words in row.words


def test_the_requeue_row_names_admins_and_every_field_it_sets(moves_page):
    row = moves_page.one("tr", data_move="requeue")
    assert "APTrust admin" in row.words
    assert "Service account" not in row.words
    for name, value in MOVES["requeue"].sets.items():
        word = {True: "true", False: "false"}.get(value, "null") if value != "" else "null"
        assert f"{name}: {word}" in row.words


def test_open_held_and_closed(moves_page):
    shown = moves_page.one("section", aria_labelledby="states")
    assert dict(zip((one.words for one in shown.all("dt")), (one.words for one in shown.all("dd")), strict=True)) == {
        "open": "Pending, Started, Failed with retry true",
        "on hold": "Suspended",
        "closed": "Success, Failed with retry false, Cancelled",
    }


def test_the_documented_claim_works(client, moves_page, sample, wally):
    [command] = [one.text for one in moves_page.all("pre") if "curl" in one.text]
    answer = run(client, command.replace("/ID/", f"/{sample.pk}/"), wally)
    assert answer.status_code == 200, answer.content
    assert (answer.json()["status"], answer.json()["node"]) == ("Started", "services-1.example.org")


@pytest.mark.parametrize("address", PAGES)
def test_every_page_links_to_the_moves(client, db, address):
    assert parse_page(client.get(address)).one("main").all("a", href="/api/docs/moves/")


# What a newcomer needs


@pytest.mark.parametrize("shell", [one for one in ("sh", "dash", "bash", "zsh") if shutil.which(one)])
def test_the_example_quotes_the_key_for_any_shell(client, db, shell):
    [lines] = [one.text for one in parse_page(client.get("/api/docs/")).all("pre") if "read -r" in one.text]
    # Here is no terminal, so stty cannot do its part.
    script = f'stty() {{ :; }}\n{lines}\nprintf %s "$PHAROS_KEY" >&2\nsh -c \'printf %s "$PHAROS_KEY" >&2\''
    done = subprocess.run([shell, "-c", script], input="a\\b c\n", capture_output=True, text=True, check=True)
    assert done.stderr == "a\\b ca\\b c"


def test_placeholders_in_examples_are_explained(client, db):
    read = parse_page(client.get("/api/docs/v2/"))

    def told(name):
        return read.one("section", data_operation=name).one("p", class_="help").words

    assert f"{samples.ID} with an id from the list of items" in told("admin_save_item")
    assert f"{samples.ID} with an id from the list of items" in told("admin_save_items")
    assert "virginia.edu%2Fvirginia.edu.uva-lib_2274642 with the object_identifier" in told("member_show_object")
    assert "virginia.edu with the domain of an institution" in told("admin_show_institution")
    assert "1 with the number of the institution that owns the item" in told("admin_create_item")
    assert not read.one("section", data_operation="member_list_items").all("p", class_="help")


@pytest.mark.parametrize("version", ["v2", "v3"])
def test_a_new_item_in_the_example_is_a_plain_new_ingest(client, db, version):
    [command] = [
        text for name, text in examples(client, f"/api/docs/{version}/").items() if name == "admin_create_item"
    ]
    for words in ('"action": "Ingest"', '"stage": "Receive"', '"status": "Pending"'):
        assert words in command


@pytest.mark.parametrize("version", VERSIONS)
def test_no_meaning_only_repeats_a_name(version):
    document = describe_version(version)
    for _where, _method, operation in operations_of(document):
        for one in operation.get("parameters", []):
            words = one["description"].split(". ")[0].rstrip(".")
            assert len(words.split()) > 2, (one["name"], words)
    for name, schema in document["components"]["schemas"].items():
        for field, one in schema.get("properties", {}).items():
            assert "* `" not in one.get("description", ""), (name, field)
            if name in ("Object", "State", "Institution"):
                assert one["description"], (name, field)


def test_size_min_and_size_max_are_listed_next_to_each_other():
    names = [one["name"] for one in describe_version("v2")["paths"]["/member-api/v2/items/"]["get"]["parameters"]]
    assert names.index("size_max") == names.index("size_min") + 1


@pytest.mark.parametrize("version", VERSIONS)
def test_the_download_has_examples(version):
    document = describe_version(version)
    assert "```sh\nexport PHAROS_URL=" in document["info"]["description"]
    assert 'curl -H "X-' in document["info"]["description"]
    for where, method, operation in operations_of(document):
        [sample] = operation["x-codeSamples"]
        assert sample["source"].startswith("curl -H"), (where, method)
        assert '"$PHAROS_URL/' in sample["source"]


def test_every_error_status_is_in_the_overview(client, db):
    told = {
        one.words for one in parse_page(client.get("/api/docs/")).one("section", aria_labelledby="errors").all("dt")
    }
    named = {
        status
        for version in VERSIONS
        for _where, _method, operation in operations_of(describe_version(version))
        for status in operation["responses"]
        if status >= "400"
    }
    assert named | {"405"} <= told
