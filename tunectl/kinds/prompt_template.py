"""`prompt_template`: the sections of a prompt, with typed inputs."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from tunectl.kinds.declared import Declared
from tunectl.kinds.values import Fields, Name, Reference, problem

InputType = Literal["string", "integer", "number", "boolean"]


class Input(Fields):
    """One value that the application gives."""

    type: InputType = Field(default="string", description="The type of the value.")
    description: str = Field(default="", description="What it is, for people.")
    default: Any = Field(default=None, description="Used when the application gives none.")
    max_chars: int | None = Field(
        default=None, ge=1, description="The longest text that is taken, in characters."
    )

    @model_validator(mode="after")
    def _max_chars_needs_text(self) -> Self:
        if self.max_chars is not None and self.type != "string":
            raise problem("sets `max_chars`, which only a `string` has", "remove it")
        return self


class Section(Fields):
    """One piece of the prompt."""

    id: Name = Field(description="Its name in diffs and reports.")
    role: Literal["system", "user", "assistant", "examples"] = Field(
        description="Whose words they are; `examples` makes pairs of question and answer."
    )
    template: str | None = Field(
        default=None, description="A Jinja template over the inputs: `{{ question }}`."
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
    select: Literal["fixed", "seeded"] | None = Field(
        default=None, description="The first rows, or the same seeded choice each time."
    )
    seed: int | None = Field(default=None, ge=0, description="Only for `select: seeded`.")

    @model_validator(mode="after")
    def _fits_its_role(self) -> Self:
        if self.role == "examples":
            return self._is_examples()
        for field in ("examples", "max", "select", "seed"):
            if getattr(self, field) is not None:
                raise problem(f"sets `{field}`, which only `role: examples` has", "remove it")
        if self.template is None and self.template_file is None:
            raise problem("needs `template:` or `template_file:`", "add `template: …`")
        if self.template is not None and self.template_file is not None:
            raise problem("has both `template:` and `template_file:`", "keep one of them")
        return self

    def _is_examples(self) -> Self:
        if self.template is not None or self.template_file is not None:
            raise problem(
                "has a template, and `role: examples` has none",
                "write `examples: dataset.NAME.SPLIT`",
            )
        if self.examples is None:
            raise problem("needs `examples:`", "name the rows: `examples: dataset.NAME.train`")
        if self.seed is not None and self.select != "seeded":
            raise problem("sets `seed` without `select: seeded`", "add it, or remove `seed`")
        return self


def _input(value: object) -> object:
    return {"type": value} if isinstance(value, str) else value


class PromptTemplate(Declared):
    """What is said to a model around the user's words. Belongs to no provider."""

    builtin: ClassVar[bool] = True
    outputs: ClassVar[tuple[str, ...]] = ("version", "path")
    main_output: ClassVar[str | None] = "path"
    compared: ClassVar[tuple[str, ...]] = ("model", "base_url", "inputs", "sections", "version")

    model: Reference = Field(
        description="`endpoint.NAME`, `tuning_job.NAME`, or the id of a model."
    )
    inputs: dict[
        Name, Annotated[Input, BeforeValidator(_input, json_schema_input_type=Input | InputType)]
    ] = Field(
        default_factory=dict,
        description="The values the application gives; `question: string` is short for its type.",
    )
    sections: list[Section] = Field(min_length=1, description="The pieces of the prompt, in order.")

    @model_validator(mode="after")
    def _section_ids_differ(self) -> Self:
        seen: set[str] = set()
        for section in self.sections:
            if section.id in seen:
                raise problem(f"has two sections called `{section.id}`", "rename one of them")
            seen.add(section.id)
        return self
