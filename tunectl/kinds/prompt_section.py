"""One section of a prompt template: whose words they are, how much room they have."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from tunectl.catalog.volatility import Volatility
from tunectl.kinds.reading import problem
from tunectl.kinds.values import Fields, Name, Reference

Role = Literal["system", "user", "assistant", "examples", "profile", "history", "documents"]
Overflow = Literal[
    "error",
    "drop_oldest_turns",
    "keep_ends",
    "truncate_middle",
    "drop_lowest_score",
    "summarize",
]

TEXT_ROLES = frozenset({"system", "user", "assistant"})
SINGLE_ROLES = frozenset({"profile", "history"})

# Fields of one role, or of a few; every other field is for all of them.
_ONLY: Mapping[str, frozenset[str]] = {
    "examples": frozenset({"examples"}),
    "max": frozenset({"examples"}),
    "select": frozenset({"examples"}),
    "seed": frozenset({"examples"}),
    "knowledge_base": frozenset({"documents"}),
    "top_k": frozenset({"documents"}),
    "min_score": frozenset({"documents"}),
    "query": frozenset({"documents", "examples"}),
    "query_turns": frozenset({"documents", "examples"}),
    "as_": frozenset({"profile", "documents"}),
    "keep_first": frozenset({"history"}),
    "keep_last": frozenset({"history"}),
    "summarize_by": frozenset({"history"}),
    "wrap": frozenset({"system", "user", "assistant", "profile", "documents"}),
}

_RULES: Mapping[str, tuple[str, ...]] = {
    "system": ("error", "truncate_middle"),
    "user": ("error", "truncate_middle"),
    "assistant": ("error", "truncate_middle"),
    "profile": ("error", "truncate_middle"),
    "examples": ("error",),
    "history": ("error", "drop_oldest_turns", "keep_ends", "truncate_middle", "summarize"),
    "documents": ("error", "drop_lowest_score"),
}

_TAG = re.compile(r"[^\W\d]\w*(?:[.-]\w+)*")


def _tag(value: object) -> object:
    if not isinstance(value, str) or not _TAG.fullmatch(value) or value.lower().startswith("xml"):
        raise problem("must be the name of an XML tag", "such as `wrap: instructions`")
    return value


Tag = Annotated[
    str,
    BeforeValidator(_tag),
    WithJsonSchema({"type": "string", "pattern": r"^[^\W\d]\w*([.-]\w+)*$"}),
]


class SectionCache(Fields):
    """How far providers may remember the prompt."""

    breakpoint: bool = Field(
        default=False, description="What stands up to here is the same again and again: cache it."
    )


class Section(Fields):
    """One piece of the prompt."""

    id: Name = Field(description="Its name in diffs and reports.")
    role: Role = Field(
        description=(
            "Whose words they are. `examples` makes pairs of question and answer; `profile` says "
            "what is known of the user, `history` the conversation so far, `documents` what was "
            "found in a knowledge base."
        )
    )
    template: str | None = Field(
        default=None,
        description=(
            "A Jinja template over the inputs: `{{ question }}`; of `profile` over `profile`, of "
            "`documents` over `documents`."
        ),
    )
    template_file: str | None = Field(
        default=None, min_length=1, description="The template in a file inside the project."
    )
    examples: Reference | None = Field(
        default=None, description="`dataset.NAME.SPLIT` the examples are taken from."
    )
    max: int | None = Field(
        default=None, ge=1, description="At most so many examples; 4 if not set."
    )
    select: Literal["fixed", "seeded", "nearest"] | None = Field(
        default=None,
        description=(
            "The first rows, the same seeded choice each time, or the rows nearest to `query`."
        ),
    )
    seed: int | None = Field(default=None, ge=0, description="Only for `select: seeded`.")
    knowledge_base: Reference | None = Field(
        default=None, description="`knowledge_base.NAME` the documents are searched in."
    )
    query: str | None = Field(
        default=None,
        min_length=1,
        description=(
            "What is searched for, a template over the inputs. Not needed where the template has "
            "just one input of type `string`."
        ),
    )
    query_turns: int | None = Field(
        default=None,
        ge=1,
        le=20,
        description=(
            "What the user said in so many last turns is searched for too: `{{ history }}` in "
            "`query`, which begins with it where it is left out. If not set, nothing of it is."
        ),
    )
    top_k: int | None = Field(
        default=None, ge=1, le=100, description="At most so many passages; 5 if not set."
    )
    min_score: float | None = Field(
        default=None, ge=0, description="Passages with a lower score are left out."
    )
    volatility: Volatility | None = Field(
        default=None,
        description=(
            "How often it changes. By default `static`; `per_user` for `profile`, "
            "`per_conversation` for `history`, `per_turn` for `documents`, for nearest examples "
            "and for `user`."
        ),
    )
    max_tokens: int | None = Field(
        default=None, ge=1, description="The most tokens it may have; see `overflow`."
    )
    overflow: Overflow | None = Field(
        default=None, description="What happens beyond `max_tokens`; `error` if not set."
    )
    keep_first: int | None = Field(
        default=None, ge=0, description="Turns kept from the beginning; only for `keep_ends`."
    )
    keep_last: int | None = Field(
        default=None, ge=1, description="Turns kept up to now; only for `keep_ends`."
    )
    summarize_by: Reference | None = Field(
        default=None,
        description="`endpoint.NAME`, `tuning_job.NAME` or the id of the model that sums up.",
    )
    wrap: Tag | None = Field(
        default=None, description="An XML tag around it; what comes from users cannot close it."
    )
    as_: Literal["system", "user"] | None = Field(
        default=None,
        alias="as",
        description="Whose words they count as: by default a profile `system`, documents `user`.",
    )
    cache: SectionCache | None = Field(default=None, description="Where the cached part ends.")

    @model_validator(mode="after")
    def _fits_its_role(self) -> Self:
        for field, roles in _ONLY.items():
            if getattr(self, field) is not None and self.role not in roles:
                named = " or ".join(f"`role: {role}`" for role in sorted(roles, reverse=True))
                if len(roles) > 2:
                    raise problem(
                        f"sets `{field}`, which `role: {self.role}` does not have", "remove it"
                    )
                name = field.rstrip("_")
                raise problem(f"sets `{name}`, which only {named} has", "remove it")
        self._check_template()
        if self.role == "examples":
            self._check_examples()
        if self.role == "documents" and self.knowledge_base is None:
            raise problem("needs `knowledge_base:`", "name where to search: `knowledge_base.NAME`")
        self._check_overflow()
        return self

    def _check_template(self) -> None:
        both = self.template is not None and self.template_file is not None
        none = self.template is None and self.template_file is None
        if self.role in {"examples", "history"} and not none:
            hint = (
                "write `examples: dataset.NAME.SPLIT`"
                if self.role == "examples"
                else "the conversation is sent as it was"
            )
            raise problem(f"has a template, and `role: {self.role}` has none", hint)
        if both:
            raise problem("has both `template:` and `template_file:`", "keep one of them")
        if none and self.role in TEXT_ROLES:
            raise problem("needs `template:` or `template_file:`", "add `template: …`")

    def _check_examples(self) -> None:
        if self.examples is None:
            raise problem("needs `examples:`", "name the rows: `examples: dataset.NAME.train`")
        if self.seed is not None and self.select != "seeded":
            raise problem("sets `seed` without `select: seeded`", "add it, or remove `seed`")
        if self.query is not None and self.select != "nearest":
            raise problem("sets `query` without `select: nearest`", "add it, or remove `query`")
        if self.query_turns is not None and self.select != "nearest":
            raise problem(
                "sets `query_turns` without `select: nearest`", "add it, or remove `query_turns`"
            )

    def _check_overflow(self) -> None:
        rule = self.overflow or "error"
        rules = _RULES[self.role]
        if rule not in rules:
            known = ", ".join(f"`{one}`" for one in rules)
            raise problem(
                f"sets `overflow: {rule}`, which does not fit `role: {self.role}`",
                f"it can be {known}",
            )
        if self.overflow is not None and self.max_tokens is None:
            raise problem(
                "sets `overflow` without `max_tokens`", "add the limit: `max_tokens: 4000`"
            )
        self._check_kept(rule)
        if (rule == "summarize") != (self.summarize_by is not None):
            if self.summarize_by is None:
                raise problem(
                    "needs `summarize_by:`", "name a model: `summarize_by: endpoint.NAME`"
                )
            raise problem(
                "sets `summarize_by` without `overflow: summarize`", "add it, or remove the model"
            )

    def _check_kept(self, rule: str) -> None:
        kept = (self.keep_first, self.keep_last)
        if rule == "keep_ends" and kept == (None, None):
            raise problem("needs `keep_first:` or `keep_last:`", "such as `keep_last: 6`")
        if rule != "keep_ends" and kept != (None, None):
            raise problem(
                "sets `keep_first` or `keep_last` without `overflow: keep_ends`",
                "add it, or remove them",
            )
