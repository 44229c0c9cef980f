"""The templates as such; what each page shows is tested with the page."""

from typing import Any

import pytest
from django.template import engines
from jinja2 import UndefinedError

JINJA2: Any = engines["jinja2"]
ENVIRONMENT = JINJA2.env
NAMES = [name for name in ENVIRONMENT.list_templates() if not name.startswith("admin_site/")]


@pytest.mark.parametrize("name", NAMES)
def test_it_can_be_compiled_and_names_only_filters_that_there_are(name):
    ENVIRONMENT.get_template(name)


def test_a_name_that_is_not_there_is_an_error_and_not_a_blank():
    with pytest.raises(UndefinedError):
        ENVIRONMENT.from_string("{{ nobody }}").render()


def test_values_are_escaped_on_pages_and_not_in_mails():
    escapes = ENVIRONMENT.autoescape
    assert [escapes(name) for name in ("a.html", "a.txt", None)] == [True, False, True]


@pytest.mark.parametrize("name", ["item", "review"])
def test_the_address_of_a_number_is_what_the_urls_say(name):
    from django.urls import reverse

    for number in (1, 7, 987_654_321, 10**12):
        assert ENVIRONMENT.globals["url"](name, number) == reverse(name, args=[number])


def test_a_sentence_with_a_gap_is_filled_and_escaped():
    template = '{% set mark = _("Mark %(name)s reviewed") %}{{ mark % {"name": name} }}'
    assert ENVIRONMENT.from_string(template).render(name='"<b>') == "Mark &#34;&lt;b&gt; reviewed"
