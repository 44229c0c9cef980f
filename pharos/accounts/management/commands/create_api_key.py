from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from pharos.accounts import api_keys
from pharos.accounts.models import ApiKey, KeyAccess, User


def valid_text(value: str) -> str:
    """Raises ValueError for text that no database accepts: invalid UTF-8, and NUL."""
    if "\x00" in value:
        raise ValueError
    return value.encode().decode()


def _lifetime(days: int | None) -> int:
    """The days until a key expires, 0 for never."""
    if days is None:
        return settings.API_KEY_DAYS
    if not 0 <= days <= api_keys.MAX_DAYS:
        raise CommandError(f"--days: use a number from 0 to {api_keys.MAX_DAYS}.")
    return days


class Command(BaseCommand):
    help = "Creates an API key for a user or a service account, and prints only the key to standard output. It is not shown again."

    def add_arguments(self, parser):
        parser.add_argument("email", metavar="EMAIL", type=valid_text, help="the owner of the key")
        parser.add_argument(
            "--label", default="", type=valid_text, help="a label that says what the key is for, at most 100 characters"
        )

        parser.add_argument("--read-only", action="store_true", help="the key can't change anything")
        parser.add_argument(
            "--days", type=int, help="after how many days it expires; 0: never; without this, as API_KEY_DAYS says"
        )

    def handle(self, *args, email, label, read_only, days, **options):
        user = User.objects.filter(email=email.lower()).first()
        if user is None:
            raise CommandError(
                f"There is no user with the email {email}. Check the spelling; admins can see all users on the admin site."
            )
        try:
            label = ApiKey._meta.get_field("label").formfield().clean(label)
            access = KeyAccess.READ if read_only else KeyAccess.READ_WRITE
            key, secret = api_keys.create_key(
                user, label=label, access=access, days=_lifetime(days), now=timezone.now()
            )
        except ValidationError as error:
            raise CommandError(f"--label: {' '.join(error.messages)}") from error
        except api_keys.KeyRefused as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stderr.write(f"Created the key {key} for {user.email}. It is not shown again.", str)
        self.stdout.write(secret)
