"""`prompt_template`: the sections of a prompt, with typed inputs, limits, output and tests."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from tunectl.kinds.declared import Declared
from tunectl.kinds.prompt_section import SINGLE_ROLES, Section
from tunectl.kinds.publication import Publish
from tunectl.kinds.reading import problem
from tunectl.kinds.values import Fields, Name, Reference, Texts

InputType = Literal["string", "integer", "number", "boolean", "list"]

# What a template or a call of the application means by these names is ours to say.
RESERVED: Mapping[str, str] = {
    "user": "who asks",
    "session": "the conversation",
    "profile": "what is known of the user",
    "history": "the conversation so far",
    "documents": "what was found",
    "examples": "the examples",
}

_OUTPUT = re.compile(r"[A-Za-z0-9_-]{1,64}")
_TEXTS = frozenset({"string", "list"})


class Input(Fields):
    """One value that the application gives."""

    type: InputType = Field(
        default="string", description="The type of the value; a `list` is one of texts."
    )
    description: str = Field(default="", description="What it is, for people.")
    default: Any = Field(default=None, description="Used when the application gives none.")
    max_chars: int | None = Field(
        default=None,
        ge=1,
        description="The longest text that is taken, in characters; of a `list`, of each text.",
    )
    one_of: list[str] | list[int] | None = Field(
        default=None, min_length=1, description="The values there are; of a `list`, of its texts."
    )

    @model_validator(mode="after")
    def _fits_its_type(self) -> Self:
        if self.max_chars is not None and self.type not in _TEXTS:
            raise problem("sets `max_chars`, which only a `string` has", "remove it")
        if self.one_of is None:
            return self
        if self.type not in _TEXTS | {"integer"}:
            raise problem(f"sets `one_of`, which a `{self.type}` does not have", "remove it")
        wanted: type = int if self.type == "integer" else str
        if not all(isinstance(one, wanted) for one in self.one_of):
            raise problem(
                f"has a value under `one_of` that is no {self.type}",
                "write numbers for an `integer` and texts for the others",
            )
        return self


class PromptBudget(Fields):
    """How much all of it may be."""

    context_tokens: Annotated[int, Field(ge=1)] | Literal["auto"] = Field(
        default="auto",
        description="What the model takes at once; `auto` is what the catalogue knows of it.",
    )
    reserve_output: int = Field(
        default=1024,
        ge=1,
        description=(
            "Tokens of that which are kept free for the answer, as many as `max_output` where that "
            "is set."
        ),
    )
    max_output: int | None = Field(
        default=None,
        ge=1,
        description="The longest answer, in tokens: services are told to end it there.",
    )

    @property
    def kept_free(self) -> int:
        """Tokens for the answer: what is said, or what the longest one takes."""
        if self.max_output is not None and "reserve_output" not in self.model_fields_set:
            return self.max_output
        return self.reserve_output

    @model_validator(mode="after")
    def _leaves_room(self) -> Self:
        if self.max_output is not None and self.max_output > self.kept_free:
            raise problem(
                "keeps less free for the answer than `max_output` allows it",
                "raise `reserve_output`, or leave it out: it is then `max_output`",
            )
        if isinstance(self.context_tokens, int) and self.kept_free >= self.context_tokens:
            name = "reserve_output" if self.kept_free == self.reserve_output else "max_output"
            raise problem(
                "leaves no room for the prompt", f"`{name}` must be below `context_tokens`"
            )
        return self


def _output_name(value: object) -> object:
    if not isinstance(value, str) or not _OUTPUT.fullmatch(value):
        raise problem(
            "must be at most 64 letters (a-z), digits, `_` and `-`", "such as `name: answer`"
        )
    return value


class PromptOutput(Fields):
    """What the answer must look like."""

    format: Literal["json"] = Field(default="json", description="JSON that fits the schema.")
    schema_: dict[str, Any] | None = Field(
        default=None, alias="schema", description="The JSON Schema of the answer."
    )
    schema_file: str | None = Field(
        default=None, min_length=1, description="The schema in a file inside the project."
    )
    name: Annotated[
        str,
        BeforeValidator(_output_name),
        WithJsonSchema({"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$"}),
    ] = Field(default="answer", description="What providers call the schema.")

    @model_validator(mode="after")
    def _has_one_schema(self) -> Self:
        if self.schema_ is None and self.schema_file is None:
            raise problem(
                "needs `schema:` or `schema_file:`", "such as `schema_file: answer.schema.json`"
            )
        if self.schema_ is not None and self.schema_file is not None:
            raise problem("has both `schema:` and `schema_file:`", "keep one of them")
        return self


class PromptCache(Fields):
    """How long providers remember what stands before the breakpoint."""

    ttl: Literal["5m", "1h"] = Field(default="5m", description="For how long.")


class TestTurn(Fields):
    """One message of a conversation in a test."""

    __test__: ClassVar[bool] = False  # for pytest: no test of ours

    role: Literal["user", "assistant"] = Field(description="Who said it.")
    content: str = Field(description="What was said.")


class TestDocument(Fields):
    """One passage in a test, as if it had been found."""

    __test__: ClassVar[bool] = False

    text: str = Field(description="The passage.")
    source: str = Field(default="", description="Where it stands.")
    title: str = Field(default="", description="The headings above it.")
    score: float = Field(default=0.0, description="How well it fits.")


class Expectation(Fields):
    """What must be true of a rendered prompt."""

    contains: Texts = Field(default_factory=list, description="Texts that must stand in it.")
    not_contains: Texts = Field(default_factory=list, description="Texts that must not.")
    max_prompt_tokens: int | None = Field(
        default=None, ge=1, description="The most tokens it may have."
    )

    @model_validator(mode="after")
    def _expects_something(self) -> Self:
        if not (self.contains or self.not_contains or self.max_prompt_tokens):
            raise problem("expects nothing", "add `contains: [...]`")
        return self


def _document(value: object) -> object:
    return {"text": value} if isinstance(value, str) else value


class PromptTest(Fields):
    """One test: values in, and what the prompt must say. Run by `tunectl prompt lint`."""

    name: str = Field(min_length=1, description="What it is about.")
    inputs: dict[Name, Any] = Field(default_factory=dict, description="The inputs.")
    profile: dict[Name, Any] = Field(
        default_factory=dict, description="What is known of the user: invented values."
    )
    history: list[TestTurn] = Field(default_factory=list, description="The conversation so far.")
    documents: list[
        Annotated[
            TestDocument, BeforeValidator(_document, json_schema_input_type=TestDocument | str)
        ]
    ] = Field(default_factory=list, description="Passages, as if they had been found.")
    expect: Expectation = Field(description="What must be true of it.")


def _input(value: object) -> object:
    return {"type": value} if isinstance(value, str) else value


class PromptTemplate(Declared):
    """What is said to a model around the user's words. Belongs to no provider."""

    builtin: ClassVar[bool] = True
    outputs: ClassVar[tuple[str, ...]] = ("version", "path")
    main_output: ClassVar[str | None] = "path"
    compared: ClassVar[tuple[str, ...]] = (
        "model",
        "base_url",
        "memory",
        "inputs",
        "sections",
        "partials",
        "budget",
        "output",
        "cache",
        "citations",
        "version",
    )

    model: Reference = Field(
        description="`endpoint.NAME`, `tuning_job.NAME`, or the id of a model."
    )
    memory: Reference | None = Field(
        default=None,
        description="`memory.NAME`, whose profile and history the sections show.",
    )
    inputs: dict[
        Name, Annotated[Input, BeforeValidator(_input, json_schema_input_type=Input | InputType)]
    ] = Field(
        default_factory=dict,
        description="The values the application gives; `question: string` is short for its type.",
    )
    sections: list[Section] = Field(min_length=1, description="The pieces of the prompt, in order.")
    budget: PromptBudget | None = Field(
        default=None, description="How much all of it may be; without it nobody looks."
    )
    output: PromptOutput | None = Field(
        default=None, description="What the answer must look like; without it free text."
    )
    cache: PromptCache | None = Field(
        default=None, description="How long providers remember the part that stays the same."
    )
    citations: bool = Field(
        default=False,
        description="Ask for the places in the documents that an answer rests on (Anthropic).",
    )
    tests: list[PromptTest] = Field(
        default_factory=list, description="Checked by `tunectl prompt lint`."
    )
    publish: list[Publish] = Field(
        default_factory=list,
        description="Where else the text is kept, for those who do not read the artefact.",
    )

    @model_validator(mode="after")
    def _is_one_prompt(self) -> Self:
        self._names_differ()
        self._roles_fit()
        if self.citations and self.output is not None:
            raise problem(
                "has both `citations: true` and `output:`",
                "a structured answer has no room for citations: keep one of them",
                ("citations",),
            )
        if self.citations and all(one.role != "documents" for one in self.sections):
            raise problem(
                "has `citations: true` and no documents",
                "add a section with `role: documents`",
                ("citations",),
            )
        return self

    def _names_differ(self) -> None:
        seen: set[str] = set()
        for at, section in enumerate(self.sections):
            if section.id in seen:
                raise problem(
                    f"has two sections called `{section.id}`",
                    "rename one of them",
                    ("sections", at, "id"),
                )
            seen.add(section.id)
        names: set[str] = set()
        for at, test in enumerate(self.tests):
            if test.name in names:
                raise problem(
                    f"has two tests called `{test.name}`",
                    "rename one of them",
                    ("tests", at, "name"),
                )
            names.add(test.name)
        for name in self.inputs:
            if name in RESERVED:
                raise problem(
                    f"has an input called `{name}`, which means {RESERVED[name]}",
                    f"rename it, such as `{name}_text`",
                    ("inputs", name),
                )

    def _roles_fit(self) -> None:
        for role in sorted(SINGLE_ROLES):
            places = [at for at, section in enumerate(self.sections) if section.role == role]
            found = [self.sections[at].id for at in places]
            if len(found) > 1:
                raise problem(
                    f"has two sections with `role: {role}`: `{found[0]}` and `{found[1]}`",
                    "keep one of them",
                    ("sections", places[1], "role"),
                )
            if found and role == "profile" and self.memory is None:
                raise problem(
                    "has a section with `role: profile` and no `memory:`",
                    "declare a `memory` and name it: `memory: memory.NAME`",
                    ("sections", places[0], "role"),
                )
