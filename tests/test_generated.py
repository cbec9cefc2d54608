"""Generated files are fresh."""

from __future__ import annotations

import pytest

from tests.refresh import generated


@pytest.mark.parametrize("path", generated(), ids=lambda p: p.name)
def test_it_is_what_the_code_generates(path):
    expected = generated()[path]
    assert path.read_text(encoding="utf-8") == expected, "run `make fix`"
