"""A quick HTML checker for faults that `make check-pages` has found in the past.

It needs no other program, so ordinary tests check every page with it.
"""

from collections import Counter
from html.parser import HTMLParser

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
LANDMARKS = {"aside", "footer", "header", "main", "nav", "search"}
NAMES_AN_ID = ("for", "form", "list", "popovertarget", "aria-activedescendant", "aria-controls", "aria-describedby", "aria-labelledby", "aria-owns", "headers", "data-copy", "data-fill")  # fmt: skip
# Elements that ARIA gives no name to, unless a role says what they are.
NAMELESS = {"b", "caption", "code", "div", "em", "i", "p", "pre", "small", "span", "strong", "sub", "sup"}
NOT_TYPED_IN = {"button", "checkbox", "hidden", "image", "radio", "reset", "submit"}


def faults(html: str) -> list[str]:
    """Returns a sentence for each problem of a page."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.all_faults()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.open: list[tuple[str, dict[str, str]]] = []
        self.ids: Counter[str] = Counter()
        self.named: list[tuple[str, str, str]] = []  # (tag, attribute, the id that it names)
        self.forms: list[_Form] = []
        self.heading_is_blank = False

    def all_faults(self) -> list[str]:
        twice = [f"two elements have the id {one}" for one, number in self.ids.items() if number > 1]
        nowhere = [f"{tag} {attribute}: no element has the id {one}" for tag, attribute, one in self.named if one not in self.ids]  # fmt: skip
        return self.found + twice + nowhere + [fault for form in self.forms for fault in form.faults()]

    def handle_starttag(self, tag, attrs):
        attributes = {name: value or "" for name, value in attrs}
        self._note_ids(tag, attributes)
        for look in (self._time, self._button, self._name, self._picture, self._focus, self._field):
            look(tag, attributes)
        if tag == "form":
            self.forms.append(_Form(attributes))
        if tag == "th":
            self.heading_is_blank = True
        if tag not in VOID:
            self.open.append((tag, attributes))

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag):
        if tag == "th" and self.heading_is_blank:
            self.found.append("a th is empty")
        while any(one == tag for one, _attributes in self.open) and self.open.pop()[0] != tag:
            continue

    def handle_data(self, data):
        if data.strip():
            self.heading_is_blank = False

    def _is_in(self, *tags: str) -> bool:
        return any(tag in tags for tag, _attributes in self.open)

    def _note_ids(self, tag, attributes):
        if "id" in attributes:
            self.ids[attributes["id"]] += 1
        for attribute in NAMES_AN_ID:
            self.named += [(tag, attribute, one) for one in attributes.get(attribute, "").split()]
        if attributes.get("href", "").startswith("#"):
            self.named.append((tag, "href", attributes["href"][1:]))

    def _time(self, tag, attributes):
        fraction = attributes.get("datetime", "").partition(".")[2].partition("+")[0].removesuffix("Z")
        if len(fraction) > 3:
            self.found.append(f"{tag} has a time with more than thousandths of a second: {attributes['datetime']}")

    def _button(self, tag, attributes):
        if tag == "button" and "type" not in attributes:
            self.found.append("a button has no type")

    def _name(self, tag, attributes):
        if tag in NAMELESS and "role" not in attributes and {"aria-label", "aria-labelledby"} & attributes.keys():
            self.found.append(f"{tag} has a name, and no role that could have one")

    def _picture(self, tag, attributes):
        if tag == "svg" and "hidden" in attributes:
            self.found.append("svg knows no attribute hidden")

    def _focus(self, tag, attributes):
        is_reached = tag in ("button", "select", "textarea", "summary") or "tabindex" in attributes
        is_reached |= (tag == "a" and "href" in attributes) or (tag == "input" and attributes.get("type") != "hidden")
        if is_reached and tag not in LANDMARKS and not self._is_in(*LANDMARKS):
            self.found.append(f"{tag} is reached by key, and in no landmark")

    def _field(self, tag, attributes):
        if tag == "input" and attributes.get("type") == "hidden" and "autocomplete" in attributes:
            self.found.append("a hidden field has autocomplete")
        is_typed_in = tag in ("select", "textarea") or (tag == "input" and attributes.get("type") not in NOT_TYPED_IN)
        if is_typed_in and self._is_in("form"):
            self.forms[-1].names[attributes.get("name", "")] += 1


class _Form:
    """A form is a landmark and needs a name, unless it has role="none", like forms of a few buttons or in table rows."""

    def __init__(self, attributes: dict[str, str]) -> None:
        self.is_named = bool({"aria-label", "aria-labelledby"} & attributes.keys()) or attributes.get("role") == "none"
        self.address = attributes.get("action", "")
        self.names: Counter[str] = Counter()

    def faults(self):
        if not self.is_named:
            yield f"a form is a landmark without a name: {self.address}"
        for name, number in self.names.items():
            if name and number > 1:
                yield f"two fields of a form have the name {name}"
