"""Refuses passwords that someone would guess who knows the place or the person."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Final

from django.conf import settings
from django.contrib.auth.password_validation import CommonPasswordValidator
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from .models import Institution, User

PRODUCT_WORDS: Final = ("Pharos", "Work Items")
MIN_WORD: Final = 3  # letters; shorter parts of names, such as "of", are in too many good passwords
# How many characters a password must have besides a common one and words that are easy to guess.
MIN_OWN: Final = 6
LOOKALIKES: Final = str.maketrans("01345@$!", "oieasasi")


class GuessablePasswordValidator(CommonPasswordValidator):
    """Django's list of common passwords, also together with words of the place and the person, and a few characters.

    For example, `Virginia2026!` is refused at virginia.edu, and `p@ssword-pharos` everywhere.
    """

    def validate(self, password: str, user: User | None = None) -> None:
        super().validate(password, user)
        words = sorted({_fold(word) for word in _words(user)}, key=len, reverse=True)
        words = [word for word in words if len(word) >= MIN_WORD]
        if any(self._is_guessable(spelling, words) for spelling in (password, password.translate(LOOKALIKES))):
            raise ValidationError(self.get_error_message(), code="password_too_guessable")

    def get_error_message(self) -> str:
        return _(
            "This password is too easy to guess: it is a common one, or little more than your name, your email, your "
            "institution, or this service."
        )

    def get_help_text(self) -> str:
        return _(
            "Your password can't be a common one, or consist mainly of your name, your email, your institution, or this "
            "service, such as “aptrust2026!”."
        )

    def _is_guessable(self, password: str, words: Iterable[str]) -> bool:
        rest = whole = _fold(password)
        for word in words:
            rest = rest.replace(word, "")
        core = rest.strip("0123456789")
        if core in self.passwords:
            rest = rest.replace(core, "", 1)
        return rest != whole and len(rest) < MIN_OWN


def _words(user: User | None) -> Iterator[str]:
    """Names, emails, and domains, and the parts of each."""
    texts = [*PRODUCT_WORDS, settings.CONSORTIUM_DOMAIN]
    institutions = list(Institution.objects.filter(identifier=settings.CONSORTIUM_DOMAIN))
    if user:
        texts += [user.name, user.email]
        institutions += Institution.objects.filter(pk=user.institution_id or 0)
    for institution in institutions:
        texts += [institution.name, institution.identifier]
    for text in texts:
        yield text
        yield from re.split(r"[\W_]+", text)


def _fold(text: str) -> str:
    """Its letters and digits, without accents and in lower case."""
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    return "".join(character for character in decomposed if character.isalnum())
