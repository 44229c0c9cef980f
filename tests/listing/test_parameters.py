"""What the values in a query string are read as, and which are refused, without a database."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from workitems.listing.parameters import (
    MOST_VALUES,
    UNSET,
    BooleanField,
    BooleansField,
    DayField,
    InstitutionNumbersField,
    InstitutionsField,
    MomentField,
    NumberField,
    NumbersField,
    SizeField,
    TextField,
    TextsField,
    WordsField,
    end_of,
    in_date_input,
    shortened,
)

NEW_YORK = ZoneInfo("America/New_York")
MOST = 2**63 - 1


def error_of(field, value):
    with pytest.raises(ValidationError) as caught:
        field.clean(value)
    [message] = caught.value.messages
    return message


@pytest.mark.parametrize("field", [NumberField, SizeField, BooleanField, MomentField, DayField])
@pytest.mark.parametrize("blank", [None, "", "  "])
def test_a_blank_value_is_none(field, blank):
    assert field(required=False).clean(blank) is None


@pytest.mark.parametrize(
    ("text", "number"), [("0", 0), (" 17 ", 17), (str(MOST), MOST), ("0" * 38 + "7", 7), ("0" * 30 + "12", 12)]
)
def test_whole_numbers(text, number):
    assert NumberField().clean(text) == number


@pytest.mark.parametrize("text", ["-1", "1.0", "1e3", "x", "٣", "²", str(MOST + 1), "0" * 39 + "7", "9" * 5000])
def test_what_is_no_whole_number_is_refused(text):
    assert error_of(NumberField(), text) == f"Use a whole number from 0 to {MOST}."


def test_a_number_has_its_bounds():
    field = NumberField(min_value=1, max_value=1000)
    assert [field.clean(text) for text in ("1", "1000")] == [1, 1000]
    for text in ("0", "1001", "x"):
        assert error_of(field, text) == "Use a whole number from 1 to 1000."


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("5", 5),
        ("5 B", 5),
        ("1k", 10**3),
        ("2 MB", 2 * 10**6),
        (" 1.4 GB ", 1_400_000_000),
        ("1,4 gb", 1_400_000_000),
        ("1.500 MB", 1_500_000),
        ("1,50 MB", 1_500_000),
        ("3T", 3 * 10**12),
        ("4 pb", 4 * 10**15),
        ("5EB", 5 * 10**18),
        (str(MOST), MOST),
        ("0" * 38 + "7", 7),
    ],
)
def test_sizes(text, size):
    assert SizeField().clean(text) == size


@pytest.mark.parametrize(
    "text", ["x", "GB", "-1", "1.4.1 GB", "1 XB", "1,500 MB", "1,500", "10 EB", str(MOST + 1), "0" * 39 + "7"]
)
def test_what_is_no_size_is_refused(text):
    assert error_of(SizeField(), text) == f"“{text}” is not a size. Use bytes, or a number such as 1.4 GB."


@pytest.mark.parametrize(
    ("text", "value"),
    [("true", True), (" TRUE ", True), ("1", True), ("yes", True), ("False", False), ("0", False), ("no", False)],
)
def test_true_and_false(text, value):
    assert BooleanField().clean(text) is value
    assert BooleansField().clean([text, ""]) == [value]


def test_neither_true_nor_false():
    assert error_of(BooleanField(), "maybe") == "“maybe” is neither true nor false."


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2021-03-04T05:06:07Z", datetime(2021, 3, 4, 5, 6, 7, tzinfo=UTC)),
        (" 2021-03-04T05:06:07.123456789Z ", datetime(2021, 3, 4, 5, 6, 7, 123456, tzinfo=UTC)),
        ("2021-03-04T05:06:07+02:00", datetime(2021, 3, 4, 3, 6, 7, tzinfo=UTC)),
        ("2021-03-04T05:06:07 02:00", datetime(2021, 3, 4, 3, 6, 7, tzinfo=UTC)),
        ("2021-03-04T05:06:07 0200", datetime(2021, 3, 4, 3, 6, 7, tzinfo=UTC)),
        ("2021-03-04 05:06:07", datetime(2021, 3, 4, 10, 6, 7, tzinfo=UTC)),
        ("2021-03-04", datetime(2021, 3, 4, 5, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", UNSET),
        ("0002-01-01T00:00:00Z", datetime(2, 1, 1, tzinfo=UTC)),
        ("9998-12-31T23:59:59Z", datetime(9998, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_times_are_in_the_readers_zone_unless_they_say_another(text, moment):
    with timezone.override(NEW_YORK):
        assert MomentField().clean(text) == moment


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "2021-02-30",
        "2021-02-30T00:00:00Z",
        "2021-03-04T25:00:00Z",
        "0001-01-02T00:00:00Z",
        "0001-12-31T23:59:59Z",
        "0001-01-01T00:00:00+01:00",
        "9999-01-01T00:00:00Z",
        "9999-12-31T23:59:59-01:00",
        "9999-12-31",
    ],
)
def test_what_is_no_time_is_refused(text):
    assert error_of(MomentField(), text).startswith(f"“{text}” is not a time.")


@pytest.mark.parametrize(
    ("text", "day"), [(" 2021-03-04 ", (2021, 3, 4)), ("0002-01-01", (2, 1, 1)), ("9998-12-31", (9998, 12, 31))]
)
def test_days_begin_at_the_readers_midnight(text, day):
    with timezone.override(NEW_YORK):
        assert DayField().clean(text) == datetime(*day, tzinfo=NEW_YORK)


@pytest.mark.parametrize("text", ["x", "2021-02-30", "0001-12-31", "9999-01-01", "2021-03-04T05:06:07Z"])
def test_what_is_no_day_is_refused(text):
    assert error_of(DayField(), text).startswith(f"“{text}” is not a date.")


def test_a_day_ends_at_the_next_midnight_though_the_clocks_change():
    start = datetime(2026, 3, 8, tzinfo=NEW_YORK)
    assert end_of(start).astimezone(UTC) == datetime(2026, 3, 9, 4, tzinfo=UTC)


@pytest.mark.parametrize(("text", "shown"), [("2021-3-4", "2021-03-04"), (" 2021-03-04 ", "2021-03-04"), ("x", "")])
def test_a_typed_day_as_a_browser_wants_it(text, shown):
    assert in_date_input(text) == shown


def test_several_values():
    field = NumbersField()
    assert field.clean(["3", " ", "", "4"]) == [3, 4]
    assert NumbersField(required=False).clean(None) == []
    assert field.clean(["7"] * MOST_VALUES + [""]) == [7] * MOST_VALUES
    assert error_of(field, ["7"] * (MOST_VALUES + 1)) == "Use at most 100 values; there are 101 here."


def test_texts_are_taken_as_they_are():
    assert TextField(max_length=3).clean(" x ") == " x "
    assert TextsField(max_length=3).clean([" x ", "abc"]) == [" x ", "abc"]
    assert error_of(TextField(max_length=3), "abcd") == "Use at most 3 characters."
    assert error_of(TextField(max_length=3), "a\0") == "Remove the NUL character; no item contains one."


def test_an_unknown_word_is_named_with_the_words_there_are():
    field = WordsField(words=["one", "two"])
    assert field.clean(["two", "one"]) == ["two", "one"]
    assert error_of(field, ["three"]) == "“three” is not one of: one, two."
    field.in_words = "a number below three"
    assert error_of(field, ["three"]) == "“three” is not one of: a number below three."


def test_institutions_by_domain_or_number():
    field = InstitutionsField()
    field.known = {"virginia.edu": 3, "jhu.edu": 70}
    assert field.clean(["virginia.edu", " JHU.edu ", "3", "0070"]) == [3, 70, 3, 70]
    for text in ("edu", "7", "٣", "3 0", "0" * 19 + "39", "9" * 5000):
        assert error_of(field, [text]) == (
            f"There is no institution “{shortened(text)}”. Use its domain, such as virginia.edu, or its number."
        )


def test_institutions_by_number_only():
    field = InstitutionNumbersField()
    field.known = {"virginia.edu": 3, "jhu.edu": 70}
    assert field.clean(["70", "3"]) == [70, 3]
    assert error_of(field, ["7"]) == "There is no institution with the number “7”. Use a number such as 3."


@pytest.mark.parametrize(("field", "own"), [(InstitutionsField, "virginia.edu"), (InstitutionNumbersField, "3")])
def test_who_sees_one_institution_is_told_only_of_that(field, own):
    one = field()
    one.known = {"virginia.edu": 3}
    assert error_of(one, ["70"]) == f"You can see only your own institution, {own}, not “70”."


def test_a_long_value_is_shortened():
    assert shortened("x" * 60) == "x" * 60
    assert shortened("x" * 61) == "x" * 60 + "…"
