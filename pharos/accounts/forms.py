import uuid

from allauth.account.forms import LoginForm, ResetPasswordForm
from django import forms
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.utils.translation import gettext_lazy as _

from .adapter import NOBODY
from .models import ApiKey, Theme, User, language_choices, rows_choices, time_zone_choices
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

    class Meta:
        model = ApiKey
        fields = ["label"]
        help_texts = {
            "label": _("To help you recognize the key later, for example: desktop app on my laptop. Optional.")
        }


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
