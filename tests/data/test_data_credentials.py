"""Keys in texts: the quick look at many of them at once misses none."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from tunectl.data.sensitive.credentials import KINDS, may_hold_secrets, secrets

TEXTS = st.text(max_size=20)
LIKE_KEYS = st.one_of([st.from_regex(re.compile(pattern.pattern)) for _, pattern, _ in KINDS])


@settings(max_examples=40, deadline=None)
@given(st.lists(TEXTS, max_size=3), LIKE_KEYS, st.lists(TEXTS, max_size=3))
def test_the_quick_look_sees_whatever_has_the_pattern_of_a_key(before, key, after):
    assert may_hold_secrets([*before, key, *after])


@settings(max_examples=40, deadline=None)
@given(st.lists(TEXTS | LIKE_KEYS, max_size=5))
def test_where_the_quick_look_sees_nothing_there_is_no_key(texts):
    assert may_hold_secrets(texts) or not any(list(secrets(text)) for text in texts)


def test_ordinary_labels_are_not_suspected():
    assert not may_hold_secrets(["answers for queue 17", "zespół wsparcia", "команда поддержки"])
