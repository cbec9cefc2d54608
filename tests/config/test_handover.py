"""`moved`, `removed` and `import` as the planner gets them."""

from __future__ import annotations

import pytest

from tests.config.making import DATASET, loaded, problems, project, write
from tunectl.core.errors import ConfigError

JOBS = (
    "project: x\n"
    + DATASET
    + """
tuning_job:
  each: {for_each: [pl, ru], base_model: smollm2-135m-instruct, data: dataset.support}
  one: {base_model: smollm2-135m-instruct, data: dataset.support}
endpoint:
  support: {model: tuning_job.one}
"""
)


def moved(root, **options):
    return {(str(m.before), str(m.after)) for m in loaded(root, **options).project.moved}


def test_a_whole_for_each_moves_key_by_key(tmp_path):
    root = project(tmp_path, JOBS + "moved: [{from: tuning_job.was, to: tuning_job.each}]\n")
    assert moved(root) == {
        ("tuning_job.was", "tuning_job.each"),
        ('tuning_job.was["pl"]', 'tuning_job.each["pl"]'),
        ('tuning_job.was["ru"]', 'tuning_job.each["ru"]'),
    }


def test_a_move_of_one_key_counts_before_that_of_the_whole(tmp_path):
    text = JOBS + (
        "moved:\n"
        "  - {from: tuning_job.was, to: tuning_job.each}\n"
        "  - {from: 'tuning_job.was[\"ru\"]', to: tuning_job.one}\n"
    )
    found = moved(project(tmp_path, text))
    assert ('tuning_job.was["ru"]', "tuning_job.one") in found
    assert ('tuning_job.was["ru"]', 'tuning_job.each["ru"]') not in found


def test_a_move_may_end_where_another_begins(tmp_path):
    text = JOBS + (
        "moved:\n"
        "  - {from: tuning_job.first, to: tuning_job.second}\n"
        "  - {from: tuning_job.second, to: tuning_job.each}\n"
    )
    found = moved(project(tmp_path, text))
    assert ('tuning_job.first["pl"]', 'tuning_job.second["pl"]') in found
    assert ('tuning_job.second["pl"]', 'tuning_job.each["pl"]') in found


def test_an_import_names_one_resource_and_its_id(tmp_path):
    text = JOBS + (
        "import:\n"
        "  - {address: 'tuning_job.each[\"pl\"]', id: ftjob-1}\n"
        "  - {address: endpoint.support, id: ' alias '}\n"
    )
    found = loaded(project(tmp_path, text)).project.imports
    assert [(str(i.address), i.id) for i in found] == [
        ('tuning_job.each["pl"]', "ftjob-1"),
        ("endpoint.support", "alias"),
    ]
    assert found[0].source is not None
    assert found[0].source.line > 0


def test_an_overlay_replaces_the_imports_of_the_files_because_ids_differ_by_environment(tmp_path):
    root = project(tmp_path, JOBS + "import: [{address: tuning_job.one, id: ftjob-1}]\n")
    write(root, "tunectl.prod.yaml", "import: [{address: tuning_job.one, id: ftjob-9}]\n")
    assert [i.id for i in loaded(root).project.imports] == ["ftjob-1"]
    assert [i.id for i in loaded(root, env="prod").project.imports] == ["ftjob-9"]
    write(root, "tunectl.prod.yaml", "import: null\n")
    assert loaded(root, env="prod").project.imports == ()


def test_one_id_may_stand_once_at_each_provider(tmp_path):
    text = """
        project: x
        providers: {local: {}, other: {type: local, root: elsewhere}}
        default_provider: local
        dataset:
          support: {source: data/rows.jsonl}
        tuning_job:
          a: {base_model: smollm2-135m-instruct, data: dataset.support}
          b: {base_model: smollm2-135m-instruct, data: dataset.support, provider: other}
        import:
          - {address: tuning_job.a, id: ftjob-1}
          - {address: tuning_job.b, id: ftjob-1}
        """
    assert len(loaded(project(tmp_path, text)).project.imports) == 2


def test_a_module_imports_nothing_itself_and_its_resources_are_imported_from_outside(tmp_path):
    module = "tuning_job:\n  main: {base_model: smollm2-135m-instruct, data: '${var.rows}'}\n"
    text = (
        "project: x\ninclude: [{file: m.yaml, name: shop, with: {rows: dataset.support}}]\n"
        + DATASET
    )
    inside = "variables: {rows: {type: string}}\nimport: []\n" + module
    root = project(tmp_path, text, **{"m.yaml": inside})
    assert problems(root) == ["`import` belongs in `tunectl.yaml`, not in a module"]
    write(root, "m.yaml", "variables: {rows: {type: string}}\n" + module)
    write(root, "i.tunectl.yaml", "import: [{address: tuning_job.shop.main, id: ftjob-1}]\n")
    assert str(loaded(root).project.imports[0].address) == "tuning_job.shop.main"


@pytest.mark.parametrize(
    ("said", "seconds", "at"),
    [
        ("expires_after: 30d", 30 * 86_400, None),
        ("expires_after: '${var.days}d'", 7 * 86_400, None),
        ("expires_at: 2027-01-31", None, "2027-01-31T00:00:00Z"),
        ("expires_at: 2027-01-31T18:00+01:00", None, "2027-01-31T17:00:00Z"),
    ],
)
def test_an_expiry_reaches_the_resource(tmp_path, said, seconds, at):
    text = f"project: x\nvariables: {{days: 7}}\nendpoint:\n  a:\n    model: m\n    {said}\n"
    found = loaded(project(tmp_path, text)).project.resources[0].expires
    assert (found.after, found.at) == (seconds, at)


def test_what_expires_not_stays(tmp_path):
    found = loaded(project(tmp_path, JOBS)).project.resources
    assert {r.expires for r in found} == {None}


@pytest.mark.parametrize(("day", "codes"), [("2026-11-22", ["expired"]), ("2026-11-23", [])])
def test_a_date_that_has_come_is_a_warning(tmp_path, day, codes):
    text = f"project: x\nendpoint:\n  a: {{model: m, expires_at: {day}}}\n"
    found = loaded(project(tmp_path, text)).project.warnings
    assert [w.code for w in found] == codes


def test_an_overlay_puts_one_expiry_in_the_place_of_another(tmp_path):
    root = project(tmp_path, "project: x\nendpoint:\n  a: {model: m, expires_after: 7d}\n")
    over = "endpoint: {a: {expires_after: null, expires_at: 2027-01-31}}\n"
    write(root, "tunectl.prod.yaml", over)
    found = loaded(root, env="prod").project.resources[0].expires
    assert (found.after, found.at) == (None, "2027-01-31T00:00:00Z")


def test_the_uploads_of_a_dataset_move_with_it(tmp_path):
    text = JOBS + "moved: [{from: dataset.was, to: dataset.support}]\n"
    assert ('upload.was["train/local/chat"]', 'upload.support["train/local/chat"]') in moved(
        project(tmp_path, text)
    )


def test_the_uploads_of_one_key_move_with_their_dataset(tmp_path):
    text = """
        project: x
        dataset:
          now: {for_each: [pl, ru], source: data/rows.jsonl}
        tuning_job:
          each:
            for_each: [pl, ru]
            base_model: smollm2-135m-instruct
            data: dataset.now[each.key]
        moved:
          - {from: dataset.was, to: dataset.now}
          - {from: dataset.solo, to: 'dataset.now["ru"]'}
        """
    found = moved(project(tmp_path, text))
    assert ('upload.was["pl/train/local/chat"]', 'upload.now["pl/train/local/chat"]') in found
    assert ('upload.solo["train/local/chat"]', 'upload.now["ru/train/local/chat"]') in found


MODULE = """\
dataset:
  rows: {source: data/*.jsonl, split: {test: 20%, seed: 7}}
tuning_job:
  main: {for_each: [pl, ru], base_model: smollm2-135m-instruct, data: dataset.rows}
"""


def modules(tmp_path, moved, name="store"):
    text = f"project: x\n{DATASET}include: [{{file: shop.yaml, name: {name}}}]\nmoved: {moved}\n"
    root = project(tmp_path, text)
    write(root, "shop.yaml", MODULE)
    return root


def test_a_whole_module_moves_with_everything_in_it(tmp_path):
    root = modules(tmp_path, "[{from: module.shop, to: module.store}]")
    found = moved(root)
    for address in ("dataset.{}.rows", 'tuning_job.{}.main["pl"]', 'tuning_job.{}.main["ru"]'):
        assert (address.format("shop"), address.format("store")) in found
    uploads = {a for a, _ in found if a.startswith("upload.shop.rows")}
    assert uploads, "what is derived moves with what it belongs to"


def test_a_move_of_one_resource_counts_before_that_of_its_module(tmp_path):
    root = modules(
        tmp_path,
        "[{from: module.shop, to: module.store}, "
        "{from: 'tuning_job.shop.main[\"pl\"]', to: 'tuning_job.store.main[\"ru\"]'}]",
    )
    found = moved(root)
    assert ('tuning_job.shop.main["pl"]', 'tuning_job.store.main["ru"]') in found
    assert ('tuning_job.shop.main["pl"]', 'tuning_job.store.main["pl"]') not in found


@pytest.mark.parametrize(
    ("said", "summary", "hint"),
    [
        ("{from: module.shop, to: module.stor}", "there is no `module.stor`", "`module.store`?"),
        ("{from: module.store, to: module.store}", "moves to itself", "remove this entry"),
        ("{from: module.shop, to: tuning_job.x}", "is not a module", "module.store"),
        ("{from: module.shop.a-b, to: module.store}", "is not a module", "module.store"),
    ],
)
def test_a_module_move_that_means_nothing_is_explained(tmp_path, said, summary, hint):
    with pytest.raises(ConfigError) as error:
        loaded(modules(tmp_path, f"[{said}]"))
    [found] = error.value.diagnostics
    assert summary in found.summary
    assert hint in found.hint
