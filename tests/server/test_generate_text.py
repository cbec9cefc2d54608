import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.server.tiny_model import tiny_tokenizer
from tunectl.server.text_stream import StopFilter, TokenText

TEXT = st.text(
    st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from("ąęłжщ🐝👩‍👧 \n")),
    max_size=30,
)


@pytest.fixture(scope="module")
def tokenizer():
    return tiny_tokenizer()


def decoder(tokenizer):
    return TokenText(
        lambda ids: tokenizer.decode(
            ids, skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
    )


@settings(deadline=None)
@given(TEXT)
def test_pieces_are_whole_characters_and_join_to_the_text(text):
    tokenizer = tiny_tokenizer()
    stream = decoder(tokenizer)
    ids = tokenizer(text, add_special_tokens=False).input_ids
    pieces = [stream.add(token) for token in ids]
    assert all(len(piece) <= 1 for piece in pieces)
    assert "".join(pieces) == text
    assert stream.end() == ""


def test_a_letter_comes_out_with_its_last_byte_and_no_later(tokenizer):
    stream = decoder(tokenizer)
    shown = [stream.add(t) for t in tokenizer("ął🐝x", add_special_tokens=False).input_ids]
    assert shown == ["", "ą", "", "ł", "", "", "", "🐝", "x"]


def test_half_a_character_at_the_end_is_dropped(tokenizer):
    stream = decoder(tokenizer)
    ids = tokenizer("ok🐝", add_special_tokens=False).input_ids[:-1]
    assert "".join(stream.add(token) for token in ids) + stream.end() == "ok"


def test_bytes_that_are_no_text_do_not_hold_the_stream_back_for_ever(tokenizer):
    stream = decoder(tokenizer)
    stray = tokenizer("ą", add_special_tokens=False).input_ids[0]
    shown = "".join(stream.add(stray) for _ in range(40))
    assert len(shown) >= 30


@settings(deadline=None)
@given(st.lists(st.text("ab<|é", max_size=4), max_size=12), st.lists(st.text("ab<|é", max_size=3)))
def test_the_stop_filter_cuts_exactly_before_the_first_stop_string(parts, stops):
    stream = StopFilter(stops)
    shown = "".join(stream.add(part) for part in parts)
    shown += "" if stream.stopped else stream.end()
    text = "".join(parts)
    ends = []
    for end in range(len(text) + 1):  # a stop is seen as soon as the text so far holds one
        ends = [at for stop in stops if stop and (at := text[:end].find(stop)) >= 0]
        if ends:
            break
    assert stream.stopped == bool(ends)
    if not ends:
        assert shown == text
    else:
        assert text.startswith(shown)
        assert not any(stop in shown for stop in stops if stop)


def test_what_cannot_become_a_stop_string_is_not_held_back():
    stream = StopFilter(["\nUser:"])
    assert stream.add("Hello") == "Hello"
    assert stream.add(" you\n") == " you"
    assert stream.add("Us") == ""
    assert stream.add("ing it") == "\nUsing it"
    assert stream.add("\nUser: x") == ""
    assert stream.stopped
