"""Templates for the notes that admins write most often, as (label, text). Admins edit them before sending."""

from django.utils.translation import gettext_lazy

CANCEL_NOTES = (
    (
        gettext_lazy("Newer upload"),
        gettext_lazy("Cancelled: a newer version of this bag has been uploaded and is processed instead."),
    ),
    (gettext_lazy("Requested by the institution"), gettext_lazy("Cancelled at the request of your institution.")),
    (
        gettext_lazy("Bag can't be processed"),
        gettext_lazy(
            "Cancelled: this bag can't be processed as it is. Please correct it as we discussed, and upload it again."
        ),
    ),
    (
        gettext_lazy("Problem on our side"),
        gettext_lazy(
            "Cancelled because of a problem on our side. Please upload the bag again. We apologize for the "
            "inconvenience."
        ),
    ),
)
REQUEUE_NOTES = (
    (gettext_lazy("Problem fixed"), gettext_lazy("Restarted: the problem that stopped it has been fixed.")),
    (gettext_lazy("Service outage"), gettext_lazy("Restarted: a service it depends on was temporarily unavailable.")),
    (gettext_lazy("Requested by the institution"), gettext_lazy("Restarted at the request of your institution.")),
)
UNDO_NOTES = (
    (gettext_lazy("Cancelled by mistake"), gettext_lazy("Restarted: it had been cancelled by mistake.")),
    REQUEUE_NOTES[-1],
)
