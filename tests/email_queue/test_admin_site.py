"""The admin site lists the emails that wait or were given up, and why, but never what they say."""

import pytest
from django.core.mail import EmailMessage
from django.urls import reverse
from django.utils import timezone

from pharos.email_queue.models import QueuedEmail

LIST = reverse("admin:email_queue_queuedemail_changelist")


@pytest.fixture
def given_up(db):
    EmailMessage("Set your password", "https://pharos.example.org/secret-link", to=["gone@x.org"]).send()
    email = QueuedEmail.objects.get()
    email.given_up_at, email.last_error = timezone.now(), "550 no such mailbox"
    email.save()
    return email


def test_admins_see_who_and_why_but_not_the_text(signed_in, ada, given_up):
    client = signed_in(ada)
    detail = reverse("admin:email_queue_queuedemail_change", args=[given_up.pk])
    for address in (LIST, detail, f"{LIST}?q=gone"):
        text = client.get(address).content.decode()
        assert "gone@x.org" in text
        assert "550 no such mailbox" in text
        assert "secret-link" not in text
    assert client.post(detail, {"to": "else@x.org"}).status_code == 403
    assert client.get(reverse("admin:email_queue_queuedemail_add")).status_code == 403
    assert QueuedEmail.objects.get().to == "gone@x.org"


@pytest.mark.parametrize("who", ["dora", "stan", "olga", "wally"])
def test_nobody_else_sees_them(signed_in, cast, given_up, who):
    assert signed_in(cast[who]).get(LIST).status_code in (302, 403)
