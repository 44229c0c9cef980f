"""Saves, changes, and deletes saved views. `showing` has what a reader sees."""

from django.db import IntegrityError, transaction
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from pharos.accounts.models import User
from pharos.accounts.roles import Permission

from ..listing import PROCESS_NAMES
from ..models import QUERY_LIMIT, Reach, SavedView

MAX_VIEWS_PER_USER = 50
# The permission that is required to save a view with this reach.
SHARE_PERMISSIONS = {
    Reach.PRIVATE: Permission.BROWSE,
    Reach.INSTITUTION: Permission.SHARE,
    Reach.EVERYBODY: Permission.SHARE_WITH_ALL,
}

_TAKEN = {
    Reach.PRIVATE: gettext_lazy("You already have a view with this name."),
    Reach.INSTITUTION: gettext_lazy("Your institution already has a view with this name."),
    Reach.EVERYBODY: gettext_lazy("There is already a view with this name for everyone."),
}


class ViewRefused(ValueError):
    """A view can't be saved. `field`: the field to correct, if there is one."""

    def __init__(self, sentence: str, field: str | None = None):
        super().__init__(sentence)
        self.field = field


def allowed_reaches(user: User, view: SavedView | None = None) -> list[Reach]:
    """Returns the reaches that this user can choose for a new view, or for this one.

    Another user's view can't be made private, because it would disappear for the user who changes it.
    """
    is_others = view is not None and view.owner_id != user.pk
    return [
        reach for reach in Reach if user.can(SHARE_PERMISSIONS[reach]) and not (is_others and reach == Reach.PRIVATE)
    ]


def is_restricted(view: SavedView) -> bool:
    """Returns whether some of its readers may be unable to open the view, because not everyone has its filters."""
    if view.reach == Reach.PRIVATE or not view.owner.can(Permission.SEE_EVERY_INSTITUTION):
        return False
    return bool(QueryDict(view.query).keys() & {"institution", "institution_id", "cause", "act", *PROCESS_NAMES})


def can_change(view: SavedView, user: User) -> bool:
    """Returns whether this user can change or delete the view: a private one only as its owner.

    A shared view can be changed by anyone who can share with the same readers, because owners leave.
    """
    if view.reach == Reach.PRIVATE:
        return view.owner_id == user.pk
    is_theirs = view.reach == Reach.EVERYBODY or view.institution_id == user.institution_id
    return is_theirs and user.can(SHARE_PERMISSIONS[Reach(view.reach)])


def save_view(user: User, *, name: str, query: str, reach: str, replace: bool = False) -> SavedView:
    """Creates a view, or replaces the view of the same name and reach if `replace`. Raises ViewRefused.

    A view of the same name with another reach is not touched.
    """
    if len(query) > QUERY_LIMIT:
        raise ViewRefused(
            _("The address of this list is too long to be saved. It can have at most %(most)d characters.")
            % {"most": QUERY_LIMIT}
        )
    visible = SavedView.objects.visible_to(user)
    with transaction.atomic():
        former = visible.select_for_update().filter(name=name, reach=reach).first()
        if former and not replace:
            raise ViewRefused(
                _TAKEN[Reach(reach)] + " " + _("Choose another name, or select the checkbox to replace the view."),
                "name",
            )
        if (former is None or former.owner_id != user.pk) and visible.filter(owner=user).count() >= MAX_VIEWS_PER_USER:
            raise ViewRefused(
                _("You already have %(most)d views, which is the maximum. Delete one before you save another.")
                % {"most": MAX_VIEWS_PER_USER}
            )
        view = former or SavedView(name=name, reach=reach)
        return _saved(view, query=query, owner_id=user.pk, institution_id=user.institution_id)


def change_view(view: SavedView, user: User, *, name: str, reach: str) -> SavedView:
    """Changes a view's name or reach, but not its owner. Raises ViewRefused."""
    with transaction.atomic():
        now = SavedView.objects.select_for_update(of=("self",)).select_related("owner").filter(pk=view.pk).first()
        if now is None or not can_change(now, user):
            raise ViewRefused(_("Someone else has deleted this view in the meantime, or changed who can see it."))
        return _saved(now, name=name, reach=reach, institution_id=user.institution_id)


def _saved(view: SavedView, **values: str | int) -> SavedView:
    for column, value in values.items():
        setattr(view, column, value)
    try:
        with transaction.atomic():
            view.save(update_fields=list(values) if view.pk else None)
    except IntegrityError:
        raise ViewRefused(_TAKEN[Reach(view.reach)] + " " + _("Choose another name."), "name") from None
    return view


def delete_view(view: SavedView) -> None:
    """Deletes a view for all its readers. For those who had it as their default view, the list shows all items again."""
    with transaction.atomic():
        User.objects.filter(start_view=view.pk).update(start_view=None)
        view.delete()


def set_start_view(view: SavedView | None, user: User) -> None:
    """Sets this user's default view; None means all items."""
    user.start_view = view.pk if view else None
    user.save(update_fields=["start_view"])


def get_start_view(user: User) -> SavedView | None:
    """Returns this user's default view, or None if there is none or the user can no longer see it."""
    return SavedView.objects.visible_to(user).filter(pk=user.start_view).first() if user.start_view else None
