"""Rules for all templates; what a page shows is tested with the page."""

from typing import Any

import pytest
from django.template import engines
from jinja2 import UndefinedError

JINJA2: Any = engines["jinja2"]
ENVIRONMENT = JINJA2.env
NAMES = [name for name in ENVIRONMENT.list_templates() if not name.startswith("admin_site/")]


@pytest.mark.parametrize("name", NAMES)
def test_every_template_compiles_and_uses_existing_filters(name):
    ENVIRONMENT.get_template(name)


def test_an_undefined_name_is_an_error():
    with pytest.raises(UndefinedError):
        ENVIRONMENT.from_string("{{ nobody }}").render()


def test_values_are_escaped_on_pages_and_not_in_text_emails():
    escapes = ENVIRONMENT.autoescape
    assert [escapes(name) for name in ("a.html", "a.txt", None)] == [True, False, True]


@pytest.mark.parametrize("name", ["item", "review"])
def test_urls_with_ids_match_the_url_patterns(name):
    from django.urls import reverse

    for number in (1, 7, 987_654_321, 10**12):
        assert ENVIRONMENT.globals["url"](name, number) == reverse(name, args=[number])


def test_placeholders_in_sentences_are_filled_and_escaped():
    template = '{% set mark = _("Mark %(name)s reviewed") %}{{ mark % {"name": name} }}'
    assert ENVIRONMENT.from_string(template).render(name='"<b>') == "Mark &#34;&lt;b&gt; reviewed"
