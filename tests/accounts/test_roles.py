"""Which role can do what, and whose items it sees."""

import pytest
from django.http import QueryDict

from pharos.accounts.roles import ROLES, Permission, Role, has_permission, role_choices
from workitems.explanations import needs_for, presets_for
from workitems.lifecycle import MOVES
from workitems.listing import ItemList
from workitems.models import WorkItem

from ..conftest import CAST

# The design's table of roles, permission by permission.
MEMBERS = "institutional_user institutional_admin admin"
TABLE = {
    "sign_in": MEMBERS,
    "browse": MEMBERS + " worker",
    "see_every_institution": "admin worker",
    "see_process": "admin worker",
    "manage": "admin",
    "api_key": MEMBERS + " worker",
    "admin_api": "admin worker",
    "create": "admin worker",
    "progress": "admin worker",
    "retry": "admin worker",
    "succeed": "admin worker",
    "fail": "admin worker",
    "suspend": "admin worker",
    "cancel": "admin",
    "cancel_upload": "worker",
    "requeue": "admin",
    "review": "institutional_admin admin",
    "review_for_consortium": "admin",
    "share": "institutional_admin admin",
    "share_with_all": "admin",
    "edit": "admin",
    "notify": "admin worker",
}


DESIGNED = f"{MEMBERS} worker".split()


@pytest.mark.parametrize("role", DESIGNED)
@pytest.mark.parametrize("permission", Permission)
def test_roles_have_the_permissions_of_the_design(role, permission):
    assert has_permission(role, permission) == (role in TABLE[permission].split())


def test_every_role_has_a_test_user():
    assert {role for role, _institution, _domain in CAST.values()} == set(Role)


@pytest.mark.parametrize("role", [role for role in Role if has_permission(role, Permission.SIGN_IN)])
def test_every_role_that_signs_in_has_presets_and_needs(role):
    assert presets_for(role)
    assert needs_for(role)


@pytest.mark.parametrize("who", CAST)
def test_every_preset_and_need_is_a_valid_list(cast, who):
    person = cast[who]
    for one in (*presets_for(person.role), *needs_for(person.role)):
        listing = ItemList(QueryDict(one.query), person)
        assert listing.is_valid(), (one.label, listing.errors)


def test_the_table_has_every_role():
    assert set(TABLE) == set(Permission)
    assert set(ROLES) == set(Role)
    assert [value for value, _label in role_choices()] == list(Role)
    assert {permission for move in MOVES.values() for permission in move.permissions} <= set(Permission)


def test_the_labels():
    labels = [str(ROLES[Role(role)].label) for role in DESIGNED]
    assert labels == ["Depositor", "Institution staff", "APTrust admin", "Service account"]
    assert len({str(row.label) for row in ROLES.values()}) == len(Role)


@pytest.mark.parametrize("role", ["", "root", "ADMIN"])
def test_an_unknown_role_has_no_permissions(role):
    assert not any(has_permission(role, permission) for permission in Permission)


@pytest.mark.parametrize("who", CAST)
def test_each_role_sees_the_right_items(cast, item, theirs, who):
    person = cast[who]
    own = [one for one in (item, theirs) if one.institution == person.institution]
    expected = [item, theirs] if person.can(Permission.SEE_EVERY_INSTITUTION) else own
    assert set(WorkItem.objects.visible_to(person)) == {*(expected if person.can(Permission.BROWSE) else [])}


def test_an_inactive_user_sees_nothing_and_has_no_permissions(cast, item):
    for person in cast.values():
        person.is_active = False
        assert not WorkItem.objects.visible_to(person).exists()
        assert not any(person.can(permission) for permission in Permission)
        assert not person.is_staff
        assert not person.has_perm("workitems.view_workitem")
        assert not person.has_module_perms("accounts")


def test_the_admin_site_is_for_admins(cast):
    assert cast["ada"].is_staff
    assert {name for name, person in cast.items() if person.is_staff != person.can(Permission.MANAGE)} == set()
    assert cast["ada"].has_perm("accounts.change_user")
    assert not cast["ada"].has_perm("sessions.change_session")
