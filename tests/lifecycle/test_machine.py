"""Random moves by everyone on one item in the real database, compared with a small model that predicts the results."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from pharos.accounts.models import User
from workitems import transitions
from workitems.lifecycle import Refused, phase_of
from workitems.models import WorkItem
from workitems.vocabulary import Stage

from ..factories import InstitutionFactory, make_item
from ..lifecycle_cases import ENDS, MAY, PATH, requeue_choice, retry_choice
from ..stored_items import as_stored

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
PEOPLE = {
    "wally@aptrust.org": "worker",
    "ada@aptrust.org": "admin",
    "stan@virginia.edu": "institutional_admin",
    "dora@virginia.edu": "institutional_user",
}
TOLD = "Email sent to admins at University of Virginia"
LEADS_TO = {
    "retry": "Started",
    "succeed": "Success",
    "fail": "Failed",
    "suspend": "Suspended",
    "cancel": "Cancelled",
    "requeue": "Pending",
}
EARLY = ["Receive", "Fetch", "Unpack", "Validate"]  # a service can cancel an ingest there
BESIDE_THE_ROW = {"is_replaced", "is_notified", "stage_before_cancel", "has_begun"}


@dataclass(frozen=True)
class Model:
    """The expected item. `has_begun`: whether its stage start is known; `stage_before_cancel`: as in ItemState."""

    action: str
    stage: str
    is_replaced: bool
    is_notified: bool = False
    stage_before_cancel: str = ""
    status: str = "Pending"
    retry: bool = True
    reviewed: bool = False
    needs_admin_review: bool = False
    note: str = ""
    node: str = ""
    has_begun: bool = False
    version: int = 1

    @property
    def phase(self):
        return phase_of(self.status, retry=self.retry)

    def predict(self, move, role, sent, *, is_stale):
        """Returns the result ("done", "same", or the reason of a refusal) and the model afterward."""
        roles, phases = MAY[move]
        if role not in roles.split():
            return "forbidden", self
        stood = self.stage_before_cancel or self.stage
        back = {"requeue": requeue_choice(self.action, stood), "retry": retry_choice(self.action, self.stage)}
        legal = back.get(move) or [self.stage]
        stage = sent.get("stage") or legal[-1]
        if (move, role) == ("cancel", "admin"):
            stage = "Resolve"
        status = sent.get("status") or LEADS_TO.get(move, self.status)
        if stage not in PATH[self.action] or (move == "progress" and status not in ("Pending", "Started")):
            return "invalid", self
        new = replace(
            self, stage=stage, status=status, **{k: v for k, v in sent.items() if k not in ("stage", "status")}
        )
        if self.is_repeated(move, new, sent, role):
            return "same", self
        if self.phase not in phases.split() or (move == "requeue" and self.status == "Success"):
            return "illegal", self
        if move == "notify" and self.action != "Restore":
            return "illegal", self
        if move in ("review", "unreview") and self.is_damaged_copy and role != "admin":
            return "illegal", self
        is_early = self.action == "Ingest" and self.stage in EARLY and self.phase == "open"
        is_replaced = self.is_replaced and PATH["Ingest"].index(self.stage) < PATH["Ingest"].index("Store")
        if (move, role) == ("cancel", "worker") and not (is_replaced or is_early):
            return "illegal", self
        is_held = self.status == "Started" and bool(self.node)
        if move == "retry" and not (back["retry"] and self.retry and not (self.needs_admin_review or is_held)):
            return "illegal", self
        if move in back and stage not in legal:
            return "invalid", self
        if move == "retry" and not sent["node"]:
            return "invalid", self
        if move not in back and PATH[self.action].index(stage) < PATH[self.action].index(self.stage):
            return "illegal", self
        if move == "succeed" and stage not in ENDS[self.action]:
            return "illegal", self
        is_blank = not sent.get("note", "").strip()
        if is_blank and (move in ("fail", "suspend", "cancel") or (move == "edit" and "note" in sent and self.note)):
            return "invalid", self
        if move == "review" and self.is_damaged_copy and is_blank:
            return "invalid", self
        new = self.with_consequences(move, new, role, sent)
        if new == self:
            return "same", self
        return ("changed", self) if is_stale else ("done", replace(new, version=self.version + 1))

    @property
    def is_damaged_copy(self):
        return self.action == "Fixity Check" and self.status == "Failed" and self.phase == "closed"

    @property
    def waits_for_consortium(self):
        """As no note here says anything, the action and the stage decide."""
        if self.status != "Failed" or self.phase != "closed":
            return False
        is_theirs = self.action == "Fixity Check" or (self.action == "Ingest" and self.stage not in EARLY)
        is_theirs = is_theirs or (self.action in ("Delete", "DPN") and self.needs_admin_review)
        return is_theirs and (self.needs_admin_review or not self.reviewed)

    def is_repeated(self, move, new, sent, role):
        if move in ("review", "unreview"):
            is_settling = move == "review" and role == "admin" and self.waits_for_consortium
            return self.phase == "closed" and self.reviewed == (move == "review") and not is_settling
        if move == "notify":
            return self.is_notified
        node = "" if move == "cancel" else new.node
        same = (self.stage, self.status, self.node, self.note) == (new.stage, new.status, node, new.note)
        if move == "retry" and "node" in sent:
            return False
        return move not in ("edit", "requeue") and same and (self.phase != "open" or "retry" not in sent)

    def with_consequences(self, move, new, role, sent):
        if move == "review":
            added = "\n".join(filter(None, [self.note, sent.get("note")]))
            flag = role != "admin" if self.waits_for_consortium else self.needs_admin_review
            return replace(new, reviewed=True, note=added, needs_admin_review=flag)
        if move == "progress":
            waits = {"node": "", "has_begun": self.has_begun and new.stage == self.stage}
            return replace(new, **(waits if new.status == "Pending" else {"has_begun": True}))
        if move == "edit":
            return replace(new, reviewed=new.reviewed and new.phase == "closed")
        fresh = {
            "stage_before_cancel": "",
            "retry": True,
            "needs_admin_review": False,
            "reviewed": False,
            "node": "",
            "has_begun": False,
        }
        return replace(
            new,
            **{
                "succeed": {"retry": False},
                "suspend": {"retry": False, "needs_admin_review": True},
                "retry": {"has_begun": True},
                "cancel": {"retry": False, "node": "", "stage_before_cancel": self.stage},
                "requeue": fresh,
                "unreview": {"reviewed": False},
                "notify": {"is_notified": True, "note": f"{self.note}\n{TOLD}" if self.note else TOLD},
            }.get(move, {}),
        )


notes = st.sampled_from(["a", "b", "c", ""])


def anybody(move):
    """Draws mostly people who can make the move, so that items advance."""
    allowed = [who for who, role in PEOPLE.items() if role in MAY[move][0].split()]
    return st.sampled_from(allowed * 4 + list(PEOPLE))


near = st.sampled_from([None] * 12 + list(Stage))
ages = st.sampled_from(["unknown"] * 3 + ["current", "stale"])


class Life(RuleBasedStateMachine):
    @initialize(action=st.sampled_from([*PATH, "Ingest", "Restore"]), is_replaced=st.booleans())
    def arrives(self, action, is_replaced):
        institution = InstitutionFactory(identifier="virginia.edu")
        is_replaced = is_replaced and action == "Ingest"
        self.item = make_item(institution, action=action, at=NOON)
        if is_replaced:
            make_item(institution, name=self.item.name, at=NOON + timedelta(hours=1))
        self.model = Model(action, PATH[action][0], is_replaced)
        self.phases = [self.model.phase]
        self.people = {person.email: person for person in User.objects.all()}

    def make(self, move, who, age, sent, call):
        version = {"unknown": None, "current": self.model.version, "stale": self.model.version - 1}[age]
        expected, after = self.model.predict(move, PEOPLE[who], sent, is_stale=age == "stale")
        before = as_stored(self.item)
        by = self.people[who]
        if expected in ("done", "same"):
            call(by=by, version=version)
        else:
            with pytest.raises(Refused) as caught:
                call(by=by, version=version)
            assert caught.value.reason == expected, caught.value.sentence
        assert (as_stored(self.item) != before) == (expected == "done")
        self.model = after

    @rule(
        who=anybody("progress"),
        age=ages,
        stage=near,
        status=st.sampled_from(["Started", "Started", "Pending", "Success"]),
        rest=st.fixed_dictionaries({}, optional={"note": notes, "node": st.sampled_from(["", "w1", "w2"])}),
    )
    def progress(self, who, age, stage, status, rest):
        sent = {"stage": stage, "status": status, **rest}
        self.make("progress", who, age, sent, lambda **by: transitions.progress(self.item, **sent, **by))

    @rule(
        who=anybody("retry"),
        age=ages,
        stage=st.sampled_from([None] * 6 + ["Fetch"] * 6 + list(Stage)),
        rest=st.fixed_dictionaries({"node": st.sampled_from(["w1", "w2", ""])}, optional={"note": notes}),
    )
    def retry(self, who, age, stage, rest):
        sent = {"stage": stage, **rest}
        self.make("retry", who, age, sent, lambda **by: transitions.retry(self.item, **sent, **by))

    @rule(who=anybody("succeed"), age=ages, stage=st.sampled_from(["Record", "Cleanup", "Fetch", None]), note=notes)
    def succeed(self, who, age, stage, note):
        sent = {"stage": stage, "note": note}
        self.make("succeed", who, age, sent, lambda **by: transitions.succeed(self.item, **sent, **by))

    @rule(who=anybody("fail"), age=ages, stage=near, note=notes, retry=st.booleans())
    def fail(self, who, age, stage, note, retry):
        sent = {"stage": stage, "note": note, "retry": retry}
        self.make("fail", who, age, sent, lambda **by: transitions.fail(self.item, **sent, **by))

    @rule(who=anybody("suspend"), age=ages, note=notes)
    def suspend(self, who, age, note):
        self.make("suspend", who, age, {"note": note}, lambda **by: transitions.suspend(self.item, note=note, **by))

    @rule(who=anybody("cancel"), age=ages, stage=near, note=notes)
    def cancel(self, who, age, stage, note):
        sent = {"stage": stage, "note": note}
        self.make("cancel", who, age, sent, lambda **by: transitions.cancel(self.item, **sent, **by))

    @rule(who=anybody("requeue"), age=ages, stage=near, note=st.none() | st.sampled_from(["a", "b"]))
    def requeue(self, who, age, stage, note):
        sent = {"stage": stage} | ({"note": note} if note else {})
        self.make("requeue", who, age, sent, lambda **by: transitions.requeue(self.item, stage=stage, note=note, **by))

    @rule(who=anybody("review"), age=ages, reviewed=st.booleans(), note=st.sampled_from([None, "a", "done"]))
    def review(self, who, age, reviewed, note):
        sent = {"note": note} if note and reviewed else {}
        self.make(
            "review" if reviewed else "unreview",
            who,
            age,
            sent,
            lambda **by: transitions.review(self.item, reviewed=reviewed, note=note, **by),
        )

    @rule(who=anybody("notify"), age=ages)
    def notify(self, who, age):
        self.make("notify", who, age, {}, lambda **by: transitions.notify(self.item, **by))

    @rule(
        who=anybody("edit"),
        age=ages,
        sent=st.fixed_dictionaries(
            {},
            optional={
                "note": notes,
                "retry": st.booleans(),
                "needs_admin_review": st.booleans(),
                "node": st.sampled_from(["", "w1"]),
            },
        ),
    )
    def edit(self, who, age, sent):
        self.make("edit", who, age, sent, lambda **by: transitions.edit(self.item, **sent, **by))

    @invariant()
    def the_row_is_what_the_model_says(self):
        row = WorkItem.objects.get(pk=self.item.pk)
        named = {name: getattr(row, name) for name in vars(self.model) if name not in BESIDE_THE_ROW}
        named["is_notified"] = row.history.filter(move="notify").count() == 1
        named |= {"is_replaced": self.model.is_replaced, "has_begun": bool(row.stage_started_at)}
        named["stage_before_cancel"] = transitions.find_reached_stage(row) if row.status == "Cancelled" else ""
        assert Model(**named) == self.model
        assert bool(row.object_identifier) <= ("succeed" in row.history.values_list("move", flat=True))
        assert not row.reviewed or row.phase == "closed"

    @invariant()
    def the_history_is_a_chain(self):
        entries = list(self.item.history.order_by("number"))
        assert [entry.number for entry in entries] == list(range(1, self.model.version + 1))
        for former, entry in pairwise(entries):
            assert (entry.stage_before, entry.status_before) == (former.stage_after, former.status_after)
        assert (entries[-1].stage_after, entries[-1].status_after) == (self.model.stage, self.model.status)
        assert entries[-1].note == self.model.note

    @invariant()
    def what_is_closed_stays_closed_but_for_an_admin(self):
        self.phases.append(self.model.phase)
        if self.phases[-2] == "closed" != self.phases[-1]:
            assert self.item.history.last().move in ("requeue", "edit")


@pytest.mark.django_db
def test_random_moves_follow_the_model(cast):
    run_state_machine_as_test(Life, settings=settings(max_examples=40, stateful_step_count=30, deadline=None))
