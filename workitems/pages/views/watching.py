from django.contrib import messages
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views import View

from pharos.accounts.roles import Permission

from ...lifecycle import Phase
from ...mailing import watch
from ..access import ItemViewMixin, url_of_item


class Watch(ItemViewMixin, View):
    """`/items/ID/watch`: POST `wanted`, true or false: whether this user gets an email when the item is done."""

    permission = Permission.BROWSE

    def get(self, request, pk):
        return redirect(url_of_item(self.item().pk, self.listing()))

    def post(self, request, pk):
        item, wanted = self.item(), request.POST.get("wanted") == "true"
        is_watched = watch(item, request.user, wanted=wanted)
        if is_watched:
            messages.success(
                request, _("We'll notify you at %(email)s when it's done.") % {"email": request.user.email}
            )
        elif wanted and item.phase is Phase.CLOSED:
            messages.info(request, _("This item is already done."))
        elif wanted:
            messages.info(
                request, _("Another upload of this bag is processed instead, so there is nothing to wait for.")
            )
        else:
            messages.success(request, _("You won't be notified."))
        return redirect(url_of_item(item.pk, self.listing()))
