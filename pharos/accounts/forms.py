import uuid

from allauth.account.forms import LoginForm, ResetPasswordForm, ResetPasswordKeyForm
from django import forms
from django.conf import settings
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from . import api_keys
from .adapter import NOBODY
from .models import ApiKey, KeyAccess, Theme, User, language_choices, rows_choices, time_zone_choices
from .roles import Permission


class AccountForm(forms.ModelForm):
    """The settings that people can change for themselves."""

    class Meta:
        model = User
        fields = ["name", "language", "time_zone", "theme", "rows_per_page", "live_updates", "keyboard_shortcuts"]
        help_texts = {
            "language": _(
                "Also used in your emails. The consortium's terms, such as Ingest or Pending, are the same in "
                "every language."
            ),
            "time_zone": _("Used for times on the pages and for the days in date filters."),
            "rows_per_page": _("Unless a link specifies a number."),
            "live_updates": _(
                "A list tells you how many items have changed since you opened it; an item's page updates "
                "automatically."
            ),
            "keyboard_shortcuts": _(
                "Single keys: / to search, j and k to move between rows. Turn them off if you use dictation or if "
                "they get in your way."
            ),
        }

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["time_zone"] = forms.ChoiceField(
            label=self.fields["time_zone"].label,
            choices=time_zone_choices,
            help_text=self.fields["time_zone"].help_text,
        )
        self.fields["language"] = forms.ChoiceField(
            label=self.fields["language"].label,
            choices=language_choices,
            required=False,
            help_text=self.fields["language"].help_text,
        )
        self.fields["theme"] = forms.ChoiceField(
            label=self.fields["theme"].label, choices=Theme.choices, widget=forms.RadioSelect
        )
        self.fields["rows_per_page"] = forms.TypedChoiceField(
            label=self.fields["rows_per_page"].label,
            choices=rows_choices,
            coerce=int,
            help_text=self.fields["rows_per_page"].help_text,
        )


class KeyForm(forms.ModelForm):
    """Creates an API key. `once` is different each time the page is rendered, so that one form creates only one key."""

    INCOMPLETE = _("Part of this form was missing. Reload the page and create the key there.")

    once = forms.UUIDField(
        widget=forms.HiddenInput,
        initial=uuid.uuid4,
        error_messages={"required": INCOMPLETE, "invalid": INCOMPLETE},
    )

    access = forms.ChoiceField(
        label=_("Access"),
        choices=KeyAccess.choices,
        initial=KeyAccess.READ_WRITE,
        required=False,  # members' keys can only read in any case, so their form doesn't ask
        widget=forms.RadioSelect,
    )
    days = forms.IntegerField(
        label=_("Expires after (days)"),
        required=False,
        min_value=1,
        max_value=api_keys.MAX_DAYS,
        help_text=_("Leave it empty for a key that doesn't expire."),
    )

    class Meta:
        model = ApiKey
        fields = ["label", "access"]
        help_texts = {
            "label": _("To help you recognize the key later, for example: desktop app on my laptop. Optional.")
        }

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["days"].initial = settings.API_KEY_DAYS or None

    def clean_access(self):
        return self.cleaned_data["access"] or KeyAccess.READ_WRITE


class SignInForm(LoginForm):
    """allauth's form with the labels of this product and without placeholders."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["login"].label = _("Email")
        for field in self.fields.values():
            field.widget.attrs.pop("placeholder", None)
        self.fields["password"].help_text = ""  # the page shows this link below the form


class ForgottenPasswordForm(ResetPasswordForm):
    """A new password by email, for people who can sign in, at their current address.

    allauth also searches all addresses it has ever seen; an old mailbox must not open the account.
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["email"].label = _("Email")
        self.fields["email"].widget.attrs.pop("placeholder", None)

    def clean_email(self):
        email = super().clean_email()
        self.users = [user for user in User.objects.filter(email=email.lower()) if user.can(Permission.SIGN_IN)]
        return email

    def save(self, request, **kwargs):
        """Emails the link. For an address without an account, the same work is done for nobody.

        Otherwise the time that the answer takes would tell who has an account.
        """
        self.users = self.users or [User(pk=0, email=NOBODY, password=UNUSABLE_PASSWORD_PREFIX)]
        return super().save(request, **kwargs)


class NewPasswordForm(ResetPasswordKeyForm):
    """Sets the password that a link in an email allows to set. If the person wishes, it also revokes their API keys."""

    revoke_keys = forms.BooleanField(required=False)
    revoked = 0  # how many keys `save` has revoked

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        number = self.user.api_keys.active(timezone.now()).count() if self.user else 0
        if not number:
            del self.fields["revoke_keys"]
            return
        label = ngettext("Also revoke my API key", "Also revoke my %(number)d API keys", number)
        self.fields["revoke_keys"].label = label % {"number": number}
        self.fields["revoke_keys"].help_text = _(
            "Do this if someone else may have had access to your account. Programs that use the keys will stop working."
        )

    def save(self):
        super().save()
        if self.cleaned_data.get("revoke_keys"):
            self.revoked = api_keys.revoke_all(self.user, now=timezone.now())
