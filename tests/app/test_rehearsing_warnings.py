"""A rehearsal repeats what the plan warns of, and tells a refused field where it stands."""

import pytest

from tests.app.test_rehearsing import edit, project  # noqa: F401  # a fixture
from tunectl.app.options import Options
from tunectl.app.rehearsing import rehearse
from tunectl.cli.main import run
from tunectl.core.errors import ConfigError
from tunectl.views.rehearsal import rehearsal_markdown, rehearsal_tree


def test_what_the_plan_warns_of_is_repeated_where_all_passes(project, capsys):  # noqa: F811
    edit(project, "split: {validation: 20%", "strip: [notatka]\n    split: {validation: 20%")
    done = rehearse(Options(root=project))
    assert done.passed
    assert "unused-strip" in [d.code for d in done.warnings]
    codes = [d["code"] for d in rehearsal_tree(done)["diagnostics"]]
    assert "unused-strip" in codes
    assert "> The plan warns:" in rehearsal_markdown(done)
    assert run(["-C", str(project), "rehearse"]) == 0
    assert "`strip` names `notatka`" in capsys.readouterr().err


def test_a_field_that_a_provider_refuses_is_shown_where_it_stands(project):  # noqa: F811
    cloud = "{type: vertex, project: acme, location: us-central1, staging: 'gs://acme-rows'}"
    edit(project, "  local: {trainer: simulated}", f"  local: {cloud}")
    edit(project, "base_model: simulated-1", "base_model: gemini-3.5-flash")
    edit(project, "epochs: 2}", "epochs: 2, lora_r: 7}")
    with pytest.raises(ConfigError) as caught:
        rehearse(Options(root=project))
    [told] = [d for d in caught.value.diagnostics if "lora_r" in d.summary]
    assert told.source.text[told.source.column - 1 :].startswith("7}")
