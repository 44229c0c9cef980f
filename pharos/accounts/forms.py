import uuid

from allauth.account.forms import LoginForm, ResetPasswordForm
from django import forms
from django.utils.translation import gettext_lazy as _

from .models import ApiKey, Theme, User, language_choices, rows_choices, time_zone_choices
from .roles import Permission


class AccountForm(forms.ModelForm):
    """The settings that people can change for themselves."""

    class Meta:
        model = User
        fields = ["name", "language", "time_zone", "theme", "rows_per_page", "live_updates", "keyboard_shortcuts"]
        help_texts = {
            "language": _(
                "The words of the consortium, like Ingest or Pending, are the same in each. Mails are in it, too."
            ),
            "time_zone": _("Times on the pages, and the days of the date filters, are in this zone."),
            "rows_per_page": _("Unless the address of a list says how many."),
            "live_updates": _(
                "A list says how many items have changed since it was opened; the page of an item brings itself up to date."
            ),
            "keyboard_shortcuts": _(
                "Single keys: / searches, j and k go from row to row. Switch them off if you dictate, or if they get in your way."
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
    """Asks for a new API key. `once` is different each time the page is drawn: one form creates one key."""

    INCOMPLETE = _("This form came without one of its parts. Load the page again, and make the key from there.")

    once = forms.UUIDField(
        widget=forms.HiddenInput,
        initial=uuid.uuid4,
        error_messages={"required": INCOMPLETE, "invalid": INCOMPLETE},
    )

    class Meta:
        model = ApiKey
        fields = ["label"]
        help_texts = {"label": _("So that you know it again, like: desktop app on my laptop. You may leave it empty.")}


class SignInForm(LoginForm):
    """allauth's form in this product's spelling, without placeholders."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["login"].label = _("E-mail")
        for field in self.fields.values():
            field.widget.attrs.pop("placeholder", None)
        self.fields["password"].help_text = ""  # the page shows this link below the form


class ForgottenPasswordForm(ResetPasswordForm):
    """A new password by email, for people who can sign in, at their current address.

    allauth also searches all addresses it has ever seen; an old mailbox must not open the account.
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["email"].label = _("E-mail")
        self.fields["email"].widget.attrs.pop("placeholder", None)

    def clean_email(self):
        email = super().clean_email()
        self.users = [user for user in User.objects.filter(email=email.lower()) if user.can(Permission.SIGN_IN)]
        return email
