"""`/api/docs/`: the API described for those who write programs, as pages and as a document for tools. Open to everybody."""

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
from .guide import Guide, read

VERSIONS = ("v2", "v3", "v1")  # the first is the one to choose; v1 is the oldest


def _description(version: str) -> dict[str, Any]:
    # Loaded when somebody asks: the library that makes it is large, and most processes never need it.
    from .openapi import description

    return description(version)


@cache
def _document(version: str) -> bytes:
    return json.dumps(_description(version), ensure_ascii=False, indent=1).encode()


def _guide(version: str, request: Any) -> Guide:
    return read(_description(version), request.build_absolute_uri("/"))


class InEnglish(View):
    """What is for programmers is in English, the page around it too."""

    permission = PUBLIC

    def dispatch(self, request, *args, **kwargs):
        with translation.override(settings.LANGUAGE_CODE):
            response = super().dispatch(request, *args, **kwargs)
        response["Content-Language"] = settings.LANGUAGE_CODE
        return response


class Overview(InEnglish):
    """What the API is, how to begin, and what holds for every version."""

    def get(self, request):
        context = {
            "guides": [_guide(version, request) for version in VERSIONS],
            "email": shlex.quote(request.user.email) if request.user.is_authenticated else "",
            "calls_of_people": settings.API_CALLS_PER_MINUTE,
            "calls_of_services": settings.API_CALLS_PER_MINUTE_SERVICES,
        }
        return render(request, "workitems/api/overview.html", context)


class Version(InEnglish):
    """Every operation of one version."""

    version = ""

    def get(self, request):
        return render(request, "workitems/api/version.html", {"guide": _guide(self.version, request)})


class Moves(InEnglish):
    """The life of an item: the paths, what a save means, and who may make which move."""

    def get(self, request):
        context = {
            "paths": moves.paths(),
            "states": moves.states(),
            "saves": moves.saves(),
            "others": moves.others(),
            "words": moves.words(),
            "claim": samples.CLAIM,
            "root": request.build_absolute_uri("/").rstrip("/"),
        }
        return render(request, "workitems/api/moves.html", context)


class Document(View):
    """The description of one version as OpenAPI."""

    permission = PUBLIC
    version = ""

    def get(self, request):
        response = HttpResponse(_document(self.version), content_type="application/json")
        response["Content-Disposition"] = f'inline; filename="pharos-{self.version}.json"'
        return response
