"""How the tests of the rules put their questions, and the design's table of paths, word for word."""

from datetime import UTC, datetime

import pytest

from pharos.accounts.roles import Role
from workitems.lifecycle import MOVES, PATHS, SUCCESS_AT, ItemState, Refused, TransitionRequest, evaluate
from workitems.vocabulary import Status

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
# "*" marks where success is.
TABLE = {
    "Ingest": "Receive, Fetch, Unpack, Validate, Reingest Check, Copy To Staging, Format Identification, Store, "
    "Storage Validation, Record*, Cleanup*, Resolve*",
    "Restore": "Requested, Fetch, Package, Validate, Restoring, Available in S3*, Record*, Cleanup*, Resolve*",
    "Glacier Restore": "Requested, Fetch, Restoring, Available in S3*, Record*, Cleanup*, Resolve*",
    "Delete": "Requested, Record*, Cleanup*, Resolve*",
    "Fixity Check": "Requested, Fetch, Validate, Record*, Cleanup*, Resolve*",
    "DPN": "Requested, Fetch, Package, Validate, Store, Record*, Cleanup*, Resolve*",
}
DESIGNED_PATH = {action: [step.rstrip("*") for step in line.split(", ")] for action, line in TABLE.items()}
DESIGNED_ENDS = {
    action: [step.rstrip("*") for step in line.split(", ") if step.endswith("*")] for action, line in TABLE.items()
}
# What there is now: the stages of the design and whatever was added since.
PATH = {action.value: [step.value for step in path] for action, path in PATHS.items()}
ENDS = {action.value: [step.value for step in ends] for action, ends in SUCCESS_AT.items()}

# Who may make which move, and from where: "open", "held" and "closed". Of the roles of the design.
_DESIGNED_MOVES = {
    "progress": ("admin worker", "open"),
    "retry": ("admin worker", "open"),
    "succeed": ("admin worker", "open"),
    "fail": ("admin worker", "open"),
    "suspend": ("admin worker", "open"),
    "cancel": ("admin worker", "open held"),
    "requeue": ("admin", "open held closed"),
    "review": ("admin institutional_admin", "closed"),
    "unreview": ("admin institutional_admin", "closed"),
    "edit": ("admin", "open held closed"),
    "notify": ("admin worker", "open held closed"),
}
_ADDED_ROLES = [role for role in Role if role not in ("institutional_user", "institutional_admin", "admin", "worker")]
MAY = {
    name: (" ".join([roles, *(role for role in _ADDED_ROLES if MOVES[name].is_granted_to(role))]), phases)
    for name, (roles, phases) in _DESIGNED_MOVES.items()
}


# Where an item can be sent back to: requeued, any stage so far but the obsolete one; retried, neither this one nor the first.
def requeue_choice(action, stage):
    path = PATH[action] if action == "Ingest" else ["Requested"]
    here = path.index(stage) if action == "Ingest" else 0
    return [step for step in path[: here + 1] if step != "Unpack"]


def retry_choice(action, stage):
    return PATH[action][1 : PATH[action].index(stage)] if action == "Ingest" else []


STATES = [(status, retry) for status in Status for retry in (True, False)]


def facts(action="Ingest", stage="Fetch", status="Started", retry=True, **more):
    return ItemState(action=action, stage=stage, status=status, retry=retry, **more)


def ask(move, now_it_is, role="admin", *, stage=None, status=None, note=None, name="bag.tar", **fields):
    return evaluate(
        move,
        now_it_is,
        TransitionRequest(stage=stage, status=status, note=note, fields=fields),
        role=role,
        domain="virginia.edu",
        item_name=name,
        now=NOW,
    )


def refusal(move, *args, **kwargs):
    with pytest.raises(Refused) as caught:
        ask(move, *args, **kwargs)
    return caught.value
