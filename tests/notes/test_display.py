"""Notes as pages show them."""

import pytest

from workitems.notes import FoldedNote, fold_note, make_one_line, make_readable


@pytest.mark.parametrize(
    ("note", "shown"),
    [
        ("plain\n  text\twith ümläuts 💥", "plain\n  text\twith ümläuts 💥"),
        ("\x1b[31mred\x1b[0m and \x1b[1;4mbold\x1b[m", "red and bold"),
        ("\x1b]8;;https://example.org\x07link\x1b]8;;\x07", "link"),
        ("\x9b31mred\x9b0m", "red"),
        ("10 %\r50 %\r100 %", "100 %"),
        ("10 %\r50 %\r", "50 %"),
        ("a\r\nb\r\n", "a\nb\n"),
        ("name\u202egpj.exe", "name[U+202E]gpj.exe"),
        ("\u2066a\u2069", "[U+2066]a[U+2069]"),
        ("a\x00b\x08c\x7f\x85", "a␀b␈c[U+007F][U+0085]"),
        ("", ""),
    ],
)
def test_what_cannot_be_seen(note, shown):
    assert make_readable(note) == shown


def fold(note, lines=3, characters=100, most=1000):
    return fold_note(note, lines=lines, characters=characters, most=most)


def test_a_short_note_is_open():
    assert fold("a\nb\nc\n\n") == FoldedNote("a\nb\nc")
    assert fold("x" * 100) == FoldedNote("x" * 100)


def test_many_lines_are_folded():
    assert fold("a\nb\nc\nd\ne") == FoldedNote("a\nb\nc", "d\ne", 2)


def test_a_long_line_is_folded_at_a_space():
    line = "word " * 50
    folded = fold(line)
    assert len(folded.head) <= 100
    assert f"{folded.head} {folded.rest}" == line
    assert (folded.rest_lines, folded.is_cut) == (0, False)


def test_a_long_word_is_folded_anywhere():
    assert fold("x" * 150) == FoldedNote("x" * 100, "x" * 50)


def test_a_very_long_note_is_cut():
    folded = fold("x" * 5000)
    assert (len(folded.head), len(folded.rest), folded.is_cut) == (100, 900, True)
    assert not fold("x" * 1000).is_cut


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("a b.tar", "a b.tar"),
        ("a\nSubject: b\r\nc.tar", "a␊Subject: b␍␊c.tar"),
        ("a\tb\u2028c\u2029d", "a␉b[U+2028]c[U+2029]d"),
        ("a\u202eb", "a[U+202E]b"),
    ],
)
def test_a_name_is_one_line(name, line):
    assert make_one_line(name) == line
