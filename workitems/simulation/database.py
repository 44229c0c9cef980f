"""The hands that do what was decided in this process's own database, through WorkItem's verbs."""

from datetime import datetime
from random import Random

from django.utils import timezone

from pharos.accounts.models import Institution, User

from .. import transitions
from ..lifecycle import Refused
from ..models import WorkItem
from .deciding import Done, Plan, called, decide, decide_arrival


class Hands:
    """Does what was decided, through WorkItem's verbs, in the name of a service account."""

    def __init__(self, by: User):
        self.by = by

    def open_items(self, rng: Random, most: int) -> list[WorkItem]:
        """Some of the items that a worker may take up: not those that wait for an admin, nor uploads that another one replaces."""
        waiting = WorkItem.objects.open().filter(needs_admin_review=False)
        ids = [*waiting.order_by("pk").values_list("pk", flat=True)]
        some = waiting.filter(pk__in=rng.sample(ids, min(most, len(ids))))
        superseded, duplicates = some.superseded().values_list("pk"), some.duplicates().values_list("pk")
        replaced = {pk for (pk,) in [*superseded, *duplicates]}
        return [*some.exclude(pk__in=replaced).select_related("institution").order_by("pk")]

    def domains(self) -> list[str]:
        """The institutions that upload."""
        members = Institution.objects.exclude(pk=self.by.institution_id)
        return [*members.order_by("identifier").values_list("identifier", flat=True)]

    def do(self, plan: Plan) -> Done:
        return self._create(plan) if plan.item_id is None else self._move(plan, plan.item_id)

    def _create(self, plan: Plan) -> Done:
        values = dict(plan.values)
        institution = Institution.objects.get(identifier=values.pop("domain"))
        item = transitions.create(by=self.by, institution=institution, **values)
        return Done(f"{called(item.pk, item.action, item.name)}: new, {item.lifecycle_state}", changed=True)

    def _move(self, plan: Plan, item_id: int) -> Done:
        item = WorkItem.objects.get(pk=item_id)
        before = str(item.lifecycle_state)
        try:
            getattr(transitions, plan.move)(item, by=self.by, via="api", version=plan.version, **plan.values)
        except Refused as refused:
            return Done(f"{called(item.pk, item.action, item.name)}: left alone. {refused.sentence}", changed=False)
        return Done(f"{called(item.pk, item.action, item.name)}: {before} → {item.lifecycle_state}", changed=True)


class Simulation:
    """Workers, one step at a time."""

    def __init__(self, hands: Hands, *, seed: int | None = None, most: int = 4):
        self.hands = hands
        self.rng = Random(seed)  # noqa: S311  a game, not a secret
        self.most = most

    def step(self) -> list[Done]:
        """Each of a few open items makes its next move; one time in five a new upload arrives, and whenever there is nothing else to do."""
        plans = self.decide(timezone.now())
        return [self.hands.do(plan) for plan in plans]

    def decide(self, now: datetime) -> list[Plan]:
        items = self.hands.open_items(self.rng, self.rng.randint(1, self.most))
        plans = [decide(self.rng, item, item.institution.identifier) for item in items]
        domains = self.hands.domains()
        if domains and (not plans or self.rng.random() < 0.2):
            plans.append(decide_arrival(self.rng, domains, now))
        return plans
