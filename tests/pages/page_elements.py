"""Parses pages: elements with their attributes and text, and the values that a form would send."""

from html.parser import HTMLParser

_VOID = {"input", "meta", "link", "br", "hr", "img", "path", "circle", "rect", "use"}


class Element:
    """An element of a page. `text` is all text inside it."""

    def __init__(self, tag, attributes, parent):
        self.tag, self.attributes, self.parent, self.text = tag, attributes, parent, ""
        self.inside = []

    def __getitem__(self, name):
        return self.attributes[name]

    def all(self, tag=None, **attributes):
        """Returns the elements inside with this tag and these attributes (`data_move` for `data-move`; True: any value)."""
        wanted = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()}
        return [
            one
            for one in self.inside
            if tag in (None, one.tag)
            and all(name in one.attributes and value in (True, one.attributes[name]) for name, value in wanted.items())
        ]

    def one(self, tag=None, **attributes):
        [found] = self.all(tag, **attributes)
        return found

    @property
    def words(self):
        return " ".join(self.text.split())

    def fields(self):
        """Returns {name: value} that a browser would send without any input, except for buttons."""
        sent = {}
        for field in self.all("input", name=True) + self.all("textarea", name=True):
            has_box = field.attributes.get("type") in ("checkbox", "radio")
            if has_box and "checked" not in field.attributes:
                continue
            typed = (
                field.text.removeprefix("\n")
                if field.tag == "textarea"
                else field.attributes.get("value", "on" if has_box else "")
            )
            sent[field["name"]] = typed
        return sent


class _Reader(HTMLParser):
    def __init__(self):
        super().__init__()
        self.top = self.here = Element("", {}, None)

    def handle_starttag(self, tag, attributes):
        element = Element(tag, dict(attributes), self.here)
        for above in self._around():
            above.inside.append(element)
        if tag not in _VOID:
            self.here = element

    def handle_endtag(self, tag):
        closed = next((one for one in self._around() if one.tag == tag), None)
        if closed and tag not in _VOID:
            self.here = closed.parent

    def handle_data(self, text):
        for above in self._around():
            above.text += text

    def _around(self):
        one = self.here
        while one:
            yield one
            one = one.parent


def parse_page(response):
    """Parses the page of a response."""
    reader = _Reader()
    reader.feed(response.content.decode())
    reader.close()
    return reader.top


def problems(response):
    """Returns every error on the page."""
    read = parse_page(response)
    return [one.words for one in read.all("div", class_="problem") + read.all("p", class_="error")]


def find_form(response):
    """Returns the form of a confirmation page: the one in its main part."""
    return parse_page(response).one("main").one("form", method="post")


def late_marks(response):
    """Returns {item's number: the words of its mark} for the rows that are late or silent."""
    return {
        row["data-item-id"]: row.one("span", class_="mark late").words
        for row in parse_page(response).all("tr", data_item_id=True)
        if row.all("span", class_="mark late")
    }
