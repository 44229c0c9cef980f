"""One file has one etag, however a program writes it."""

import pytest

from workitems.lifecycle import is_md5_etag, normalize_etag

MD5 = "9c5a3e2b7d1f4860a1b2c3d4e5f60718"


@pytest.mark.parametrize(
    "text",
    [MD5, f'"{MD5}"', f'W/"{MD5}"', f'w/"{MD5}"', MD5.upper(), f' "{MD5.upper()}" ', f"W/{MD5}"],
)
def test_every_spelling_of_an_etag(text):
    assert normalize_etag(text) == MD5


@pytest.mark.parametrize("text", [f"{MD5}-13", f'"{MD5.upper()}-13"', f'W/"{MD5}-13"'])
def test_an_etag_of_several_parts(text):
    assert normalize_etag(text) == f"{MD5}-13"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ABC1",
        '"ABC1"',
        f'"{MD5}',
        f'{MD5}"',
        MD5[1:],
        f"{MD5}0",
        f"{MD5}-",
        f"{MD5}-x",
        "5,26E+031",
        "G" * 32,
        "٣" * 32,
    ],
)
def test_any_other_text_stays_as_it_came(text):
    assert normalize_etag(text) == text


@pytest.mark.parametrize("text", [MD5, f"{MD5}-1", f"{MD5}-10000"])
def test_an_etag_that_a_file_can_be_compared_with(text):
    assert is_md5_etag(text)


@pytest.mark.parametrize("text", ["", "ABC1", MD5[1:], f"{MD5}0", f"{MD5}-", f"{MD5}-x", f"{MD5}-1234567"])
def test_an_etag_that_no_file_can_be_compared_with(text):
    assert not is_md5_etag(text)
