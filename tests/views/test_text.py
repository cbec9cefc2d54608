"""What comes from files and servers never reaches a terminal raw."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.views.samples import state
from tunectl.core.value import Address
from tunectl.views.text import clean, cut, duration, json_text, pad, scrub, table, width

NASTY = "".join(map(chr, [*range(32), *range(0x7F, 0xA0), 0x202E, 0x2066, 0x2028, 0xFEFF, 0x200F]))
TEXTS = st.text(alphabet=st.one_of(st.sampled_from(NASTY + "a[;m]\\зż日"), st.characters()))


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;a title\x07after", "after"),
        ("\x1b]8;;http://evil.example\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x9b2Jgone", "gone"),
        ("a\u202egpj.exe", "agpj.exe"),
        ("one\r\ntwo\rthree", "one\ntwo\nthree"),
        ("bell\x07 nul\x00 del\x7f", "bell nul del"),
        ("half \ud800 pair", "half \ufffd pair"),
        ("Zażółć gęślą jaźń", "Zażółć gęślą jaźń"),
        ("Пожалуйста\tподождите\n", "Пожалуйста\tподождите\n"),
        ("👩‍💻 日本語", "👩‍💻 日本語"),
    ],
)
def test_escape_sequences_and_bidi_controls_are_taken_out(raw: str, shown: str) -> None:
    assert clean(raw) == shown


@given(TEXTS)
def test_no_control_character_survives_cleaning(text: str) -> None:
    cleaned = clean(text)
    assert all(c in "\t\n" or unicodedata.category(c) not in {"Cc", "Cs"} for c in cleaned)
    assert clean(cleaned) == cleaned


@given(TEXTS)
def test_json_text_is_faithful_and_holds_no_control_characters(text: str) -> None:
    shown = json_text({"text": text})
    assert json.loads(shown) == {"text": text}
    assert clean(shown) == shown


def test_scrubbing_reaches_every_text_of_a_state() -> None:
    dirty = scrub(state())
    assert dirty == state()
    address = Address.of("dataset", "a", key="\x1b[31mx\u202e")
    assert scrub({"k\x00": (address, 1, None, True)}) == {
        "k": (Address.of("dataset", "a", key="x"), 1, None, True)
    }


def test_wide_characters_take_two_columns() -> None:
    assert width("日本") == 4
    assert pad("日本", 6) == "日本  "
    assert table(("A", "B"), [("日本", "1"), ("abc", "2")]) == ["A     B", "日本  1", "abc   2"]


@given(st.text(min_size=1).filter(str.isprintable), st.integers(2, 40))
def test_cutting_never_exceeds_the_width(text: str, columns: int) -> None:
    assert width(cut(text, columns)) <= columns


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0s"), (59.9, "59s"), (182, "3m2s"), (7500, "2h5m"), (-1, "0s")],
)
def test_durations_are_written_as_terraform_writes_them(seconds: float, text: str) -> None:
    assert duration(seconds) == text
