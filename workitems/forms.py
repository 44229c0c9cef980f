"""The forms of the moves. They know neither request nor database."""

from django import forms
from django.utils.translation import gettext_lazy as _

from .fields import LARGEST
from .lifecycle import NOTE_LIMIT


class MoveForm(forms.Form):
    """What every move's form carries: the version of the item that its reader has seen."""

    version = forms.IntegerField(required=False, min_value=1, max_value=LARGEST, widget=forms.HiddenInput)


def note_field(*, required: bool, help_text: object) -> forms.CharField:
    return forms.CharField(
        label=_("Note"),
        required=required,
        max_length=NOTE_LIMIT,
        help_text=help_text,
        widget=forms.Textarea(attrs={"rows": 6}),
        error_messages={
            "required": _("A note is required: say why, for those who read it later."),
            "max_length": _("A note has at most %(limit_value)d characters; this one has %(show_value)d."),
        },
    )


class CancelForm(MoveForm):
    note = note_field(required=True, help_text=_("The depositors of this institution read it under Note / Error."))


class RequeueForm(MoveForm):
    stage = forms.ChoiceField(label=_("Begin again at"), widget=forms.RadioSelect)
    note = note_field(
        required=False,
        help_text=_(
            "If you leave this empty, the item keeps the note that it has. Either way the history keeps every note."
        ),
    )

    def __init__(self, *args, stages: list[str], **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["stage"].choices = [(stage, stage) for stage in stages]


class ReviewForm(MoveForm):
    reviewed = forms.ChoiceField(
        choices=[("true", _("Reviewed")), ("false", _("Not reviewed"))], widget=forms.HiddenInput
    )


class EditForm(MoveForm):
    retry = forms.BooleanField(
        label=_("Retry"), required=False, help_text=_("The system will try again by itself after a temporary problem.")
    )
    needs_admin_review = forms.BooleanField(
        label=_("Needs admin review"),
        required=False,
        help_text=_("Workers leave the item alone until an admin has decided."),
    )
    note = note_field(required=False, help_text=_("A note may be changed, but not to nothing."))
    node = forms.CharField(
        label=_("Node"), required=False, max_length=255, help_text=_("The machine whose worker holds the item.")
    )
    pid = forms.IntegerField(
        label=_("Pid"), required=False, min_value=1, max_value=LARGEST, help_text=_("The process on that machine.")
    )


class FilterForm(forms.Form):
    """The fields above the rows that are typed. Their names and their reading are those of the list's query string."""

    q = forms.CharField(label=_("Search"), required=False)
    received_from = forms.CharField(
        label=_("Received from"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    received_to = forms.CharField(
        label=_("Received to"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    size_min = forms.CharField(
        label=_("Size from"), required=False, widget=forms.TextInput(attrs={"placeholder": "1 GB"})
    )
    size_max = forms.CharField(
        label=_("Size to"), required=False, widget=forms.TextInput(attrs={"placeholder": "5 TB"})
    )
    bucket = forms.CharField(label=_("Bucket"), required=False)
    user = forms.CharField(label=_("Requested by"), required=False)
    retry = forms.ChoiceField(
        label=_("Retry"), required=False, choices=[("", _("any")), ("true", _("yes")), ("false", _("no"))]
    )
    needs_admin_review = forms.ChoiceField(
        label=_("Needs admin review"), required=False, choices=[("", _("any")), ("true", _("yes")), ("false", _("no"))]
    )
