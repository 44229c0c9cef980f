from django import forms
from django.utils.translation import gettext_lazy as _

from .models import User, time_zone_choices


class AccountForm(forms.ModelForm):
    """What people may set for themselves."""

    class Meta:
        model = User
        fields = ["name", "time_zone"]
        help_texts = {"time_zone": _("Times on the pages, and the days of the date filters, are in this zone.")}

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["time_zone"] = forms.ChoiceField(
            label=self.fields["time_zone"].label,
            choices=time_zone_choices,
            help_text=self.fields["time_zone"].help_text,
        )
