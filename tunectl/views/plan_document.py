"""The shape of the JSON plan. The schema is made from these types, so the two cannot differ.

Terraform's format 1.2 is followed where the thing exists there (`hashicorp/terraform`
`internal/command/jsonplan/plan.go`, read 2026-11), so that policies and bots written for it read
this. Version rule: a minor version adds keys and readers ignore unknown ones; a major version is
rejected by readers that do not know it.
"""

from __future__ import annotations

from typing import Any, NotRequired

from typing_extensions import TypedDict

from tunectl.views.money_shapes import Cost, TokenChange
from tunectl.views.prompt_diff import PromptChange

FORMAT_VERSION = "1.0"


class ChangeBody(TypedDict):
    """Before and after.

    What is known only after apply is left out of `after`, and true in `after_unknown`.
    """

    actions: list[str]
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    after_unknown: dict[str, Any]
    before_sensitive: bool | dict[str, Any]
    after_sensitive: bool | dict[str, Any]
    replace_paths: NotRequired[list[list[str]]]
    importing: NotRequired[dict[str, str]]


class ConfigSource(TypedDict):
    """Where a resource is declared."""

    file: str
    line: int
    column: int


class RowChange(TypedDict):
    """How the rows of one split of a dataset changed; no text of a row."""

    split: str
    added: int
    removed: int
    changed: int
    lines: list[str]


class CopiedFrom(TypedDict):
    """The object of another account that the new one is a copy of."""

    environment: str
    account: str
    id: str


class ResourceChange(TypedDict):
    """One line of the plan."""

    address: str
    previous_address: NotRequired[str]
    mode: str
    type: str
    name: str
    index: NotRequired[str]
    provider_name: str
    action_reason: str
    change: ChangeBody
    id: NotRequired[str]
    deletes_id: NotRequired[str]
    keeps_id: NotRequired[str]
    forgets_id: NotRequired[str]
    reused_from_environment: NotRequired[str]
    copied_from: NotRequired[CopiedFrom]
    approved_by: NotRequired[str]
    fingerprint: NotRequired[str]
    parent: NotRequired[str]
    needs: NotRequired[list[str]]
    rows: NotRequired[list[RowChange]]
    notes: NotRequired[list[str]]
    cost: NotRequired[Cost]
    saves: NotRequired[Cost]
    tokens: NotRequired[TokenChange]
    prompt: NotRequired[PromptChange]
    config_source: NotRequired[ConfigSource]


class OutputBody(TypedDict):
    """One output; sensitive values are null."""

    actions: list[str]
    before: Any
    after: NotRequired[Any]
    after_unknown: bool
    before_sensitive: bool
    after_sensitive: bool


class BlockedResource(TypedDict):
    """A resource that waits for a person."""

    address: str
    reason: str
    hint: NotRequired[str]
    by: NotRequired[str]


class Note(TypedDict):
    """Something noticed that changes nothing."""

    address: str
    message: str


class Recovery(TypedDict):
    """A step an interrupted apply left open."""

    op: str
    action: str
    address: str
    id: NotRequired[str]
    time: NotRequired[str]


# The functional form, because `import` is a keyword.
Summary = TypedDict(
    "Summary",
    {"import": int, "add": int, "change": int, "remove": int, "forget": int, "message": str},
)


class PlanDocument(TypedDict):
    """What `tunectl plan --format json` and `tunectl show --format json PLANFILE` print."""

    format_version: str
    tunectl_version: str
    project: str
    environment: str
    lineage: str
    serial: int
    digest: str
    accounts: dict[str, str]
    applyable: bool
    complete: bool
    errored: bool
    destroy: bool
    refresh_only: bool
    partial: bool
    summary: Summary
    cost: NotRequired[list[Cost]]
    resource_changes: list[ResourceChange]
    output_changes: dict[str, OutputBody]
    resource_drift: list[ResourceChange]
    blocked: list[BlockedResource]
    notes: list[Note]
    recorded_only: list[Note]
    recover: list[Recovery]
    unchanged: int
    diagnostics: list[dict[str, Any]]


def schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of the JSON plan."""
    from pydantic import TypeAdapter  # only who asks for the schema pays for it

    made = TypeAdapter(PlanDocument).json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "tunectl JSON plan",
        **{key: item for key, item in made.items() if key != "title"},
    }
