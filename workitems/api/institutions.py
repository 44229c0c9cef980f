"""The views of institutions, for services and admins."""

from typing import Any

from django.http import Http404

from pharos.accounts.models import Institution, InstitutionQuerySet

from ..listing import whole_number
from . import operations
from .base import ApiView
from .listing import envelope
from .operations import operation
from .plain_lists import Parameter, read_plain_query
from .responses import json_response

_ORDERS = ("name", "identifier")
_NONE = "There is no such institution."


def _record(one: Institution) -> dict[str, Any]:
    receiving, restoring = one.buckets
    return {
        "id": one.pk,
        "name": one.name,
        "identifier": one.identifier,
        "receiving_bucket": receiving,
        "restore_bucket": restoring,
    }


class InstitutionList(ApiView):
    accepts_query = True
    http_method_names = ["get", "head"]
    parameters = {"order": Parameter("The order of the list; by default, the identifier.", words=_ORDERS)}
    per_page = 10

    @operation("list_institutions", "List institutions", answers=operations.InstitutionSerializer, many=True)
    def get(self, request):
        query = read_plain_query(request.GET, self.parameters, per_page=self.per_page)
        order = next(iter(query.values.values()), "identifier")
        name, _sep, way = order.partition("__")
        everyone = Institution.objects.visible_to(request.user).sorted_by(name, descending=way == "desc")
        shown, has_next = query.cut(everyone)
        records = [_record(one) for one in shown]
        return json_response(envelope(request, query, records, count=everyone.count(), has_next=has_next))


class RegistryInstitutionList(InstitutionList):
    """The list of version 3, with that version's name and words for the order."""

    parameters = {
        "sort": Parameter(
            "The order of the list; by default, the identifier.",
            words=tuple(f"{name}{way}" for name in _ORDERS for way in ("", "__asc", "__desc")),
        )
    }
    per_page = 20


class InstitutionDetail(ApiView):
    http_method_names = ["get", "head"]

    path_help = {"identifier": "The institution's domain."}

    @operation("show_institution", "Show an institution", answers=operations.InstitutionSerializer)
    def get(self, request, identifier):
        found = self.find(Institution.objects.visible_to(request.user), identifier)
        if found is None:
            raise Http404(_NONE)
        return json_response(_record(found))

    def find(self, visible: InstitutionQuerySet, identifier: str) -> Institution | None:
        return visible.with_identifier(identifier)


class RegistryInstitutionDetail(InstitutionDetail):
    """In version 3, the address names an institution by its number or its domain."""

    path_help = {"identifier": "The institution's number or its domain."}

    def find(self, visible: InstitutionQuerySet, identifier: str) -> Institution | None:
        number = whole_number(identifier)
        return visible.with_identifier(identifier) if number is None else visible.with_number(number)
