"""Where the installation's queue takes up requeued items: the stages it serves, and the topic of each action and stage.

Topics are a table {"ACTION" or "ACTION/STAGE": topic}, with Registry's words for actions, or ours, in which Restore is both
of Registry's restorations.
"""

import re
from collections.abc import Collection, Iterable, Mapping

from ..vocabulary import REGISTRY_ACTIONS, STAGES, Action, Stage, registry_action
from .paths import PATHS

# The topics that the consortium's present workers read.
PRESENT_TOPICS: dict[str, str] = {
    "Ingest/Receive": "ingest01_prefetch",
    "Ingest/Validate": "ingest02_bag_validation",
    "Ingest/Reingest Check": "ingest03_reingest_check",
    "Ingest/Copy To Staging": "ingest04_staging",
    "Ingest/Format Identification": "ingest05_format_identification",
    "Ingest/Store": "ingest06_storage",
    "Ingest/Storage Validation": "ingest07_storage_validation",
    "Ingest/Record": "ingest08_record",
    "Ingest/Cleanup": "ingest09_cleanup",
    "Restore Object": "restore_object",
    "Restore File": "restore_file",
    "Glacier Restore": "restore_glacier",
    "Delete": "delete_item",
}
# What nsqd accepts as the name of a topic.
_TOPIC = re.compile(r"[.a-zA-Z0-9_-]{1,64}(#ephemeral)?")
_ACTIONS: dict[str, Action] = {
    **{action.value: action for action in Action},
    **{word: action for word, (action, _about_file) in REGISTRY_ACTIONS.items()},
}


def topic_of(topics: Mapping[str, str], action: str, stage: str, *, about_file: bool) -> str:
    """Returns the topic for items at this stage, or an empty string. `about_file`: whether they are about one file."""
    words = dict.fromkeys((registry_action(action, about_file=about_file), action))
    keys = [f"{word}/{stage}" for word in words] + [*words]
    return next((topics[key] for key in keys if key in topics), "")


def served_stages(
    action: str, *, about_file: bool, stages: Collection[str], topics: Mapping[str, str] | None
) -> frozenset[Stage] | None:
    """Returns the stages at which the queue takes up items of this action, or None for all of them.

    `stages`: the stages of an ingest that it serves, empty for all; items of other actions always wait as Requested.
    `topics`: None if nothing is pushed into the queue, so that it finds waiting items by itself.
    """
    is_limited = bool(stages) and action == Action.INGEST
    if topics is None and not is_limited:
        return None
    return frozenset(
        stage
        for stage in PATHS[Action(action)]
        if (not is_limited or stage in stages)
        and (topics is None or topic_of(topics, action, stage, about_file=about_file))
    )


def check_queue_stages(stages: Collection[str]) -> None:
    """Raises ValueError if one of these isn't a stage at which workers can take up an ingest."""
    possible = [stage.value for stage in PATHS[Action.INGEST] if not STAGES[stage].is_obsolete]
    for stage in stages:
        if stage not in possible:
            raise ValueError(f"“{stage}” is not a stage of an ingest; use stages from this list: {', '.join(possible)}")


def read_topics(pairs: Iterable[str]) -> dict[str, str]:
    """Returns the table that pairs such as `Ingest/Store=ingest06_storage` make up.

    Raises ValueError for what isn't a pair, and for an action, a stage, or a topic that can't exist.
    """
    topics = {}
    for pair in pairs:
        key, sign, topic = (part.strip() for part in pair.partition("="))
        if not sign:
            raise ValueError(f"“{pair}” names no topic; use ACTION/STAGE=TOPIC, as in Ingest/Store=ingest06_storage")
        _check_key(key)
        if not _TOPIC.fullmatch(topic):
            raise ValueError(
                f"“{topic}” can't be a topic; use up to 64 letters, digits, dots, hyphens, and underscores"
            )
        topics[key] = topic
    return topics


def _check_key(key: str) -> None:
    word, slash, stage = key.partition("/")
    if word not in _ACTIONS:
        raise ValueError(f"“{word}” is not an action; use one of {', '.join(_ACTIONS)}")
    path = PATHS[_ACTIONS[word]]
    if slash and stage not in path:
        raise ValueError(f"“{stage}” is not a stage of {word}; its stages are {', '.join(path)}")


def check_served(stages: Collection[str], topics: Mapping[str, str]) -> None:
    """Raises ValueError if the queue is to serve a stage of an ingest that has no topic."""
    for stage in stages:
        if not topic_of(topics, Action.INGEST, stage, about_file=False):
            raise ValueError(f"“{stage}” has no topic, so nothing can be pushed there; add Ingest/{stage}=TOPIC")
