"""Reads a page by its stable hooks, as scripts do."""

import re
from html import unescape


def data_hooks(response, name):
    """Every value of a `data-…` hook on the page, in order."""
    return [unescape(value) for value in re.findall(rf'data-{name}="([^"]*)"', response.content.decode())]


def item_ids(response):
    """The items listed."""
    return [int(pk) for pk in data_hooks(response, "item-id")]


def counts(response):
    """{facet: {value: count}} of the left column."""
    found: dict[str, dict[str, int]] = {}
    pattern = r'data-facet="([^"]*)" data-value="([^"]*)" data-count="(\d+)"'
    for facet, value, count in re.findall(pattern, response.content.decode()):
        found.setdefault(facet, {})[unescape(value)] = int(count)
    return found


def clickable(response):
    """(address, count) of every value of the left column."""
    found = re.findall(
        r'href="([^"]*)" data-facet="[^"]*" data-value="[^"]*" data-count="(\d+)"', response.content.decode()
    )
    return [(unescape(href), count) for href, count in found]


def links(response, pattern=r"[^\"]*"):
    """The addresses of the links whose address matches."""
    return [unescape(href) for href in re.findall(rf'href="({pattern})"', response.content.decode())]


def body(response):
    """The text of a streamed or plain answer."""
    return b"".join(response.streaming_content if response.streaming else [response.content]).decode()
