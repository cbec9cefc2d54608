"""A template as other services write it renders to what it renders to here, or is not carried."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunectl.config.carrying import Carried, Uncarried, carried
from tunectl.prompts.sandbox import compiled, rendered
from tunectl.prompts.sections import wrapped

NAMES = ("question", "имя")
TEXTS = st.text(alphabet=st.sampled_from(list("aż я\n\t<>&}%#'\"|:")), max_size=12)
PIECES = st.lists(
    st.one_of(
        TEXTS,
        st.sampled_from(
            ["{{ question }}", "{{имя}}", "{# uwaga #}", "{{- question -}}", "{{ 'stałe' }}"]
        ),
        st.just('{% include "część.j2" %}'),
        st.just("{% raw %}{% if %}{% endraw %}"),
    ),
    max_size=6,
)


def put_in(text: str, values: dict[str, str]) -> str:
    """What a service does with a template: every value in the place of its name, once."""
    for name, value in values.items():
        text = text.replace("{{" + name + "}}", value)
    return text


@given(PIECES, TEXTS, st.sampled_from(["", "zasady"]))
def test_what_is_carried_renders_to_what_the_template_renders_to(pieces, partial, tag):
    template = "".join(pieces)
    partials = {"część.j2": f"{partial}{{{{ question }}}}\n"}
    found = carried(template, partials, wrap=tag)
    values = {"question": "Gdzie?", "имя": "Зофья"}
    body = rendered(compiled(template, tuple(partials.items()), False), values).strip()
    if isinstance(found, Uncarried):
        assert "{% if %}" in template or "{{" in body or "{" in template
        return
    assert put_in(found.text, values) == (wrapped(body, tag) if body else "")
    assert {*found.names} <= {*NAMES}


@pytest.mark.parametrize(
    ("template", "what"),
    [
        ("{% if question %}a{% endif %}", "a condition"),
        ("{{ 'a' if question else 'b' }}", "a condition"),
        ("{% for x in question %}{{ x }}{% endfor %}", "a loop"),
        ("{% set x = question %}", "a variable of its own"),
        ("{{ question | upper }}", "the filter `upper`"),
        ("{{ question.upper() }}", "a call"),
        ("{{ question ~ '!' }}", "an expression"),
        ("{{ question[0] }}", "an expression"),
        ("{% macro m() %}{% endmacro %}", "a macro"),
        ('{% include "a.j2" %}', "the filter `upper`"),
        ("{% raw %}{{ x }}{% endraw %}", "`{{` as text"),
        ("{{ '{{' }}", "`{{` as text"),
        ("{% raw %}{{% endraw %}{{ question }}", "`{` right before a value"),
        ("a @@@tag b", "`@@@tag` as text"),
    ],
)
def test_what_is_more_than_names_is_called_by_its_name(template, what):
    found = carried(template, {"a.j2": "{{ question | upper }}"}, forbidden=("@@@tag",))
    assert isinstance(found, Uncarried)
    assert what in found.what
    assert found.hint


def test_a_brace_after_a_value_and_json_are_carried():
    found = carried('{"q": {{ question }}}', {})
    assert found == Carried('{"q": {{question}}}', ("question",))
