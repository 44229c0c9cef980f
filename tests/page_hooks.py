"""Reads a page by its stable hooks, as scripts do."""

import re
from html import unescape


def data_hooks(response, name):
    """Returns every value of a `data-…` attribute on the page, in order."""
    return [unescape(value) for value in re.findall(rf'data-{name}="([^"]*)"', response.content.decode())]


def item_ids(response):
    """Returns the ids of the listed items."""
    return [int(pk) for pk in data_hooks(response, "item-id")]


def counts(response):
    """Returns {facet: {value: count}} of the left column."""
    found: dict[str, dict[str, int]] = {}
    pattern = r'data-facet="([^"]*)" data-value="([^"]*)" data-count="(\d+)"'
    for facet, value, count in re.findall(pattern, response.content.decode()):
        found.setdefault(facet, {})[unescape(value)] = int(count)
    return found


def clickable(response):
    """Returns (address, count) of every value in the left column."""
    found = re.findall(
        r'href="([^"]*)" data-facet="[^"]*" data-value="[^"]*" data-count="(\d+)"', response.content.decode()
    )
    return [(unescape(href), count) for href, count in found]


def links(response, pattern=r"[^\"]*"):
    """Returns the addresses of the links that match the pattern."""
    return [unescape(href) for href in re.findall(rf'href="({pattern})"', response.content.decode())]


def body(response):
    """Returns the text of a streamed or plain response."""
    return b"".join(response.streaming_content if response.streaming else [response.content]).decode()
