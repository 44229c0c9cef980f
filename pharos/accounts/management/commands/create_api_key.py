from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from pharos.accounts import api_keys
from pharos.accounts.models import ApiKey, User


def valid_text(value: str) -> str:
    """Raises ValueError for text that no database accepts: invalid UTF-8, and NUL."""
    if "\x00" in value:
        raise ValueError
    return value.encode().decode()


class Command(BaseCommand):
    help = "Makes an API key for a person or a service account, and prints it alone on standard output. It is not shown again."

    def add_arguments(self, parser):
        parser.add_argument("email", metavar="E-MAIL", type=valid_text, help="whose key it will be")
        parser.add_argument("--label", default="", type=valid_text, help="what it is for, at most 100 characters")

    def handle(self, *args, email, label, **options):
        user = User.objects.filter(email=email.lower()).first()
        if user is None:
            raise CommandError(
                f"Nobody here has the e-mail {email}. Look at its spelling; admins see all on the admin site."
            )
        try:
            label = ApiKey._meta.get_field("label").formfield().clean(label)
            key, secret = api_keys.create_key(user, label=label, now=timezone.now())
        except ValidationError as error:
            raise CommandError(f"--label: {' '.join(error.messages)}") from error
        except api_keys.KeyRefused as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stderr.write(f"The key {key} of {user.email} is made. It is not shown again.", str)
        self.stdout.write(secret)
