"""Which errors belong to one email, and which to the mail server."""

import smtplib

import pytest

from pharos.email_queue.outcomes import Outcome, describe, judge

CASES = [
    (
        smtplib.SMTPRecipientsRefused({"a@x.org": (550, b"5.1.1 no such mailbox")}),
        "REFUSED",
        "550 5.1.1 no such mailbox",
    ),
    (smtplib.SMTPRecipientsRefused({"a@x.org": (452, b"mailbox full")}), "POSTPONED", "452 mailbox full"),
    (smtplib.SMTPDataError(554, b"looks like\nspam"), "REFUSED", "554 looks like spam"),
    (smtplib.SMTPDataError(500, b"no"), "REFUSED", "500 no"),
    (smtplib.SMTPDataError(499, b"no"), "POSTPONED", "499 no"),
    (smtplib.SMTPSenderRefused(552, b"too big", "p@x.org"), "REFUSED", "552 too big"),
    (smtplib.SMTPSenderRefused(550, b"we don't know you", "p@x.org"), "POSTPONED", "550 we don't know you"),
    (smtplib.SMTPNotSupportedError("SMTPUTF8 not supported"), "REFUSED", "SMTPUTF8 not supported"),
    (ValueError("Header values can't contain newlines"), "REFUSED", "Header values can't contain newlines"),
    (smtplib.SMTPServerDisconnected("Connection lost"), "POSTPONED", "Connection lost"),
    (smtplib.SMTPHeloError(501, b"bad name"), "POSTPONED", "501 bad name"),
    (TimeoutError(), "POSTPONED", "TimeoutError"),
]


@pytest.mark.parametrize(("error", "outcome", "sentence"), CASES)
def test_judging_an_error(error, outcome, sentence):
    assert (judge(error), describe(error)) == (Outcome[outcome], sentence)
