"""Helpers that send what is queued, into `django.core.mail.outbox`."""

from django.core import mail
from django.utils import timezone

from pharos.email_queue.sending import send_queued
from workitems.mailing import queue_all_due


def sent():
    """Sends what is queued, and returns all emails that the test has sent."""
    send_queued(timezone.now())
    return mail.outbox


def send_due(now):
    """What `send_mail_queue` does at this time."""
    queue_all_due(now)
    send_queued(timezone.now())
