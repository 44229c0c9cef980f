"""What admins say again and again; a start, to be changed before it is sent. (label, text)"""

from django.utils.translation import gettext_lazy

CANCEL_NOTES = (
    (
        gettext_lazy("Newer upload"),
        gettext_lazy("Cancelled: a newer version of this bag has been uploaded and is processed instead."),
    ),
    (gettext_lazy("At your request"), gettext_lazy("Cancelled at the request of your institution.")),
    (
        gettext_lazy("Bag cannot be processed"),
        gettext_lazy(
            "Cancelled: this bag cannot be processed as it is. Please correct it as we discussed, and upload it again."
        ),
    ),
    (
        gettext_lazy("Our fault"),
        gettext_lazy(
            "Cancelled because of a fault on our side. Please upload the bag again; we are sorry for the trouble."
        ),
    ),
)
REQUEUE_NOTES = (
    (gettext_lazy("Fault removed"), gettext_lazy("Tried again: the fault that stopped it has been removed.")),
    (gettext_lazy("Service was down"), gettext_lazy("Tried again: a service that it needs was down for a while.")),
    (gettext_lazy("At your request"), gettext_lazy("Tried again at the request of your institution.")),
)
