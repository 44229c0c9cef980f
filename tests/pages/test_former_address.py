"""`/work_items/show/ID`: links of the earlier system and of the desktop apps lead to the item."""

import pytest


@pytest.mark.parametrize("who", ["dora", "stan", "olga", "ada"])
def test_the_former_address_leads_to_the_item(signed_in, cast, item, who):
    response = signed_in(cast[who]).get(f"/work_items/show/{item.pk}")
    assert (response.status_code, response["Location"]) == (301, f"/items/{item.pk}")


def test_whoever_is_not_signed_in_signs_in_first(client, item):
    response = client.get(f"/work_items/show/{item.pk}")
    assert response.status_code == 302
    assert response["Location"].endswith(f"next=/work_items/show/{item.pk}")


def test_the_page_behind_it_is_still_the_own_institutions(signed_in, olga, item):
    assert signed_in(olga).get(f"/work_items/show/{item.pk}", follow=True).status_code == 404


@pytest.mark.parametrize("path", ["/work_items/show/", "/work_items/show/x", "/work_items/"])
def test_other_former_addresses_are_not_there(signed_in, dora, path):
    assert signed_in(dora).get(path).status_code == 404
