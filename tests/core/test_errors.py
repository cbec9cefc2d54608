"""Diagnostics, exit codes and the exception tree."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunectl.core import errors
from tunectl.core.errors import (
    EXIT_PRECEDENCE,
    ConfigError,
    CredentialsError,
    Diagnostic,
    Exit,
    Refused,
    Source,
    TunectlError,
    strongest,
)


@pytest.mark.parametrize(
    ("code", "number"),
    [
        (Exit.DONE, 0),
        (Exit.ERROR, 1),
        (Exit.CHANGES, 2),
        (Exit.REFUSED, 3),
        (Exit.LOCK, 4),
        (Exit.STALE, 5),
        (Exit.CREDENTIALS, 6),
        (Exit.PARTIAL, 7),
        (Exit.RUNNING, 8),
        (Exit.GATE, 9),
        (Exit.INTERRUPTED, 130),
    ],
)
def test_exit_codes_are_never_renumbered(code, number):
    assert code == number
    assert code in EXIT_PRECEDENCE


def test_every_exit_code_has_its_place():
    assert sorted(EXIT_PRECEDENCE) == sorted(Exit)
    assert [int(code) for code in EXIT_PRECEDENCE] == [130, 4, 6, 5, 3, 7, 9, 8, 1, 2, 0]


@given(st.lists(st.sampled_from(Exit), min_size=1))
def test_the_strongest_code_wins_whatever_the_order(codes):
    winner = strongest(codes)
    assert winner in codes
    assert strongest(reversed(codes)) == winner
    assert all(EXIT_PRECEDENCE.index(winner) <= EXIT_PRECEDENCE.index(code) for code in codes)


def test_no_code_at_all_is_done():
    assert strongest([]) is Exit.DONE


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (Source("a.yaml"), "a.yaml"),
        (Source("a.yaml", 3), "a.yaml:3"),
        (Source("a.yaml", 3, 7), "a.yaml:3:7"),
        (Source("a.yaml", 0, 7), "a.yaml"),
    ],
)
def test_a_source_says_what_is_known(source, text):
    assert str(source) == text


def test_an_error_carries_every_diagnostic_and_the_strongest_code():
    error = ConfigError(
        (Diagnostic(summary="first"), Diagnostic(summary="second", exit=Exit.REFUSED))
    )
    assert str(error) == "first; second"
    assert error.exit is Exit.REFUSED
    assert ConfigError().exit is Exit.ERROR


def test_a_class_with_its_own_code_keeps_it():
    assert CredentialsError((Diagnostic(summary="no key"),)).exit is Exit.CREDENTIALS
    made = Refused.of("no", hint="ask", detail="d", code="c", address="a.b", source=Source("f"))
    assert made.exit is Exit.REFUSED
    assert made.diagnostics == (
        Diagnostic(
            summary="no", hint="ask", detail="d", code="c", address="a.b", source=Source("f"),
            exit=Exit.REFUSED,
        ),
    )  # fmt: skip


def classes() -> list[type[TunectlError]]:
    found = [c for c in vars(errors).values() if isinstance(c, type)]
    return [c for c in found if issubclass(c, TunectlError)]


@pytest.mark.parametrize("kind", classes(), ids=lambda c: c.__name__)
def test_every_class_of_error_stands_in_the_drawn_tree(kind):
    assert kind.__name__ in (errors.__doc__ or "")
    assert str(kind.of("a reason")) == "a reason"
