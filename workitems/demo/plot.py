"""Generates the demo's stories from a seed: as many of each type as in two years of a consortium."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random

from workitems.vocabulary import Action, Stage

from . import texts
from .cast import MEMBERS
from .story import WORKER, Bag, Story
from .timing import EARLIER_INGESTS, ROUTES, bag_size, usual_time

TIME_SPAN = timedelta(days=730)
_GIGA = 10**9
_REVIEW_INTERVAL = timedelta(days=3)
_BUSY_WEEKS = (33, 96, 171, 240, 305, 390, 452, 530, 601, 688)  # days before now


class Plot:
    """All stories of one demo. With the same seed and count, `now` only shifts them in time."""

    def __init__(self, *, count: int, now: datetime, seed: int):
        self.rng = Random(seed)  # noqa: S311  a demo, not a secret
        self.count = count
        self.now = now
        self.number = 0
        self.ingested: list[Story] = []  # for restorations, deletions, and checks
        self.stories: list[Story] = []

    def write_stories(self) -> list[Story]:
        """Returns the stories in the order in which their items are created."""
        for special in (
            self._waiting(),
            self._under_way(),
            self._superseded_uploads(),
            self._duplicate_uploads(),
            self._in_trouble(),
            self._late_and_stuck(),
            self._failed(),
            self._cancelled(),
            self._requeued(),
            self._awkward_names(),
        ):
            self.stories.extend(special)
        self._ingests(int(self.count * 0.7))
        self._later_requests()
        self._ingests(self.count)
        self._reviews()
        return sorted(self.stories, key=lambda story: story.start)

    # Helpers

    def _scaled(self, full: int) -> int:
        """Scales a number for 3,000 items down to the size of this demo, but at least to one."""
        return max(1, round(full * min(1, self.count / 3000)))

    def _domain(self) -> str:
        return self.rng.choices([*MEMBERS], [share for _name, share in MEMBERS.values()])[0]

    def _bag(self, *, name: str = "", size: int | None = None, domain: str = "") -> Bag:
        self.number += 1
        domain = domain or self._domain()
        size = size or bag_size(self.rng)
        return Bag(domain, name or texts.bag_name(self.rng, domain, self.number), size, texts.etag(self.rng, size))

    def _small_bag(self, **fields: str) -> Bag:
        """A bag that takes at most an hour or two to process."""
        return self._bag(size=self.rng.randint(200_000, 20 * _GIGA), **fields)

    def _changed_upload(self, bag: Bag) -> Bag:
        """The same bag with different content."""
        size = max(4_096, int(bag.size * self.rng.uniform(0.9, 1.2)))
        return Bag(bag.domain, bag.name, size, texts.etag(self.rng, size))

    def _time_ago(self, least: float, most: float) -> datetime:
        return self.now - timedelta(days=self.rng.uniform(least, most))

    def _ingest(self, bag: Bag, start: datetime) -> Story:
        """An ingest through the stages that were used at that time."""
        age = (self.now - start).days
        route = next((route for days, route in EARLIER_INGESTS if age >= days), ())
        return Story(self.rng, Action.INGEST, bag, start, route=route)

    def _request(self, action: Action, bag: Bag, start: datetime, **fields: str) -> Story:
        about = {"object_identifier": bag.object_identifier, **fields}
        if action != Action.FIXITY_CHECK:
            about["user"] = f"{self.rng.choice(('depositor', 'staff'))}@{bag.domain}"
        if action == Action.DELETE:
            about["inst_approver"] = f"staff@{bag.domain}"
        return Story(self.rng, action, bag, start, fields=about)

    def _new(self, action: Action, start: datetime) -> Story:
        bag = self._small_bag()
        if action == Action.INGEST:
            return self._ingest(bag, start)
        about = {"generic_file_identifier": self._file_identifier(bag)} if action == Action.FIXITY_CHECK else {}
        return self._request(action, bag, start, **about)

    def _file_identifier(self, bag: Bag) -> str:
        return f"{bag.object_identifier}/{texts.payload_file(self.rng)}"

    def _finish(self, story: Story, *, after: Stage | None = None) -> Story:
        return story.advance(after=after).succeed()

    # Open

    def _waiting(self) -> Iterator[Story]:
        """The backlog: received or requested but not started."""
        plan = (
            (Action.INGEST, 22),
            (Action.RESTORE, 3),
            (Action.GLACIER_RESTORE, 2),
            (Action.DELETE, 4),
            (Action.FIXITY_CHECK, 3),
        )
        for action, full in plan:
            for _ in range(self._scaled(full)):
                yield self._new(action, self._time_ago(0.001, 0.8))

    def _under_way(self) -> Iterator[Story]:
        """For each action and stage, one or two items waiting and in progress."""
        for action, route in ROUTES.items():
            if action == Action.DPN:
                continue
            for stage in route:
                for is_pending in (False, True):
                    if action not in (Action.INGEST, Action.RESTORE) and is_pending:
                        continue
                    story = self._new(action, self.now).wait(minutes=self.rng.uniform(5, 50))
                    story.advance(before=stage)
                    if is_pending and stage != Stage.REQUESTED:
                        story.queue(stage)
                    else:
                        story.start_stage(stage)
                    so_far = usual_time(action, stage, story.bag.size) * self.rng.uniform(0.05, 0.7)
                    yield story.shift_to_end(self.now - so_far)

    def _superseded_uploads(self) -> Iterator[Story]:
        """Uploaded two or three times with changes: only the last one is processed."""
        for n in range(self._scaled(5)):
            bag = self._small_bag()
            last = self._time_ago(3, 40) if n % 2 else self._time_ago(0.01, 0.1)
            for earlier in range(n % 2 + 1, 0, -1):
                yield self._ingest(
                    self._changed_upload(bag), last - timedelta(hours=5 * earlier + self.rng.uniform(0, 3))
                )
            final = self._ingest(bag, last)
            yield self._finish(final.wait(hours=4)) if n % 2 else final
        bag = self._small_bag()
        last = self._time_ago(8, 30)
        tidied = self._ingest(self._changed_upload(bag), last - timedelta(hours=30))
        yield tidied.wait(hours=40).cancel(texts.SUPERSEDED, WORKER)
        yield self._finish(self._ingest(bag, last).wait(minutes=30))

    def _duplicate_uploads(self) -> Iterator[Story]:
        """The same file uploaded again: ingested once."""
        for n in range(self._scaled(5)):
            bag = self._small_bag()
            last = self._time_ago(0.1, 20)
            original = self._ingest(bag, last - timedelta(hours=self.rng.uniform(3, 30)))
            yield self._finish(original.wait(minutes=15)) if n % 2 else original
            yield self._ingest(bag, last)
        bag = self._small_bag()
        last = self._time_ago(5, 60)
        yield self._finish(self._ingest(bag, last - timedelta(hours=9)).wait(minutes=30))
        yield self._ingest(bag, last).wait(hours=2).cancel(texts.DUPLICATE, WORKER)

    def _in_trouble(self) -> Iterator[Story]:
        """Temporary failures that will be retried, items that a worker gave up, and items on hold."""
        stages = (Stage.FETCH, Stage.VALIDATE, Stage.STORE)
        for n, note in enumerate([*texts.TEMPORARY.values()] * self._scaled(2)):
            stage = stages[n % len(stages)]
            story = (
                self._new(Action.INGEST, self.now).wait(minutes=20).advance(before=stage).start_stage(stage).work(0.5)
            )
            yield story.fail_temporarily(note(self.rng)).shift_to_end(self._time_ago(0.005, 0.3))
        for stage in (Stage.FETCH, Stage.STORE, Stage.RECORD)[: max(2, self._scaled(3))]:
            story = (
                self._new(Action.INGEST, self.now).wait(minutes=20).advance(before=stage).start_stage(stage).work(0.5)
            )
            for _ in range(3):
                story.fail_temporarily(texts.s3_timeout(self.rng)).wait(minutes=30).start_stage(stage).work(0.5)
            yield story.give_up(texts.given_up(self.rng)).shift_to_end(self._time_ago(0.5, 6))
        for reason in texts.SUSPENDED:
            story = self._new(Action.INGEST, self.now).wait(minutes=20).advance(before=Stage.REINGEST_CHECK)
            yield story.start_stage(Stage.REINGEST_CHECK).work(0.5).suspend(reason).shift_to_end(self._time_ago(1, 12))

    def _late_and_stuck(self) -> Iterator[Story]:
        """Open for days instead of hours, and some whose worker died weeks ago."""
        for action, stage in (
            (Action.INGEST, Stage.VALIDATE),
            (Action.INGEST, Stage.STORE),
            (Action.INGEST, Stage.FORMAT_IDENTIFICATION),
            (Action.RESTORE, Stage.PACKAGE),
            (Action.GLACIER_RESTORE, Stage.RESTORING),
        ):
            story = self._new(action, self.now).wait(minutes=20).advance(before=stage).start_stage(stage)
            yield story.shift_to_end(self._time_ago(2, 7))
        yield self._new(Action.RESTORE, self._time_ago(8, 9))
        for stage in (Stage.FETCH, Stage.COPY_TO_STAGING):
            story = self._new(Action.INGEST, self.now).wait(minutes=20).advance(before=stage).start_stage(stage)
            yield story.shift_to_end(self._time_ago(20, 45))

    # Closed, but not successful

    def _failed(self) -> Iterator[Story]:
        """Bags with each kind of validation error, half of them corrected and uploaded again, and failures of other actions."""
        for note in texts.INVALID_BAG.values():
            for n in range(self._scaled(6)):
                bag = self._small_bag()
                start = self._time_ago(2, 725)
                story = self._ingest(bag, start).wait(minutes=self.rng.uniform(5, 90))
                yield (
                    story.advance(before=Stage.VALIDATE)
                    .start_stage(Stage.VALIDATE)
                    .work(0.8)
                    .fail(note(self.rng, bag.name))
                )
                if n % 2 == 0:
                    corrected = self._ingest(
                        self._changed_upload(bag), story.clock + timedelta(hours=self.rng.uniform(2, 40))
                    )
                    yield self._finish(corrected.wait(minutes=20))
        bag = self._small_bag()
        story = (
            self._ingest(bag, self._time_ago(645, 725))
            .wait(minutes=20)
            .advance(before=Stage.UNPACK)
            .start_stage(Stage.UNPACK)
        )
        yield story.work(0.4).fail(texts.not_a_tar(self.rng, bag.name))
        for action, reason in texts.OTHER_FAILURES.items():
            for _ in range(self._scaled(2)):
                story = self._new(action, self._time_ago(2, 700)).wait(minutes=10).start_stage(ROUTES[action][0])
                yield story.work(0.5).fail(reason)

    def _cancelled(self) -> Iterator[Story]:
        for n in range(max(len(texts.CANCELLED), self._scaled(12))):
            story = self._new(Action.INGEST, self._time_ago(3, 360)).wait(minutes=30)
            if n % 2:
                story.advance(before=Stage.STORE).start_stage(Stage.STORE).work(0.3)
            yield story.wait(hours=self.rng.uniform(1, 30)).cancel(texts.CANCELLED[n % len(texts.CANCELLED)])

    def _requeued(self) -> Iterator[Story]:
        """Failed or given up, requeued by an admin, then successful."""
        for n in range(max(len(texts.REQUEUED), self._scaled(14))):
            story = self._new(Action.INGEST, self._time_ago(4, 350)).wait(minutes=30)
            stage = Stage.VALIDATE if n % 3 == 2 else Stage.STORE
            story.advance(before=stage).start_stage(stage).work(0.6)
            if stage == Stage.VALIDATE:
                story.fail(texts.bad_digest(self.rng, story.bag.name))
            else:
                story.fail_temporarily(texts.disk_full(self.rng)).wait(minutes=30).start_stage(stage).work(0.5)
                story.give_up(texts.given_up(self.rng))
            story.wait(hours=self.rng.uniform(2, 50)).requeue(stage, texts.REQUEUED[n % len(texts.REQUEUED)])
            yield self._finish(story.wait(minutes=5).start_stage(stage).work(), after=stage)

    # Closed and successful

    def _awkward_names(self) -> Iterator[Story]:
        """Names and sizes that could break a careless page, and an object in twelve bags."""
        for name in (*texts.AWKWARD_NAMES, texts.long_name(self.rng), texts.long_name(self.rng)):
            yield self._finished(self._small_bag(name=name), self._time_ago(2, 360))
        yield self._finished(self._bag(size=5 * 10**12), self._time_ago(20, 300))
        yield self._finished(self._bag(size=4_096), self._time_ago(2, 300))
        self.number += 1
        start, domain = self._time_ago(30, 200), self._domain()
        for part, name in enumerate(texts.split_names(self.rng, self.number, 12)):
            bag = self._bag(name=name, domain=domain, size=self.rng.randint(200 * _GIGA, 250 * _GIGA))
            yield self._finished(bag, start + timedelta(minutes=40 * part))

    def _finished(self, bag: Bag, start: datetime, wait: timedelta | None = None) -> Story:
        story = self._ingest(bag, start)
        story.clock += wait or timedelta(minutes=self.rng.expovariate(1 / 25))
        if self.rng.random() < 0.04:
            story.advance(before=Stage.STORE).start_stage(Stage.STORE).work(self.rng.random())
            story.fail_temporarily(self.rng.choice([*texts.TEMPORARY.values()])(self.rng)).wait(
                minutes=self.rng.uniform(10, 90)
            )
            self._finish(story.start_stage(Stage.STORE).work(), after=Stage.STORE)
        else:
            self._finish(story)
        self.ingested.append(story)
        return story

    def _ingests(self, until: int) -> None:
        """Adds ordinary ingests up to this number of stories, a third of them in busy weeks with waits of up to two days."""
        while len(self.stories) < until:
            if self.rng.random() < 0.35:
                start = self.now - timedelta(days=self.rng.choice(_BUSY_WEEKS) + self.rng.uniform(-4, 4))
                wait = timedelta(hours=self.rng.uniform(2, 48))
                self.stories.append(self._finished(self._bag(), start, wait))
            else:
                self.stories.append(self._finished(self._bag(), self._time_ago(0.2, TIME_SPAN.days)))

    def _later_requests(self) -> None:
        """Adds restorations, deletions, and checks of ingested objects. Deleted objects aren't chosen again."""
        ingests = [story for story in self.ingested if story.clock < self.now - timedelta(days=3)]
        self.rng.shuffle(ingests)
        for full, days in ((200, 310), (110, 75)):
            self._bulk_delete(ingests.pop(), self._scaled(full), days)
        for _ in range(self._scaled(40)):
            self.stories.append(self._later_request(Action.DELETE, ingests.pop()))
        early = [story for story in ingests if story.clock < self.now - timedelta(days=560)]
        for story in early[: self._scaled(24)]:
            self.stories.append(self._later_request(Action.DPN, story, by=self.now - timedelta(days=540)))
        for action, full in ((Action.FIXITY_CHECK, 270), (Action.RESTORE, 130), (Action.GLACIER_RESTORE, 60)):
            for _ in range(self._scaled(full)):
                self.stories.append(self._later_request(action, self.rng.choice(ingests[: len(ingests) // 3])))

    def _later_request(self, action: Action, ingest: Story, by: datetime | None = None) -> Story:
        """A request for an object some time after its ingest."""
        available = (by or self.now) - ingest.clock
        start = ingest.clock + available * self.rng.uniform(0.05, 0.97)
        about = {"generic_file_identifier": self._file_identifier(ingest.bag)} if action == Action.FIXITY_CHECK else {}
        if action == Action.RESTORE and self.rng.random() < 0.25:
            about["generic_file_identifier"] = self._file_identifier(ingest.bag)
        story = self._request(action, ingest.bag, start, **about)
        return self._finish(story.wait(minutes=self.rng.expovariate(1 / 20)))

    def _bulk_delete(self, ingest: Story, files: int, days: float) -> None:
        """An institution deletes hundreds of files of one object at once."""
        start = max(self.now - timedelta(days=days), ingest.clock + timedelta(hours=2))
        for n in range(files):
            at = start + timedelta(seconds=3 * n)
            story = self._request(
                Action.DELETE, ingest.bag, at, generic_file_identifier=f"{self._file_identifier(ingest.bag)}.{n}"
            )
            self.stories.append(self._finish(story.wait(minutes=12)))

    def _reviews(self) -> None:
        """Adds reviews for half of the closed items: staff review the new ones every few days."""
        for story in self.stories:
            if story.closed and self.rng.random() < 0.53:
                when = self._next_review(story.bag.domain, story.clock + timedelta(hours=self.rng.uniform(1, 120)))
                if story.is_damaged_copy:
                    story.review(story.clock + timedelta(hours=self.rng.uniform(1, 30)), texts.REPAIRED)
                elif when < self.now:
                    story.review(when)

    def _next_review(self, domain: str, earliest: datetime) -> datetime:
        """Returns when the institution's staff review items next."""
        last = self.now - timedelta(days=0.4 + 0.3 * [*MEMBERS].index(domain))
        return last - ((last - earliest) // _REVIEW_INTERVAL) * _REVIEW_INTERVAL
