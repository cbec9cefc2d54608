"""Each way of getting it wrong gives clear messages, all at once. The folders are the table.

After a deliberate change of words: `UPDATE_EXPECTED=1 pytest tests/config/test_error_messages.py`,
then read the difference like code.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.config.error_cases import FOLDER, copied, said

CASES = sorted(path for path in FOLDER.iterdir() if path.is_dir())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_mistake_is_explained_as_expected(case: Path, tmp_path: Path) -> None:
    root = copied(case, tmp_path)
    before = sorted(path for path in root.rglob("*"))
    found = said(case, root)
    expected = case / "expected.txt"
    if os.environ.get("UPDATE_EXPECTED"):
        expected.write_text(found, encoding="utf-8")
    assert found == expected.read_text(encoding="utf-8")
    assert sorted(path for path in root.rglob("*")) == before


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_no_message_speaks_of_the_tools_inside(case: Path) -> None:
    text = (case / "expected.txt").read_text(encoding="utf-8").lower()
    assert not text.startswith("no error")
    for one in text.split("\nerror: ")[1:]:
        assert "hint: " in one or "must be" in one or "takes" in one
    for word in (
        "pydantic",
        "validationerror",
        "jinja2",
        "yaml.scanner",
        "traceback",
        "input_value",
    ):
        assert word not in text
