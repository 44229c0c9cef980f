"""Items found by complete names: file names, with or without `.tar`, etags, and object identifiers."""

from collections.abc import Iterable

from django.db import DEFAULT_DB_ALIAS
from django.db.models import Q

from pharos.accounts.models import Institution, User

from ..models import WorkItem, WorkItemQuerySet
from ..search import contains_words, one_of_texts
from .search_query import SearchQuery, SoughtName

_TAR = ".tar"


def found_by(search: SearchQuery) -> Q:
    """Returns the condition of a search."""
    if search.is_list:
        return any_named(search.names)
    return contains_words(search.words) | any_named(search.names) if search.names else contains_words(search.words)


def any_named(names: Iterable[SoughtName]) -> Q:
    """Returns the condition that an item has one of these names, each looked up by its index."""
    by_name, by_etag, by_object = _lookups([spelling for name in names for spelling in name.spellings])
    return Q(pk__in=by_name.values("pk").union(by_etag.values("pk"), by_object.values("pk")))


def missing_names(names: Iterable[SoughtName], user: User, using: str = DEFAULT_DB_ALIAS) -> list[str]:
    """Returns the names that no item has among those that this person can see, as they were given."""
    names = list(names)
    lookups = _lookups([spelling for name in names for spelling in name.spellings])
    found: set[str] = set()
    for column, items in zip(("name", "etag", "object_identifier"), lookups, strict=True):
        seen = items.using(using).visible_to(user).order_by()
        found.update(seen.values_list(column, flat=True).distinct())
    return [name.text for name in names if not found.intersection(_with_and_without_tar(name.spellings))]


def numbered_item(number: int | None, user: User, using: str = DEFAULT_DB_ALIAS) -> WorkItem | None:
    """Returns the item with this number if this person can see it."""
    if number is None:
        return None
    return WorkItem.objects.using(using).visible_to(user).filter(pk=number).first()


def _lookups(texts: list[str]) -> tuple[WorkItemQuerySet, WorkItemQuerySet, WorkItemQuerySet]:
    """Returns the items with these names, with these etags, and with these object identifiers."""
    names = _with_and_without_tar(texts)
    objects = [name for name in names if "/" in name]
    # The index of identifiers begins with the institution, whose domain an identifier begins with.
    owners = Institution.objects.filter(identifier__in={one.partition("/")[0] for one in objects})
    return (
        WorkItem.objects.filter(one_of_texts("name", names)),
        WorkItem.objects.filter(etag__in=texts),
        WorkItem.objects.filter(one_of_texts("object_identifier", objects), institution__in=owners.values("pk")),
    )


def _with_and_without_tar(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(form for text in texts for form in (text, text.removesuffix(_TAR), f"{text}{_TAR}")))
