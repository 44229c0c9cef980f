"""Someone who was signed out while typing finds the text again after signing in."""

from playwright.sync_api import expect

from .conftest import session_of

ONE_DATABASE_IS_ENOUGH = True


def test_a_note_survives_being_signed_out(opened, cast, with_items, live_server):
    """The session ended during typing, for one item and for a bulk change."""
    page, item = opened(cast["ada"]), with_items["pending"]
    session = session_of(cast["ada"], live_server.url)

    def leave_for(address):
        page.wait_for_load_state()  # else what it still loads would be cut off
        page.goto(address)

    def sign_out_and_in(address):
        page.context.clear_cookies(name=session["name"])
        page.get_by_role("button", name="Cancel", exact=False).last.click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
        page.context.add_cookies([session])
        leave_for(address)

    page.goto(f"/items/{item.pk}/cancel")
    page.get_by_label("Note").fill("The bucket was moved.\nUpload it again.")
    sign_out_and_in(f"/items/{item.pk}/cancel")
    expect(page.get_by_label("Note")).to_have_value("The bucket was moved.\nUpload it again.")
    page.get_by_role("button", name="Cancel", exact=False).last.click()
    expect(page.locator(".message")).to_have_text(f"Cancelled {item.name}.")
    leave_for(f"/items/{with_items['running'].pk}/cancel")
    expect(page.get_by_label("Note")).to_have_value("")

    def choose():
        leave_for(f"/items/?q={with_items['running'].name}")
        page.locator("#which").select_option("matching")
        page.get_by_role("button", name="Cancel…").click()

    choose()
    page.get_by_label("Note").fill("All of them.")
    sign_out_and_in("/items/cancel")
    expect(page.locator(".message")).to_contain_text("Nothing was changed.")
    choose()
    expect(page.get_by_label("Note")).to_have_value("All of them.")


def test_a_note_is_only_restored_for_its_writer_and_survives_an_expired_form(
    opened, cast, with_items, live_server, django_user_model
):
    page, address = opened(cast["ada"], quiet=False), f"/items/{with_items['pending'].pk}/cancel"
    page.goto(address)
    page.get_by_label("Note").fill("Written by Ada.")
    page.context.clear_cookies(name="csrftoken")
    page.get_by_role("button", name="Cancel", exact=False).last.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("This form has expired")
    page.goto(address)
    expect(page.get_by_label("Note")).to_have_value("Written by Ada.")
    session = session_of(cast["ada"], live_server.url)
    page.context.clear_cookies(name=session["name"])
    page.get_by_role("button", name="Cancel", exact=False).last.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    ada = cast["ada"]
    another = django_user_model.objects.create_user("bert@aptrust.org", role=ada.role, institution=ada.institution)
    page.context.add_cookies([session_of(another, live_server.url)])
    page.goto(address)
    expect(page.get_by_label("Note")).to_have_value("")
