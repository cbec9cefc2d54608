"""The loader as a whole: everything together, light to import, and linear."""

from __future__ import annotations

import gc
import shutil
import subprocess
import sys
from pathlib import Path

from tests.config.making import TODAY, loaded, project, resources, write

GOLDEN = Path(__file__).parent / "golden"
MODULE = """
    variables: {rows: {type: string}}
    dataset:
      main: {source: "${var.rows}"}
    """


def everything(root: Path) -> Path:
    project(root, "")
    shutil.copy(GOLDEN / "everything.yaml", root / "tunectl.yaml")
    write(root, "parts/module.yaml", MODULE)
    return root


def test_a_project_that_uses_everything_loads(tmp_path):
    found = loaded(everything(tmp_path), environ={"OPENAI_HOST": "acme.openai.azure.com"}).project
    assert {w.code for w in found.warnings} <= {"base-closing", "few-rows", "unused-strip"}
    assert {str(r.address) for r in found.resources} >= {
        "dataset.shop.main",
        'tuning_job.each["ru"]',
        "endpoint.support",
        "prompt_template.support",
        'upload.support["validation/openai_eu/chat"]',
    }
    assert [str(m.before) for m in found.moved] == ["tuning_job.old"]
    assert [(str(r.address), r.destroy) for r in found.removed] == [("endpoint.old", False)]
    assert [(str(i.address), i.id) for i in found.imports] == [('tuning_job.each["pl"]', "ftjob-1")]
    azure = found.providers["azure"]
    assert azure.settings["base_url"] == "https://acme.openai.azure.com/openai/v1/"


def test_loading_twice_gives_the_same(tmp_path):
    root = everything(tmp_path)
    environ = {"OPENAI_HOST": "acme.openai.azure.com"}
    assert loaded(root, environ=environ).project == loaded(root, environ=environ).project


def test_every_reference_leads_to_a_resource(tmp_path):
    root = everything(tmp_path)
    found = loaded(root, environ={"OPENAI_HOST": "h"}).project
    known = {r.address: r for r in found.resources}
    for resource in found.resources:
        for ref in resource.refs:
            assert ref.path[0] in known[ref.address].outputs
        assert resource.needs <= set(known)


def _modules_after(code: str) -> set[str]:
    run = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(run.stdout.split())


def test_what_is_not_needed_is_not_imported(tmp_path):
    text = """
        project: x
        variables: {n: 3}
        dataset:
          support: {source: data/rows.jsonl, limit: "${var.n}"}
        prompt_template:
          a:
            model: m
            inputs: {q: string}
            sections: [{id: a, role: user, template: "Q: {{ q }}"}]
        """
    root = project(tmp_path, text)
    found = _modules_after(
        "from pathlib import Path\nfrom datetime import date\n"
        "from tunectl.config.load import load\n"
        f"load(Path({str(root)!r}), environ={{}}, now=date({TODAY.year}, 1, 1))"
    )
    assert not found & {"jinja2", "ruamel.yaml", "openai", "rich", "torch"}


def test_the_rooms_below_import_no_yaml_or_templates():
    assert not _modules_after("import tunectl.kinds") & {"yaml", "jinja2", "ruamel.yaml"}
    assert "pydantic" not in _modules_after("import tunectl.catalog.base_models")


def _many(count: int) -> str:
    lines = ["project: x", "variables: {n: 3}", "endpoint:"]
    lines += [f"  e{i}: {{model: 'm-${{var.n}}-{i}', labels: {{i: '{i}'}}}}" for i in range(count)]
    return "\n".join(lines) + "\n"


def test_a_thousand_resources_load_and_the_collector_is_left_as_it_was(tmp_path):
    root = project(tmp_path, _many(1000))
    assert gc.isenabled()
    found = resources(root)
    assert gc.isenabled()
    assert len(found) == 1000
    assert found["endpoint.e999"].spec["model"] == "m-3-999"
