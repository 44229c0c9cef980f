"""What became of an email, judged by what the mail server or the library said."""

import smtplib
from enum import Enum

# RFC 5321, 4.2.1: from 500 on, the same command will fail in the same way again.
PERMANENT = 500
_MESSAGE_TOO_BIG = 552  # of MAIL FROM (RFC 1870): it says the size


class Outcome(Enum):
    SENT = "sent"
    REFUSED = "refused"  # for good, and only this email
    POSTPONED = "postponed"  # the server answered, but didn't take it now


def judge(error: Exception) -> Outcome:
    """Returns whether an email that failed with this error is to be given up.

    A refusal belongs to one email only if it is about its recipient (RCPT), its content (DATA), its size, or how it is
    written. What the server holds against the sender or the connection concerns all emails and can be mended.
    """
    match error:
        case smtplib.SMTPRecipientsRefused(recipients=refusals):
            codes = [code for code, _text in refusals.values()]
            return Outcome.REFUSED if codes and min(codes) >= PERMANENT else Outcome.POSTPONED
        case smtplib.SMTPDataError(smtp_code=code):
            return Outcome.REFUSED if code >= PERMANENT else Outcome.POSTPONED
        case smtplib.SMTPSenderRefused(smtp_code=code):
            return Outcome.REFUSED if code == _MESSAGE_TOO_BIG else Outcome.POSTPONED
        case smtplib.SMTPNotSupportedError() | ValueError():
            return Outcome.REFUSED
    return Outcome.POSTPONED


def describe(error: Exception) -> str:
    """Returns what the server or the library said, as one line: “550 no such mailbox”."""
    match error:
        case smtplib.SMTPRecipientsRefused(recipients=refusals) if refusals:
            code, text = next(iter(refusals.values()))
        case smtplib.SMTPResponseException(smtp_code=code, smtp_error=text):
            pass
        case _:
            return " ".join((str(error) or type(error).__name__).split())
    readable = text.decode(errors="replace") if isinstance(text, bytes) else str(text)
    return " ".join(f"{code} {readable}".split())
