"""Saved views: a list's address with a name. Saving, changing and deleting them; `shown_views` is what a reader sees of them."""

from django.db import IntegrityError, transaction
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from pharos.accounts.models import User
from pharos.accounts.roles import Permission

from ..listing import PROCESS_NAMES
from ..models import QUERY_LIMIT, Reach, SavedView

MOST_OF_ONE = 50  # that one person may have
# Whom one must be allowed to share with, to save a view for them.
SHARING = {
    Reach.PRIVATE: Permission.BROWSE,
    Reach.INSTITUTION: Permission.SHARE,
    Reach.EVERYBODY: Permission.SHARE_WITH_ALL,
}

_TAKEN = {
    Reach.PRIVATE: gettext_lazy("You have a view of this name."),
    Reach.INSTITUTION: gettext_lazy("Your institution sees a view of this name."),
    Reach.EVERYBODY: gettext_lazy("Everybody sees a view of this name."),
}


class ViewRefused(ValueError):
    """A view cannot be saved; `field` is what has to be changed, or None."""

    def __init__(self, sentence: str, field: str | None = None):
        super().__init__(sentence)
        self.field = field


def reaches_of(user: User, view: SavedView | None = None) -> list[Reach]:
    """Whom this person may save views for, or this view: another's is not made private, since then it would be nobody's here."""
    is_others = view is not None and view.owner_id != user.pk
    return [reach for reach in Reach if user.can(SHARING[reach]) and not (is_others and reach == Reach.PRIVATE)]


def some_cannot_open(view: SavedView) -> bool:
    """Whether perhaps not all whom this view is for can open it: it names what is not there for every role and institution."""
    if view.reach == Reach.PRIVATE or not view.owner.can(Permission.SEE_EVERY_INSTITUTION):
        return False
    return bool(QueryDict(view.query).keys() & {"institution", "institution_id", "cause", *PROCESS_NAMES})


def may_change(view: SavedView, user: User) -> bool:
    """Of a private one its owner; of a shared one whoever may share with the same people, since owners leave."""
    if view.reach == Reach.PRIVATE:
        return view.owner_id == user.pk
    is_theirs = view.reach == Reach.EVERYBODY or view.institution_id == user.institution_id
    return is_theirs and user.can(SHARING[Reach(view.reach)])


def save_view(user: User, *, name: str, query: str, reach: str, replace: bool = False) -> SavedView:
    """A new view of this person's; or the one that those who shall see it have by this name, replaced. Raises ViewRefused.

    A view of the same name that others see stays as it is.
    """
    if len(query) > QUERY_LIMIT:
        raise ViewRefused(
            _("The address of this list is too long to be saved: at most %(most)d characters.") % {"most": QUERY_LIMIT}
        )
    visible = SavedView.objects.visible_to(user)
    with transaction.atomic():
        former = visible.select_for_update().filter(name=name, reach=reach).first()
        if former and not replace:
            raise ViewRefused(
                _TAKEN[Reach(reach)] + " " + _("Take another name, or tick the box to replace it."), "name"
            )
        if (former is None or former.owner_id != user.pk) and visible.filter(owner=user).count() >= MOST_OF_ONE:
            raise ViewRefused(_("You have %(most)d views. Delete one before you save another.") % {"most": MOST_OF_ONE})
        view = former or SavedView(name=name, reach=reach)
        return _saved(view, query=query, owner_id=user.pk, institution_id=user.institution_id)


def change_view(view: SavedView, user: User, *, name: str, reach: str) -> SavedView:
    """Another name or reach, by whoever may. Raises ViewRefused. Who saved it stays as it is."""
    with transaction.atomic():
        now = SavedView.objects.select_for_update(of=("self",)).select_related("owner").filter(pk=view.pk).first()
        if now is None or not may_change(now, user):
            raise ViewRefused(_("Somebody else has deleted this view meanwhile, or changed who sees it."))
        return _saved(now, name=name, reach=reach, institution_id=user.institution_id)


def _saved(view: SavedView, **values: str | int) -> SavedView:
    for column, value in values.items():
        setattr(view, column, value)
    try:
        with transaction.atomic():
            view.save(update_fields=list(values) if view.pk else None)
    except IntegrityError:
        raise ViewRefused(_TAKEN[Reach(view.reach)] + " " + _("Take another name."), "name") from None
    return view


def delete_view(view: SavedView) -> None:
    """For everybody who sees it; whoever's list began with it begins with all items again."""
    with transaction.atomic():
        User.objects.filter(start_view=view.pk).update(start_view=None)
        view.delete()


def start_with(view: SavedView | None, user: User) -> None:
    """What this person's list begins with: a view, or all items."""
    user.start_view = view.pk if view else None
    user.save(update_fields=["start_view"])


def start_of(user: User) -> SavedView | None:
    """The view that this person's list begins with; None where there is none, or not for this person any more."""
    return SavedView.objects.visible_to(user).filter(pk=user.start_view).first() if user.start_view else None
