"""Makes the simulated moves in the configured database, through `transitions`."""

from datetime import datetime
from random import Random

from django.utils import timezone

from pharos.accounts.models import Institution, User

from .. import transitions
from ..lifecycle import Refused
from ..models import WorkItem
from .decisions import Event, Plan, decide, decide_arrival, item_label


class DatabaseActor:
    """Carries out plans through `transitions` as a service account."""

    def __init__(self, by: User):
        self.by = by

    def open_items(self, rng: Random, most: int) -> list[WorkItem]:
        """Returns some of the items that a worker can claim: not those waiting for an admin, nor replaced uploads."""
        waiting = WorkItem.objects.open().filter(needs_admin_review=False)
        ids = [*waiting.order_by("pk").values_list("pk", flat=True)]
        some = waiting.filter(pk__in=rng.sample(ids, min(most, len(ids))))
        superseded, duplicates = some.superseded().values_list("pk"), some.duplicates().values_list("pk")
        replaced = {pk for (pk,) in [*superseded, *duplicates]}
        return [*some.exclude(pk__in=replaced).select_related("institution").order_by("pk")]

    def domains(self) -> list[str]:
        """Returns the domains of the institutions that upload bags."""
        members = Institution.objects.exclude(pk=self.by.institution_id)
        return [*members.order_by("identifier").values_list("identifier", flat=True)]

    def carry_out(self, plan: Plan) -> Event:
        return self._create(plan) if plan.item_id is None else self._move(plan, plan.item_id)

    def _create(self, plan: Plan) -> Event:
        values = dict(plan.values)
        institution = Institution.objects.get(identifier=values.pop("domain"))
        item = transitions.create(by=self.by, institution=institution, **values)
        return Event(f"{item_label(item.pk, item.action, item.name)}: new, {item.lifecycle_state}", changed=True)

    def _move(self, plan: Plan, item_id: int) -> Event:
        item = WorkItem.objects.get(pk=item_id)
        before = str(item.lifecycle_state)
        try:
            getattr(transitions, plan.move)(item, by=self.by, via="api", version=plan.version, **plan.values)
        except Refused as refused:
            return Event(
                f"{item_label(item.pk, item.action, item.name)}: left alone. {refused.sentence}", changed=False
            )
        return Event(f"{item_label(item.pk, item.action, item.name)}: {before} → {item.lifecycle_state}", changed=True)


class Simulation:
    """Simulates workers, one step at a time."""

    def __init__(self, actor: DatabaseActor, *, seed: int | None = None, most: int = 4):
        self.actor = actor
        self.rng = Random(seed)  # noqa: S311  not a secret
        self.most = most

    def step(self) -> list[Event]:
        """Advances a few open items. In one step of five, and whenever nothing else can be done, a new upload arrives."""
        plans = self.decide(timezone.now())
        return [self.actor.carry_out(plan) for plan in plans]

    def decide(self, now: datetime) -> list[Plan]:
        items = self.actor.open_items(self.rng, self.rng.randint(1, self.most))
        plans = [decide(self.rng, item, item.institution.identifier) for item in items]
        domains = self.actor.domains()
        if domains and (not plans or self.rng.random() < 0.2):
            plans.append(decide_arrival(self.rng, domains, now))
        return plans
