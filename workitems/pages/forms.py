"""The forms for moves and saved views. They know neither the request nor the database."""

from collections.abc import Collection, Sequence
from typing import Any, cast
from unicodedata import category, normalize

from django import forms
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from ..database import MAX_BIGINT
from ..lifecycle import NOTE_LIMIT, PATHS, first_stage
from ..vocabulary import Action


class MoveForm(forms.Form):
    """The base of every move's form: it has the version of the item that the reader has seen."""

    version = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=MAX_BIGINT,
        widget=forms.HiddenInput,
        error_messages=dict.fromkeys(
            ("invalid", "min_value", "max_value"),
            _("“version” is not a valid version number. Leave it out, or reopen the item's page."),
        ),
    )


def normalize_line_ends(text: str) -> str:
    """Replaces the line ends that browsers send (CR LF) with those of a worker's note (LF)."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


_BLANK = dict.fromkeys(map(ord, "\u2800\u3164\u115f\u1160\uffa0"))  # letters and symbols that are drawn as nothing


def is_visible(text: str) -> bool:
    """Whether the text has a visible character. Characters that this version of Unicode doesn't know count."""
    return any(category(one)[0] in "LNPS" or _can_become_visible(one) for one in text.translate(_BLANK))


def _can_become_visible(character: str) -> bool:
    """Whether this character is unassigned but could become a visible one in a later version of Unicode."""
    number = ord(character)
    is_noncharacter = number & 0xFFFE == 0xFFFE or 0xFDD0 <= number <= 0xFDEF
    is_ignorable = number == 0x2065 or 0xFFF0 <= number <= 0xFFF8 or 0xE0000 <= number <= 0xE0FFF
    return category(character) == "Cn" and not (is_noncharacter or is_ignorable)


class NoteField(forms.CharField):
    """A note typed by a person. `current`: the item's note; sent back unchanged, it stays exactly as it is."""

    current = ""

    def to_python(self, value: Any) -> str:
        return normalize_line_ends(super().to_python(value) or "")

    def validate(self, value: str) -> None:
        super().validate(value)
        if self.required and not is_visible(value):
            raise forms.ValidationError(self.error_messages["required"], code="required")

    def clean(self, value: Any) -> str:
        # A worker's note can be longer than a typed one, and can end with a blank line that the field would strip.
        if self.current and normalize_line_ends(value or "").strip() == normalize_line_ends(self.current).strip():
            return self.current
        return super().clean(value)


class ExplicitCheckbox(forms.CheckboxInput):
    """A checkbox that sends "false" if it isn't checked, so that a field missing from a request can stay unchanged."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        return format_html(
            '<input type="hidden" name="{}" value="false">{}', name, super().render(name, value, attrs, renderer)
        )


def note_field(*, required: bool, help_text: Any) -> NoteField:
    return NoteField(
        label=_("Note"),
        required=required,
        max_length=NOTE_LIMIT,
        help_text=help_text,
        widget=forms.Textarea(attrs={"rows": 6}),
        error_messages={
            "required": _("A note is required. Say why, for people who read it later."),
            "max_length": _("A note can have at most %(limit_value)d characters; this one has %(show_value)d."),
        },
    )


class CancelForm(MoveForm):
    note = note_field(required=True, help_text=_("The institution's depositors see it under Note / Error."))


class BulkCancelForm(forms.Form):
    note = note_field(required=True, help_text=_("Depositors see it under Note / Error on each item."))


class BulkRequeueForm(forms.Form):
    """`served`: the stages of an ingest that the installation's queue serves; None: all."""

    begin = forms.ChoiceField(
        label=_("Restart"),
        choices=[("stopped", _("Where each item stopped")), ("first", _("At the first stage of each item"))],
        initial="stopped",
        widget=forms.RadioSelect,
        error_messages=dict.fromkeys(("required", "invalid_choice"), _("Choose where the items restart.")),
    )
    note = note_field(required=True, help_text=_("It replaces each item's note. The history keeps the old notes."))

    def __init__(self, *args: Any, served: Collection[str] | None = None, **kwargs: Any):
        super().__init__(*args, **kwargs)
        if served is None:
            return
        field = cast(forms.ChoiceField, self.fields["begin"])
        choices = [("stopped", _("At the last stage that the queue serves, no later than where each item stopped"))]
        if first_stage(Action.INGEST) in served:
            choices.append(("first", _("At the first stage of each item")))
        field.choices = choices
        listed = ", ".join(stage for stage in PATHS[Action.INGEST] if stage in served)
        field.help_text = _("The queue of this installation serves only these stages of an ingest: %(stages)s.") % {
            "stages": listed or "–"
        }


class UndoCancelForm(forms.Form):
    note = note_field(required=True, help_text=_("It replaces each item's note. The history keeps the old notes."))


class RequeueForm(MoveForm):
    stage = forms.ChoiceField(label=_("Restart at"), widget=forms.RadioSelect)
    note = note_field(
        required=False,
        help_text=_(
            "If you leave this empty, the item keeps its current note. Either way, the history keeps every note."
        ),
    )

    def __init__(self, *args, stages: Sequence[str], unserved: Sequence[str], **kwargs):
        super().__init__(*args, **kwargs)
        field = cast(forms.ChoiceField, self.fields["stage"])
        field.choices = [(stage, stage) for stage in stages]
        field.error_messages = {
            "required": _("Choose the stage to restart at."),
            "invalid_choice": _("This item can't be requeued to “%(value)s”. Choose one of the stages below."),
        }
        if unserved:
            field.help_text = _("Not offered, because this installation's queue doesn't serve them: %(stages)s.") % {
                "stages": ", ".join(unserved)
            }


class ReviewForm(MoveForm):
    reviewed = forms.ChoiceField(
        choices=[("true", _("Reviewed")), ("false", _("Not reviewed"))],
        widget=forms.HiddenInput,
        error_messages=dict.fromkeys(("required", "invalid_choice"), _("“reviewed” must be true or false.")),
    )


class DamagedCopyReviewForm(ReviewForm):
    """Marking a damaged copy as reviewed closes it, so the admin says what was done."""

    note = note_field(required=True, help_text=_("What was done about the copy. It is added to the item's note."))


class EditForm(MoveForm):
    """Corrections to an item. A field that isn't sent is missing from `cleaned_data`, and stays unchanged."""

    retry = forms.BooleanField(
        label=_("Retry"),
        required=False,
        widget=ExplicitCheckbox,
        help_text=_("The system retries automatically after a temporary problem."),
    )
    needs_admin_review = forms.BooleanField(
        label=_("Needs admin review"),
        required=False,
        widget=ExplicitCheckbox,
        help_text=_("Workers leave the item alone until an admin decides."),
    )
    note = note_field(required=False, help_text=_("You can edit the note but not empty it."))
    node = forms.CharField(
        label=_("Node"), required=False, max_length=255, help_text=_("The machine of the worker that holds the item.")
    )
    pid = forms.IntegerField(
        label=_("Pid"),
        required=False,
        min_value=1,
        max_value=MAX_BIGINT,
        help_text=_("The process on that machine."),
        # Not type="number", because that couldn't show a word that somebody typed by mistake.
        widget=forms.TextInput(attrs={"inputmode": "numeric"}),
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["note"].current = self.initial.get("note", "")

    def clean(self) -> dict[str, Any]:
        return {name: value for name, value in self.cleaned_data.items() if name in self.data}


class NameField(forms.CharField):
    """A name that people can tell apart from others by sight: one line, without invisible characters."""

    # Unicode categories: controls, such as those that change the writing direction, and code points without a
    # character.
    INVISIBLE = ("Cc", "Cf", "Co", "Cs", "Cn")
    JOINERS = dict.fromkeys(map(ord, "\u200c\u200d"))  # allowed, because some scripts need them within a word

    def to_python(self, value: Any) -> str:
        return " ".join(normalize("NFC", super().to_python(value) or "").split())

    def validate(self, value: str) -> None:
        super().validate(value)
        text = value.translate(self.JOINERS)
        is_text = not any(category(one) in self.INVISIBLE and not _can_become_visible(one) for one in text)
        if value and not (is_visible(value) and is_text):
            raise forms.ValidationError(self.error_messages["invisible"], code="invisible")


class ViewForm(forms.Form):
    """Saves a list as a view, or edits a view. `reaches`: (value, label) of the choices for who can see it."""

    name = NameField(
        label=_("Name"),
        max_length=80,
        error_messages={
            "required": _("Enter a name for the view."),
            "invisible": _("This name contains invisible characters. Type it again without them."),
            "max_length": _("A name can have at most %(limit_value)d characters; this one has %(show_value)d."),
        },
    )
    reach = forms.ChoiceField(
        label=_("Visible to"),
        widget=forms.RadioSelect,
        initial="private",
        error_messages=dict.fromkeys(("required", "invalid_choice"), _("Choose one of the options below.")),
    )
    replace = forms.BooleanField(label=_("Replace the view with this name"), required=False)

    def __init__(self, *args: Any, reaches: list[tuple[str, Any]], **kwargs: Any):
        super().__init__(*args, **kwargs)
        cast(forms.ChoiceField, self.fields["reach"]).choices = reaches
