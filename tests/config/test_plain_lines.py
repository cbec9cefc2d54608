"""What is read line by line is what libyaml gives: values, and where each stands."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from tunectl.config.compacting import held, written
from tunectl.config.composed import _Composer
from tunectl.config.plain_lines import read
from tunectl.config.source import typed
from tunectl.config.written import UnusualError, Written

ROOT = Path(__file__).parents[2]
FILES = sorted({*ROOT.glob("examples/**/*.yaml"), *ROOT.glob("tests/config/**/*.yaml")})


def plainly(text: str) -> Written | None:
    return read(text, partial(held, typed=typed))


def by_libyaml(text: str) -> Written | None:
    """The compact form by the long way; None where there is none."""
    try:
        tree = _Composer(text).get_single_node()
        if tree is None:
            return None
        return written(tree, typed, plain="plain", text="text", collection="collection", deepest=60)
    except (UnusualError, yaml.YAMLError):
        return None


def check(text: str) -> bool:
    """Compare both; whether it was plain."""
    found = plainly(text)
    if found is None:
        return False
    long_way = by_libyaml(text)
    assert long_way is not None, "libyaml has something to say of it"
    assert repr(found.values) == repr(long_way.values)
    assert found.marks == long_way.marks
    return True


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_of_people_are_read_alike(path: Path) -> None:
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        pytest.skip("no text")
    check(text)


PLAIN = """\
# a project
project: pomoc   # po polsku
state: gs://bucket/state
empty:
void: ~
url: https://example.com:8443/v1?a=b
quoted: "a: b # c {d}"
single: 'x, [y]'
Łódź: żółw ćma
list:
- one
- 2
-   3.5
deeper:
    - a: 1
      b: [1, two, "three", {four: 5, five: []}]
    - {x: y, z: "${var.a}", n: {}}

    - c:
      d:
        - e
        # between
        - f:
            g: -1
expression: ${var.epochs + 1}
last: - x
"""


def test_what_people_write_is_plain() -> None:
    assert check(PLAIN.replace("last: - x\n", "last: true\n"))
    assert plainly(PLAIN) is None


@pytest.mark.parametrize(
    "text",
    [
        "", "# only a comment\n", "a\n", "- a\n", "--- \na: 1\n", "a: 1\n...\n", "a: &b 1\n",
        "a: *b\n", "a: !!str 1\n", "<<: {a: 1}\n", "a: |\n  b\n", "a: >\n  b\n", "a: b\n  c\n",
        'a: "b\n  c"\n', "a: [1,\n  2]\n", '"a": 1\n', "a: 1\na: 2\n", "a: {b: 1, b: 2}\n",
        "a: b: c\n", "a: b:\n", "a:\tb\n", "\ta: b\n", "a: {b:1}\n", "a: {b}\n", "a: [b, ]\n",
        "a: [b: c]\n", "? a\n: b\n", " a: 1\n", "a: 1\n b: 2\n", "a:\n  b: 1\n c: 2\n", "- a: 1\n",
        "a: 1\n- b\n", "a:\n  - b\n  c: d\n", "a:\n  b\n", "a: 'it''s'\n", 'a: "\\n"\n', "a: 1\r\n",
        "a: x\u00a0y\n", "a: “x”\n", "a\u0328: 1\n", "a: .inf\n", "a: 99999999999999999999\n",
        "a: b\u2028c\n", "\ufeffa: 1\n", "a: \x07\n", "a: @b\n", "a: `b`\n", "a: %b\n", "a: , b\n",
        f"{'a' * 101}: 1\n", "a:\n" + "".join(f"{'  ' * n}a:\n" for n in range(1, 60)),
    ],
)  # fmt: skip
def test_what_is_not_plain_is_left_to_libyaml(text: str) -> None:
    assert plainly(text) is None


WORDS = st.sampled_from(
    [
        "a", "b: ", "c:", "- ", "-", "  ", "    ", " ", "\n", "\n  ", "\n    ", "\n- ", "\n  - ",
        "\na: ", "\nb:", "\nc: ", "\n  d: ", "\n  e:", "\n      f: ", "{", "}", "[", "]", ", ", ",",
        "g: h", '"i j"', "'k'", "#", " # l", "\n# m", "1", "-2", "0.5", "true", "null", "~", "<<",
        "${n}", "é", "Ж", "ñ", "&o ", "*o", "!p ", "|", ">", "%", "@", "?", "? ", ":", ": ", "::",
        "gs://q/r", "a b", "x  y", "\n\n", "...", "---", "\n---\n", "(", ")", "=", "\\", '"', "'",
    ]
)  # fmt: skip


@given(st.lists(WORDS, max_size=30).map("".join))
@example("a: x #y\nb: z# w\n")
@example("a: -\n")
@example("a:\n-  b:\n   c: 1\n")
@example("a:\n  - b\n-  c\n")
@example("a:\n- b:\n  - c\n- d\nb: 1\n")
@example("a: {b: -, c: d}\n")
def test_any_text_is_read_alike_or_left_to_libyaml(text: str) -> None:
    check(text)


KEYS = st.from_regex(r"[a-zA-Zżд_][a-zA-Z0-9_.żд-]{0,6}", fullmatch=True)
SCALARS = st.one_of(
    st.from_regex(r"[A-Za-z0-9_./$+~%(-][A-Za-z0-9_./$+~@%=*()!&<>;^|{}\[\],'\"?: #żд-]{0,12}"),
    st.sampled_from(['"a b"', "'c: d'", "1", "2e-4", "null", "0x1F", "", "[]", "{}", "~"]),
)
FLOWS = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda each: f"[{', '.join(each)}]"),
        st.lists(st.tuples(KEYS, inner), max_size=3).map(
            lambda each: f"{{{', '.join(f'{k}: {v}' for k, v in each)}}}"
        ),
    ),
    max_leaves=5,
)


@st.composite
def blocks(draw: st.DrawFn, indent: int = 0, depth: int = 0) -> str:
    """A map of several lines, mostly well formed."""
    lines = []
    for _ in range(draw(st.integers(1, 3))):
        lead, key = " " * indent, draw(KEYS)
        sort = draw(st.integers(0, 5 if depth < 3 else 2))
        tail = draw(st.sampled_from(["", "", " # c", "  "]))
        if sort <= 2:
            lines.append(f"{lead}{key}: {draw(FLOWS)}{tail}")
        elif sort == 3:
            step = draw(st.sampled_from([1, 2, 4]))
            lines += [f"{lead}{key}:{tail}", draw(blocks(indent + step, depth + 1))]
        else:
            step = draw(st.sampled_from([0, 1, 2]))
            lines.append(f"{lead}{key}:{tail}")
            for _ in range(draw(st.integers(1, 3))):
                at = " " * (indent + step)
                if draw(st.booleans()):
                    lines.append(f"{at}- {draw(FLOWS)}{tail}")
                else:
                    inner = draw(blocks(indent + step + 2, depth + 1))
                    lines.append(f"{at}- {inner[indent + step + 2 :]}")
    return "\n".join(lines)


@given(blocks())
def test_blocks_of_any_shape_are_read_alike_or_left_to_libyaml(text: str) -> None:
    check(text + "\n")
