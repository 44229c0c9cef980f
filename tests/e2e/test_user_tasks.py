"""The main tasks of each role in a browser, from start to finish, with and without scripts."""

import pytest
from playwright.sync_api import expect

from workitems.models import WorkItem

from ..emails import sent
from .gallery import ERROR


@pytest.fixture(params=[True, False], ids=["scripts", "no-scripts"])
def window(request, opened):
    """A function that opens a window, with or without scripts."""
    return lambda user=None: opened(user, java_script_enabled=request.param)


def now(item):
    """Returns the item from the database."""
    return WorkItem.objects.get(pk=item.pk)


def total(page):
    return int(page.locator("[data-total]").get_attribute("data-total"))


def row(page, item):
    return page.locator(f'tr[data-item-id="{item.pk}"]')


def test_a_depositor_signs_in_and_learns_what_to_do_with_a_failed_bag(window, cast, with_items):
    page = window()
    page.goto("/items/")
    page.get_by_label("Email").fill("dora@virginia.edu")
    page.get_by_label("Password").fill("lighthouse-keeper")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Work Items")
    failed = page.locator('[data-facet="status"][data-value="Failed"]')
    promised = int(failed.get_attribute("data-count"))
    failed.click()
    expect(page.get_by_role("list", name="Active filters")).to_contain_text("Failed")
    assert total(page) == promised
    the_list = page.url
    row(page, with_items["failed"]).get_by_role("link").first.click()
    expect(page.get_by_role("region", name="Note / Error")).to_contain_text(ERROR)
    advice = page.get_by_role("region", name="What now?")
    expect(advice).to_contain_text("Action needed: your institution.")
    expect(advice).to_contain_text("Correct the bag as described in the note, and upload it again.")
    expect(advice.get_by_role("link", name="Cancel")).to_have_count(0)
    page.get_by_role("link", name="Back to the list").click()
    expect(page).to_have_url(the_list)


def test_an_admin_starts_with_the_needs(window, cast, with_items):
    page, item = window(cast["ada"]), with_items["running"]
    page.goto("/")
    needs = page.get_by_role("region", name="What needs you")
    expect(needs.get_by_role("link")).to_have_count(5)
    needs.get_by_role("link", name="Late").click()
    expect(row(page, item)).to_contain_text("Late: usually 24 to 72 min")
    row(page, item).get_by_role("link").first.click()
    expect(page.get_by_role("region", name="What now?")).to_contain_text("Store usually takes 24 to 72 min")
    page.get_by_role("link", name="Overview").click()
    causes = page.get_by_role("region", name="Why items failed")
    causes.get_by_role("row", name="The digest of").get_by_role("link").first.click()
    expect(page.locator("[data-total]")).to_have_attribute("data-total", "1")
    expect(row(page, with_items["failed"])).to_be_visible()


def test_an_admin_requeues_a_stuck_item_and_finds_it_again(window, cast, with_items):
    page, item = window(cast["ada"]), with_items["running"]
    page.goto("/")
    page.get_by_role("region", name="What needs you").get_by_role("link", name="Late").click()
    late = total(page)
    page.get_by_label("Items to change").select_option("matching")
    page.get_by_role("button", name="Requeue…").click()
    expect(page.locator(".preview")).to_contain_text(f"{late} will be requeued")
    note = page.get_by_label("Note", exact=True)
    note.fill("Tried again: the store was down.")
    page.get_by_role("button", name="Requeue", exact=False).last.click()
    expect(page.locator(".outcome")).to_have_text(f"Requeued {late} of {late}.")
    assert (now(item).status, now(item).stage, now(item).note) == (
        "Pending",
        "Store",
        "Tried again: the store was down.",
    )
    page.get_by_role("link", name="All bulk changes").click()
    act = page.get_by_role("listitem").filter(has_text="Tried again: the store was down.")
    expect(act).to_contain_text(f"Requeued {late} of {late}.")
    act.get_by_role("link", name="Requeue").click()
    page.get_by_role("link", name=item.name).click()
    expect(page.locator("article")).to_have_attribute("data-status", "Pending")


def test_the_charts_are_also_tables(window, cast, with_items):
    page = window(cast["stan"])
    page.goto("/")
    days = page.get_by_role("region", name="Last 90 days")
    days.get_by_text("Show as a table").click()
    expect(days.get_by_role("row")).to_have_count(91)
    expect(page.get_by_role("table", name="Ingest")).to_have_count(2)


def test_a_wrong_password_is_reported(window, cast):
    page = window()
    page.goto("/accounts/login/")
    page.get_by_label("Email").fill("dora@virginia.edu")
    page.get_by_label("Password").fill("lighthouse-sweeper")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("The email or password is incorrect")


def test_a_user_without_a_password_sets_one_by_email(window, cast):
    page = window()
    page.goto("/accounts/login/")
    page.get_by_role("link", name="Forgot your password").click()
    page.get_by_label("Email").fill("dora@virginia.edu")
    page.get_by_role("button", name="Send link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Check your email")
    [link] = [word for word in sent()[0].body.split() if "/password/reset/key/" in word]
    page.goto(link)
    page.get_by_label("New Password", exact=True).fill("keeper-of-the-lamp")
    page.get_by_label("New Password (again)").fill("keeper-of-the-lamp")
    page.get_by_role("button", name="Set password").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your new password has been set")
    cast["dora"].refresh_from_db()
    assert cast["dora"].check_password("keeper-of-the-lamp")


def test_staff_review_finished_items(window, cast, with_items):
    page = window(cast["stan"])
    page.goto("/items/")
    page.get_by_role("link", name="Finished, not reviewed").click()
    expect(page.get_by_role("list", name="Active filters")).to_contain_text("closed")
    the_list, to_review = page.url, total(page)
    two = [with_items["failed"], with_items["success"]]
    for item in two:
        row(page, item).get_by_label(f"Select {item.name}").check()
    bulk = page.locator("form.bulk")
    bulk.get_by_role("button", name="Mark reviewed", exact=True).click()
    expect(page.locator(".preview")).to_contain_text("2 will be marked as reviewed")
    page.get_by_role("button", name="Mark 2 items as reviewed").click()
    expect(page.locator(".outcome")).to_contain_text("Marked 2 of 2 as reviewed.")
    assert [now(item).reviewed for item in two] == [True, True]
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".outcome")).to_contain_text("Marked 2 of 2 as not reviewed.")
    assert [now(item).reviewed for item in two] == [False, False]
    page.get_by_role("link", name="Back to the list").click()
    expect(page.locator("[data-total]")).to_have_attribute("data-total", str(to_review))

    page.goto(the_list)
    page.get_by_role("button", name=f"Mark {two[0].name} as reviewed").click()
    expect(page.locator(".message")).to_have_text(f"Marked {two[0].name} as reviewed.")
    assert page.url.startswith(the_list)
    assert now(two[0]).reviewed
    expect(page.locator("[data-total]")).to_have_attribute("data-total", str(to_review - 1))

    page.get_by_label("Items to change").select_option(f"All {to_review - 1} matching items")
    bulk.get_by_role("button", name="Mark reviewed", exact=True).click()
    page.get_by_role("button", name=f"Mark {to_review - 1} items as reviewed").click()
    expect(page.locator(".outcome")).to_contain_text(f"Marked {to_review - 1} of {to_review - 1} as reviewed.")
    assert not WorkItem.objects.visible_to(cast["stan"]).closed().filter(reviewed=False).exists()


def test_an_admin_cancels_an_item_that_needs_review(window, cast, with_items):
    page, item = window(cast["ada"]), with_items["suspended"]
    page.goto("/items/")
    page.get_by_role("link", name="Needs admin review").click()
    expect(page.locator("[data-total]")).to_have_attribute("data-total", "2")
    row(page, item).get_by_role("link").first.click()
    page.get_by_role("link", name="Cancel…").click()
    page.watch.expect(422)
    page.get_by_role("button", name="Cancel 1 item").click()
    expect(page.locator(".error")).to_have_text("A note is required. Say why, for people who read it later.")
    note = page.get_by_label("Note", exact=True)
    expect(note).to_have_attribute("aria-invalid", "true")
    assert now(item).status == "Suspended"
    note.fill("The bucket of this institution is closed.\nPlease write to us.")
    page.get_by_role("button", name="Cancel 1 item").click()
    expect(page.locator(".message")).to_have_text(f"Cancelled {item.name}.")
    expect(page.locator("article")).to_have_attribute("data-status", "Cancelled")
    expect(page.locator('[data-move="cancel"]')).to_contain_text("ada@aptrust.org")
    page.get_by_role("link", name="Back to the list").click()
    expect(page.locator("[data-total]")).to_have_attribute("data-total", "1")
    doras = window(cast["dora"])
    doras.goto(f"/items/{item.pk}")
    expect(doras.get_by_role("region", name="Note / Error")).to_contain_text(
        "The bucket of this institution is closed."
    )


def test_an_admin_uses_a_note_template(window, cast, with_items):
    page = window(cast["ada"])
    page.goto(f"/items/{with_items['pending'].pk}/cancel")
    page.get_by_role("link", name="Requested by the institution").click()
    expect(page.get_by_label("Note", exact=True)).to_have_value("Cancelled at the request of your institution.")
    page.get_by_role("link", name="Keep item").click()
    expect(page.locator("article")).to_have_attribute("data-status", "Pending")


def test_an_admin_requeues_a_failed_item_to_a_chosen_stage(window, cast, with_items):
    page, item = window(cast["ada"]), with_items["failed"]
    page.goto(f"/items/{item.pk}")
    page.get_by_role("link", name="Requeue…").click()
    expect(page.get_by_label("Validate")).to_be_checked()
    page.get_by_label("Fetch").check()
    page.get_by_label("Note", exact=True).fill("The manifest was ours to mend.")
    page.get_by_role("button", name="Requeue 1 item").click()
    expect(page.locator(".message")).to_have_text(f"Requeued {item.name}.")
    moved = now(item)
    assert (moved.stage, moved.status, moved.note) == ("Fetch", "Pending", "The manifest was ours to mend.")


def test_an_admin_edits_the_flags(window, cast, with_items):
    page, item = window(cast["ada"]), with_items["running"]
    page.goto(f"/items/{item.pk}")
    page.get_by_role("link", name="Edit…").click()
    page.get_by_label("Needs admin review").check()
    page.get_by_label("Retry").uncheck()
    page.get_by_role("button", name="Save changes").click()
    expect(page.locator(".message")).to_have_text(f"Changed {item.name}.")
    changed = now(item)
    assert (changed.needs_admin_review, changed.retry, changed.node) == (True, False, "services-1.example.org")


def test_the_second_of_two_windows_gets_a_conflict_and_keeps_its_note(window, cast, with_items):
    first, second, item = window(cast["ada"]), window(cast["ada"]), with_items["running"]
    for page in (first, second):
        page.goto(f"/items/{item.pk}/cancel")
    first.get_by_label("Note", exact=True).fill("Cancelled from the first window.")
    first.get_by_role("button", name="Cancel 1 item").click()
    expect(first.locator("article")).to_have_attribute("data-status", "Cancelled")
    second.get_by_label("Note", exact=True).fill("A note of many words,\nnot to be typed again.")
    second.watch.expect(409)
    with second.expect_response(lambda response: response.request.method == "POST") as answer:
        second.get_by_role("button", name="Cancel 1 item").click()
    assert answer.value.status == 409
    expect(second.get_by_role("alert")).to_contain_text("Cancelled")
    expect(second.get_by_label("Note", exact=True)).to_have_value("A note of many words,\nnot to be typed again.")
    assert now(item).note == "Cancelled from the first window."


def test_staff_review_one_by_one_and_similar_items_together(window, cast, with_items):
    page = window(cast["stan"])
    page.goto("/")
    page.get_by_role("region", name="What needs you").get_by_role("link", name="Finished, not reviewed").click()
    number = total(page)
    page.get_by_role("link", name=f"Review {number} one by one").click()
    first = page.get_by_role("heading", level=1).inner_text()
    page.get_by_role("button", name="Mark reviewed and go to next").click()
    expect(page.get_by_role("heading", level=1)).not_to_have_text(first)
    expect(page.locator(".progress")).to_have_text(f"{number - 1} of {number} left")
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(first)
    expect(page.locator(".progress")).to_have_text(f"{number} of {number} left")
    page.get_by_role("button", name="Mark all").click()
    alike = int(page.locator(".preview strong").first.inner_text().split()[0])
    page.get_by_role("button", name="Mark", exact=False).last.click()
    expect(page.locator(".outcome")).to_have_text(f"Marked {alike} of {alike} as reviewed.")
    page.get_by_role("link", name="Continue reviewing").click()
    expect(page.locator(".progress")).to_have_text(f"{number - alike} of {number} left")
    for _ in range(number - alike):
        page.get_by_role("link", name="Skip", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("You've reached the end")
    assert WorkItem.objects.closed().filter(reviewed=True, institution=cast["stan"].institution).count() == alike + 1


def test_a_list_is_saved_as_the_default_view(window, cast, with_items):
    page = window(cast["stan"])
    page.goto("/items/?status=Failed&q=uva")
    number = total(page)
    page.locator(".save-view > summary").click()
    page.get_by_label("Name of this list").fill("Failed plates")
    page.get_by_label("Visible to").select_option("institution")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("status").first).to_contain_text("Saved as “Failed plates”.")
    views = page.get_by_role("region", name="Saved views")
    expect(views.get_by_role("link", name="Failed plates")).to_have_attribute("aria-current", "true")
    views.get_by_role("link", name="Manage").click()
    page.get_by_role("button", name="Make default Failed plates").click()
    page.get_by_role("link", name="Work Items").click()
    expect(page.get_by_role("list", name="Active filters")).to_contain_text("uva")
    assert total(page) == number
    page.get_by_role("link", name="Clear all").click()
    assert total(page) > number
    colleague = window(cast["dora"])
    colleague.goto("/items/")
    colleague.get_by_role("region", name="Saved views").get_by_role("link", name="Failed plates").click()
    assert total(colleague) == number


def test_counts_of_views_load_after_the_page(opened, cast, with_items):
    page = opened(cast["stan"])
    page.goto("/items/?late=true&q=uva")
    late = total(page)
    page.locator(".save-view > summary").click()
    page.get_by_label("Name of this list").fill("Late plates")
    page.get_by_role("button", name="Save", exact=True).click()
    link = page.get_by_role("region", name="Saved views").get_by_role("link", name="Late plates")
    expect(link.locator(".count:not([data-count-at])")).to_have_text(str(late))
    page.goto("/items/?status=Failed")
    expect(link.locator("[data-count-at]")).to_have_text(str(late))
