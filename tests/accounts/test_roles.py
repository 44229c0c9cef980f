"""Who may do what, and whose items one sees."""

import pytest

from pharos.accounts.roles import ROLES, Permission, Role, may, role_choices
from workitems.lifecycle import MOVES
from workitems.models import WorkItem

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
    "succeed": "admin worker",
    "fail": "admin worker",
    "suspend": "admin worker",
    "cancel": "admin",
    "cancel_replaced": "worker",
    "requeue": "admin",
    "review": "institutional_admin admin",
    "share": "institutional_admin admin",
    "share_with_all": "admin",
    "edit": "admin",
    "notify": "admin worker",
}


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("permission", Permission)
def test_every_role_and_permission(role, permission):
    assert may(role, permission) == (role in TABLE[permission].split())


def test_the_table_is_whole():
    assert set(TABLE) == set(Permission)
    assert set(ROLES) == set(Role)
    assert [value for value, _label in role_choices()] == list(Role)
    assert {permission for move in MOVES.values() for permission in move.permissions} <= set(Permission)


def test_the_labels():
    assert [str(row.label) for row in ROLES.values()] == [
        "Depositor",
        "Institution staff",
        "APTrust admin",
        "Service account",
    ]


@pytest.mark.parametrize("role", ["", "root", "ADMIN"])
def test_an_unknown_role_may_nothing(role):
    assert not any(may(role, permission) for permission in Permission)


@pytest.mark.parametrize(
    ("who", "sees"),
    [("dora", "ours"), ("stan", "ours"), ("olga", "theirs"), ("ada", "ours theirs"), ("wally", "ours theirs")],
)
def test_whose_items_one_sees(cast, item, theirs, who, sees):
    expected = {"ours": item, "theirs": theirs}
    assert set(WorkItem.objects.visible_to(cast[who])) == {expected[word] for word in sees.split()}


def test_an_inactive_person_sees_and_may_nothing(cast, item):
    for person in cast.values():
        person.is_active = False
        assert not WorkItem.objects.visible_to(person).exists()
        assert not any(person.can(permission) for permission in Permission)
        assert not person.is_staff
        assert not person.has_perm("workitems.view_workitem")
        assert not person.has_module_perms("accounts")


def test_the_admin_site_is_for_admins(cast):
    assert {name for name, person in cast.items() if person.is_staff} == {"ada"}
    assert cast["ada"].has_perm("accounts.change_user")
    assert not cast["ada"].has_perm("sessions.change_session")
