"""`/api/docs/`: the documentation for programmers, as pages and as OpenAPI documents. It is public."""

import json
import shlex
from functools import cache
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.views import View

from pharos.accounts.authorization import PUBLIC

from . import moves, samples
from .guide import VersionGuide, read_guide

VERSIONS = ("v2", "v3", "v1")  # the first is recommended; v1 is the oldest


def _description(version: str) -> dict[str, Any]:
    # Imported on demand, because the library is large and most processes never need it.
    from .openapi import describe_version

    return describe_version(version)


@cache
def _document(version: str) -> bytes:
    return json.dumps(_description(version), ensure_ascii=False, indent=1).encode()


def _guide(version: str, request: Any) -> VersionGuide:
    return read_guide(_description(version), request.build_absolute_uri("/"))


class EnglishView(View):
    """The base of the documentation pages, which are always in English."""

    permission = PUBLIC

    def dispatch(self, request, *args, **kwargs):
        with translation.override(settings.LANGUAGE_CODE):
            response = super().dispatch(request, *args, **kwargs)
        response["Content-Language"] = settings.LANGUAGE_CODE
        return response


class Overview(EnglishView):
    """`/api/docs/`: what the API is for, how to get started, and what applies to every version."""

    def get(self, request):
        context = {
            "guides": [_guide(version, request) for version in VERSIONS],
            "email": shlex.quote(request.user.email) if request.user.is_authenticated else "",
            "calls_of_people": settings.API_CALLS_PER_MINUTE,
            "calls_of_services": settings.API_CALLS_PER_MINUTE_SERVICES,
        }
        return render(request, "workitems/api/overview.html", context)


class Version(EnglishView):
    """`/api/docs/VERSION/`: every operation of one version."""

    version = ""

    def get(self, request):
        return render(request, "workitems/api/version.html", {"guide": _guide(self.version, request)})


class Moves(EnglishView):
    """`/api/docs/moves/`: the life cycle of an item: the paths, what a save means, and who can make which move."""

    def get(self, request):
        context = {
            "paths": moves.paths(),
            "states": moves.phases(),
            "saves": moves.saved_moves(),
            "others": moves.other_moves(),
            "words": moves.vocabulary(),
            "claim": samples.CLAIM,
            "root": request.build_absolute_uri("/").rstrip("/"),
        }
        return render(request, "workitems/api/moves.html", context)


class OpenApiDocument(View):
    """`/api/docs/VERSION.json`: the OpenAPI document of one version."""

    permission = PUBLIC
    version = ""

    def get(self, request):
        response = HttpResponse(_document(self.version), content_type="application/json")
        response["Content-Disposition"] = f'inline; filename="pharos-{self.version}.json"'
        return response
