from django.views.generic import TemplateView

from pharos.accounts.roles import Permission

from .. import file_check
from ..access import ItemViewMixin


class CheckAFile(ItemViewMixin, TemplateView):
    """`/check-a-file?etag=…`: compares a file on the reader's computer with an etag, in the browser."""

    permission = Permission.BROWSE
    template_name = "workitems/check_a_file.html"

    def get_context_data(self, **kwargs):
        return super().get_context_data(file_check=file_check, etag=self.request.GET.get("etag", ""), **kwargs)
