"""Minimal views that answer with the same bytes as the product and do as little as possible.

`plain` reads the same rows, or saves the same columns, and writes the same JSON, with no API key, rules, locks, history, or
counts. `floor` answers from memory after its first request. `page` answers what is in `FIXED_ANSWERS`.
"""

import json

from django.http import HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from pharos.operations.views import Health
from workitems.api.v2 import Item
from workitems.models import WorkItem

FIXED_ANSWERS: dict[str, bytes] = {}
_first_answers: dict[str, bytes] = {}


def page(request, key):
    return HttpResponse(FIXED_ANSWERS[key])


def _answer(data):
    return HttpResponse(json.dumps(data, separators=(",", ":"), ensure_ascii=False), content_type="application/json")


def _page(request):
    per_page = int(request.GET.get("per_page", 10))
    rows = [record for record, _beside in Item.serialize(WorkItem.objects.order_by("-date", "-id")[:per_page])]
    return {"count": 0, "next": request.build_absolute_uri(), "previous": None, "results": rows}


def plain_list(request):
    return _answer(_page(request))


@csrf_exempt
def plain_item(request, pk):
    if request.method == "PUT":
        sent = json.loads(request.body)
        WorkItem.objects.filter(pk=pk).update(
            **{name: sent[name] for name in ("stage", "status", "note", "node", "pid")}
        )
    [(record, _beside)] = Item.serialize(WorkItem.objects.filter(pk=pk))
    return _answer(record)


@csrf_exempt
def floor(request, **route):
    """Answers what `plain` answered to the first request for this path."""
    key = request.get_full_path()
    if key not in _first_answers:
        _first_answers[key] = (plain_item(request, route["pk"]) if "pk" in route else plain_list(request)).content
    elif request.method == "PUT":
        json.loads(request.body)
    return HttpResponse(_first_answers[key], content_type="application/json")


urlpatterns = [
    path("plain/items/", plain_list),
    path("plain/items/<int:pk>/", plain_item),
    path("floor/items/", floor),
    path("floor/items/<int:pk>/", floor),
    path("page/<str:key>", page),
    path("healthz", Health.as_view()),
]
