"""The table of saved views. The room `saved_views` creates, lists, and counts them."""

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from pharos.accounts.models import Institution, User
from pharos.accounts.roles import Permission

NAME_LIMIT = 80
QUERY_LIMIT = 4000


class Reach(models.TextChoices):
    """Who can see a view."""

    PRIVATE = "private", _("only you")
    INSTITUTION = "institution", _("your institution")
    EVERYBODY = "everybody", _("everyone")


class SavedViewQuerySet(models.QuerySet["SavedView"]):
    def visible_to(self, user: User) -> "SavedViewQuerySet":
        if not user.can(Permission.BROWSE):
            return self.none()
        return self.filter(
            Q(reach=Reach.PRIVATE, owner=user)
            | Q(reach=Reach.INSTITUTION, institution_id=user.institution_id)
            | Q(reach=Reach.EVERYBODY)
        )

    def in_order(self) -> "SavedViewQuerySet":
        """Orders a person's own views first, then the institution's, then everyone's, each by its names, which are unique there."""
        whose = models.Case(
            models.When(reach=Reach.PRIVATE, then=0), models.When(reach=Reach.INSTITUTION, then=1), default=2
        )
        return self.order_by(whose, "name")


class SavedView(models.Model):
    """A list with a name.

    `query` is the list's query string. `owner` is who saved the view; a private one is visible only to its owner.
    `institution` is the owner's, with which the view can be shared. A name is unique among a person's own views, among
    an institution's, and among those for everyone.
    """

    owner = models.ForeignKey(User, models.PROTECT, related_name="saved_views", verbose_name=_("owner"))
    institution = models.ForeignKey(Institution, models.PROTECT, related_name="saved_views")
    name = models.CharField(_("name"), max_length=NAME_LIMIT)
    query = models.CharField(max_length=QUERY_LIMIT, blank=True)
    reach = models.CharField(_("visible to"), max_length=16, choices=Reach, default=Reach.PRIVATE)
    created_at = models.DateTimeField(default=timezone.now)

    owner_id: int
    institution_id: int

    objects = SavedViewQuerySet.as_manager()

    class Meta:
        verbose_name = _("saved view")
        verbose_name_plural = _("saved views")
        constraints = [
            models.UniqueConstraint(fields=["owner", "name"], condition=Q(reach="private"), name="own_view_of_a_name"),
            models.UniqueConstraint(
                fields=["institution", "name"], condition=Q(reach="institution"), name="institutions_view_of_a_name"
            ),
            models.UniqueConstraint(fields=["name"], condition=Q(reach="everybody"), name="common_view_of_a_name"),
        ]
        indexes = [models.Index(fields=["reach", "institution"], name="view_reach")]

    def __str__(self) -> str:
        return self.name
