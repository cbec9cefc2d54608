"""`plan -o FILE` writes over plans and over nothing else."""

from __future__ import annotations

import base64
from pathlib import Path

import orjson
import pytest

from tests.cli.conftest import Run
from tunectl.core.errors import Exit

KEY, OTHER = (base64.b64encode(bytes([n]) * 32).decode() for n in (1, 2))


@pytest.mark.parametrize(
    "content", [None, b"{}", b"[1]", b'"tunectl_plan"', b"\xff\xfe", b'{"tunectl_sealed":1}']
)
def test_what_is_no_plan_is_never_written_over(
    tunectl: Run, project: Path, content: bytes | None
) -> None:
    path = project / "tunectl.yaml"
    if content is not None:
        path = project / "moje.json"
        path.write_bytes(content)
    before = path.read_bytes()
    refused = tunectl("plan", "-o", path.name)
    assert refused.code == Exit.ERROR
    assert f"`{path.name}` exists and is not a plan file" in refused.err
    assert "hint: name another file" in refused.err
    assert path.read_bytes() == before


def test_a_plan_and_an_empty_file_are_written_over(tunectl: Run, project: Path) -> None:
    (project / "p").write_bytes(b"")
    assert tunectl("plan", "-o", "p").code == Exit.DONE
    assert tunectl("plan", "-o", "p").code == Exit.DONE
    assert tunectl("show", "p").code == Exit.DONE


def test_a_sealed_plan_is_written_over_by_who_can_open_it(
    tunectl: Run, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUNECTL_STATE_KEY", KEY)
    assert tunectl("apply", "--auto-approve").code == Exit.DONE
    for _ in range(2):
        assert tunectl("plan", "-o", "p").code == Exit.DONE
    sealed_state = tunectl("plan", "-o", "state/default.json")
    assert sealed_state.code == Exit.ERROR
    assert "is not a plan file" in sealed_state.err
    assert tunectl("plan").code == Exit.DONE
    monkeypatch.setenv("TUNECTL_STATE_KEY", OTHER)
    monkeypatch.setenv("TUNECTL_STATE_KEY_PREVIOUS", KEY)
    assert tunectl("plan", "-o", "p").code == Exit.DONE


def test_an_altered_plan_is_neither_shown_nor_applied(tunectl: Run, project: Path) -> None:
    """What a reviewer would read in it is not what its digest lets apply do."""
    assert tunectl("plan", "-o", "p").code == Exit.DONE
    text = (project / "p").read_text("utf-8")
    assert "some-model" in text
    (project / "p").write_text(text.replace("some-model", "dearer-model"), "utf-8")
    for command in (("show", "p"), ("apply", "p")):
        refused = tunectl(*command)
        assert refused.code == Exit.STALE
        assert "plan file `p` was altered" in refused.err
    assert "Nothing is recorded" in tunectl("state", "list").err


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("aim", {"target": 5}),
        ("aim", {"target": [5]}),
        ("aim", {"destroy": "no"}),
        ("aim", {"later": True}),
        ("aim", []),
        ("variables", [1]),
        ("variables", {"epochs": 3}),
        ("var_files", [5]),
        ("var_files", "secrets.yaml"),
    ],
)
def test_a_plan_file_with_a_form_of_its_own_is_refused_by_name(
    tunectl: Run, project: Path, field: str, value: object
) -> None:
    assert tunectl("plan", "-o", "p").code == Exit.DONE
    tree = orjson.loads((project / "p").read_bytes()) | {field: value}
    (project / "p").write_bytes(orjson.dumps(tree))
    refused = tunectl("apply", "p")
    assert refused.code == Exit.ERROR
    assert "`p` is not a plan file" in refused.err


def test_an_empty_digest_is_refused_and_lifts_no_check(tunectl: Run) -> None:
    """As a variable of a pipeline that was never set."""
    refused = tunectl("apply", "--auto-approve", "--expect-digest", "")
    assert refused.code == Exit.ERROR
    assert "`--expect-digest` is empty" in refused.err
    assert "Nothing is recorded" in tunectl("state", "list").err


def test_a_plan_that_was_applied_says_that_nothing_is_left(tunectl: Run) -> None:
    plan = tunectl("plan", "-o", "p").out
    digest = plan.partition("Digest: ")[2].split()[0]
    assert tunectl("apply", "p").code == Exit.DONE
    for words in (("p",), ("--expect-digest", digest)):
        again = tunectl("apply", *words)
        assert again.code == Exit.STALE
        assert "hint: nothing is left to do: it was applied already" in again.err


def test_an_address_is_no_plan_file_and_the_command_that_shows_it_is_named(tunectl: Run) -> None:
    said = tunectl("show", 'dataset.support["pl"]').err
    assert "hint: `tunectl state show 'dataset.support[\"pl\"]'` shows what is recorded" in said
    assert "hint: make one with `tunectl plan -o FILE`" in tunectl("show", "p.tplan").err


def test_an_empty_state_is_told_beside_the_pipe(tunectl: Run) -> None:
    empty = tunectl("state", "list")
    assert (empty.code, empty.out) == (Exit.DONE, "")
    assert empty.err == "Nothing is recorded of environment `default`.\n"
    assert tunectl("apply", "--auto-approve").code == Exit.DONE
    none = tunectl("state", "list", "tuning_job.nie")
    assert (none.out, none.err) == ("", "Nothing is recorded that begins with `tuning_job.nie`.\n")


@pytest.mark.parametrize(
    "words", [("plan", "--target"), ("state", "repair", "--from"), ("gc", "x")]
)
def test_a_usage_error_points_to_the_help_of_its_own_command(
    tunectl: Run, words: tuple[str, ...]
) -> None:
    refused = tunectl(*words)
    own = " ".join(w for w in words if w != "x" and not w.startswith("--"))
    assert refused.code == Exit.ERROR
    assert f"hint: `tunectl {own} --help` shows what it takes" in refused.err
