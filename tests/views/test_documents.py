"""The documents of a knowledge base in a plan: names and counts, never hashes, never a flood."""

from __future__ import annotations

from tests.views.samples import ACCOUNT, LINEAGE
from tunectl.core.diff import deltas
from tunectl.core.plan import Action, Cause, Change, Plan
from tunectl.core.resource import Instance, Resource
from tunectl.core.value import Address
from tunectl.views.documents import SHOWN
from tunectl.views.human_plan import plan_text
from tunectl.views.markdown import plan_markdown

BASE = Address.of("knowledge_base", "manual")


def sha(number: int) -> str:
    return f"{number:064x}"


def upload(name: str, action: Action) -> Change:
    address = Address.of("upload", "manual", key=f"{name}/openai/document")
    spec = {"document": name, "sha256": sha(1), "bytes": 3, "format": "document"}
    after = Resource(address=address, provider="openai", spec=spec, parent=BASE)
    before = Instance(
        address=address, provider="openai", account=ACCOUNT, id="file-1", spec=spec, parent=BASE
    )
    return Change(
        address=address,
        provider="openai",
        action=action,
        cause=Cause.NEW if action is Action.CREATE else Cause.REMOVED,
        before=None if action is Action.CREATE else before,
        after=None if action is Action.DELETE else after,
        doomed=None if action is Action.CREATE else before,
        parent=BASE,
    )


def plan(before: dict[str, str] | None, after: dict[str, str], *files: Change) -> Plan:
    old = None
    if before is not None:
        old = Instance(
            address=BASE,
            provider="openai",
            account=ACCOUNT,
            id="vs_1",
            spec={"documents": before, "retrieval": {"top_k": 5}},
        )
    new = Resource(
        address=BASE, provider="openai", spec={"documents": after, "retrieval": {"top_k": 5}}
    )
    change = Change(
        address=BASE,
        provider="openai",
        action=Action.CREATE if old is None else Action.UPDATE,
        cause=Cause.NEW if old is None else Cause.CHANGED,
        before=old,
        after=new,
        deltas=deltas(old.spec if old is not None else {}, new.spec),
    )
    return Plan(lineage=LINEAGE, serial=1, project="x", env="default", changes=(*files, change))


def test_each_document_has_its_sign_what_goes_first():
    shown = plan_text(
        plan(
            {"docs/a.md": sha(1), "docs/b.md": sha(2), "docs/żółw.md": sha(3)},
            {"docs/a.md": sha(9), "docs/żółw.md": sha(3), "docs/новый.md": sha(4)},
            upload("docs/a.md", Action.REPLACE),
            upload("docs/новый.md", Action.CREATE),
            upload("docs/b.md", Action.DELETE),
        )
    )
    assert "documents: 1 added, 1 changed, 1 removed" in shown
    signed = [line.strip() for line in shown.splitlines() if " docs/" in line]
    assert signed == ["- docs/b.md", "~ docs/a.md", "+ docs/новый.md"]
    assert "files at the provider: 2 sent, 2 deleted" in shown
    assert "upload.manual" not in shown
    assert sha(9)[-12:] not in shown


def test_many_documents_are_counted():
    many = {f"docs/{n:04}.md": sha(n) for n in range(5000)}
    files = [upload(name, Action.CREATE) for name in many]
    shown = plan_text(plan(None, many, *files))
    assert "documents: 5000 added" in shown
    assert shown.count("+ docs/") == SHOWN
    assert f"and {5000 - SHOWN} more" in shown
    assert len(shown.splitlines()) < SHOWN + 25


def test_a_reviewer_reads_of_the_documents_beside_the_knowledge_base():
    shown = plan_markdown(
        plan({"docs/b.md": sha(2)}, {"docs/c.md": sha(1)}, upload("docs/b.md", Action.DELETE))
    )
    table = shown.partition("<details>")[0].partition("```")[0]
    assert "documents: 1 added, 1 removed" in table
    assert "upload.manual" not in table
    assert "CAUTION" not in table


def test_a_name_cannot_paint_the_terminal_or_be_endless():
    shown = plan_text(plan(None, {"docs/\x1b[31m" + "a" * 500 + ".md": sha(1)}))
    assert "\x1b" not in shown
    assert max(map(len, shown.splitlines())) < 200


def test_a_file_whose_knowledge_base_is_not_in_the_plan_is_shown_by_itself():
    alone = Plan(
        lineage=LINEAGE,
        serial=1,
        project="x",
        env="default",
        changes=(upload("docs/b.md", Action.DELETE),),
    )
    assert 'upload.manual["docs/b.md/openai/document"]' in plan_text(alone)
