"""`tunectl kb`: a whole project with a local knowledge base, without server, torch or network."""

import json

import pytest

CONFIG = """\
project: helpdesk
state: state/
providers:
  here: {type: local, root: .local}
knowledge_base:
  manual:
    provider: here
    sources: [docs/*.md]
    embedding: none
    retrieval: {top_k: 2}
"""


@pytest.fixture
def helpdesk(tmp_path, tunectl):
    (tmp_path / "docs").mkdir()
    (tmp_path / "tunectl.yaml").write_text(CONFIG, "utf-8")
    (tmp_path / "docs" / "zwroty.md").write_text("# Zwroty\n\nTowar w 14 dni, kod E-17.\n", "utf-8")
    (tmp_path / "docs" / "dostawa.md").write_text("# Доставка\n\nКурьер, товар.\n", "utf-8")
    (tmp_path / "docs" / "inne.md").write_text("Towar. " * 3, "utf-8")

    def run(*args, code=0):
        done = tunectl("-C", str(tmp_path), *args)
        assert done.code == code, done
        return done

    run.folder = tmp_path
    return run


@pytest.fixture
def applied(helpdesk):
    helpdesk("apply", "--auto-approve")
    return helpdesk


def test_what_is_found_is_shown_with_its_place_and_score(applied):
    shown = applied("kb", "search", "manual", "Zwrot towaru e17").out
    first, *_ = shown.splitlines()
    assert first.startswith("1. docs/zwroty.md > Zwroty  (0.")
    assert "   Towar w 14 dni, kod E-17." in shown
    assert shown.count("docs/") == 2  # `top_k` as declared


def test_the_same_is_told_as_json_with_the_options_of_the_call(applied):
    args = ("--top-k", "1", "--format", "json")
    [one] = json.loads(applied("kb", "search", "knowledge_base.manual", "курьеры", *args).out)[
        "passages"
    ]
    assert (one["source"], one["title"], one["text"]) == (
        "docs/dostawa.md",
        "Доставка",
        "Курьер, товар.",
    )
    assert 0 < one["score"] <= 1


def test_nothing_found_is_no_error(applied):
    assert applied("kb", "search", "manual", "kalafior").out == "Nothing was found.\n"
    assert applied("kb", "search", "manual", "towar", "--min-score", "1").out == (
        "Nothing was found.\n"
    )


def test_a_name_that_is_nearly_right_is_asked_back(applied):
    error = applied("kb", "search", "manuall", "towar", code=1).err
    assert "did you mean `knowledge_base.manual`?" in error


def test_what_is_not_made_yet_says_what_makes_it(helpdesk):
    error = helpdesk("kb", "search", "manual", "towar", code=1).err
    assert "nothing is recorded at `knowledge_base.manual`" in error
    assert "`tunectl apply` makes it" in error


def test_a_name_that_is_far_off_names_those_there_are(applied):
    assert "made are `manual`" in applied("kb", "search", "handbuch", "towar", code=1).err


def test_an_index_that_was_removed_is_an_error_with_what_to_do_and_drift(applied):
    for file in applied.folder.glob(".tunectl/knowledge/*/*.db"):
        file.unlink()
    assert "run `tunectl apply`" in applied("kb", "search", "manual", "towar", code=1).err
    assert "knowledge_base.manual" in applied("plan", "--detailed-exitcode", code=2).out
    applied("apply", "--auto-approve")
    assert "docs/" in applied("kb", "search", "manual", "towar").out


def test_an_empty_question_is_refused(applied):
    assert "the question is empty" in applied("kb", "search", "manual", " ", code=1).err


def test_a_changed_document_is_planned_by_name_and_found_after_apply(applied):
    (applied.folder / "docs" / "inne.md").unlink()
    (applied.folder / "docs" / "nowy.md").write_text("Wielka nowina.", "utf-8")
    shown = applied("plan").out
    assert "documents: 1 added, 1 removed" in shown
    assert "+ docs/nowy.md" in shown
    applied("apply", "--auto-approve")
    assert "docs/nowy.md" in applied("kb", "search", "manual", "nowina").out
    assert "No changes" in applied("plan").out


def test_destroy_removes_the_file(applied):
    applied("destroy", "--auto-approve")
    assert not list(applied.folder.glob(".tunectl/knowledge/*/*"))
