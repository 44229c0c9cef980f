"""Test data. Items are created through `transitions.create`, so that each has its history."""

import itertools
from typing import Any, cast

import factory
from factory.django import DjangoModelFactory

from pharos.accounts.models import Institution, User
from pharos.accounts.roles import Role
from workitems import transitions
from workitems.models import WorkItem

_numbers = itertools.count(1)


class InstitutionFactory(DjangoModelFactory):
    class Meta:
        model = Institution
        django_get_or_create = ["identifier"]

    identifier = factory.Sequence(lambda n: f"institution{n}.example.edu")
    name = factory.LazyAttribute(lambda institution: institution.identifier.split(".")[0].title())


class UserFactory(DjangoModelFactory):
    class Meta:
        model = User
        skip_postgeneration_save = True

    email = factory.Sequence(lambda n: f"person{n}@example.edu")
    role = Role.DEPOSITOR
    institution = factory.SubFactory(InstitutionFactory)
    password = factory.PostGenerationMethodCall("set_password", "lighthouse-keeper")

    @classmethod
    def _after_postgeneration(cls, instance, create, results=None):
        instance.save()


def service() -> User:
    """Returns the service account that creates and moves items in tests."""
    consortium = InstitutionFactory(identifier="aptrust.org", name="APTrust")
    found = User.objects.filter(email="system@aptrust.org").first()
    return found or cast(User, UserFactory(email="system@aptrust.org", role=Role.WORKER, institution=consortium))


def make_item(institution: Institution, *, at=None, **fields: Any) -> WorkItem:
    """Creates an item like a worker: an ingest at Receive / Pending unless `fields` say otherwise."""
    number = next(_numbers)
    values = {
        "action": "Ingest",
        "name": f"bag-{number}.tar",
        "etag": f"{number:032x}",
        "bucket": f"aptrust.receiving.{institution.identifier}",
        "size": 266_240,
        **fields,
    }
    return transitions.create(by=service(), at=at, institution=institution, **values)
