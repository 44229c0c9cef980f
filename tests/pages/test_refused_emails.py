"""An item's page says who couldn't be asked to check a restored copy."""

from smtplib import SMTPRecipientsRefused

import pytest
from django.core.mail.backends.locmem import EmailBackend

from workitems.mailing import request_spot_test

from ..emails import sent
from ..factories import UserFactory, make_item
from .page_elements import parse_page

HEADING = "Not everyone could be asked to check the copy"


@pytest.fixture
def refused(virginia, stan, wally, monkeypatch):
    """A restoration whose spot test reached one of two."""
    UserFactory(email="gone@virginia.edu", role=stan.role, institution=virginia)
    item = make_item(virginia, action="Restore", object_identifier="virginia.edu/bag")
    request_spot_test(item, by=wally, item_url="https://pharos.example.org/items/17")
    take = EmailBackend.send_messages

    def refuse(self, messages):
        if messages[0].recipients() == ["gone@virginia.edu"]:
            raise SMTPRecipientsRefused({"gone@virginia.edu": (550, b"5.1.1 <b>no</b> such mailbox")})
        return take(self, messages)

    monkeypatch.setattr(EmailBackend, "send_messages", refuse)
    assert [message.recipients() for message in sent()] == [["stan@virginia.edu"]]
    return item


@pytest.mark.parametrize("who", ["dora", "stan", "ada"])
def test_who_was_refused_and_why(refused, signed_in, cast, who):
    section = parse_page(signed_in(cast[who]).get(f"/items/{refused.pk}")).one(
        "section", **{"aria-labelledby": "refused-emails"}
    )
    assert section.one("h2").words == HEADING
    assert (section.one("dt").words, section.one("dd").words) == (
        "gone@virginia.edu",
        "550 5.1.1 <b>no</b> such mailbox",
    )
    assert "stan@virginia.edu" not in section.words


def test_the_other_institution_sees_nothing(refused, signed_in, olga):
    assert signed_in(olga).get(f"/items/{refused.pk}").status_code == 404


def test_nothing_is_said_about_other_items(refused, signed_in, ada, virginia):
    for action in ("Restore", "Ingest"):
        other = make_item(virginia, action=action)
        assert HEADING not in signed_in(ada).get(f"/items/{other.pk}").content.decode()
