"""`knowledge_base`: documents that are searched for what belongs to a question."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from tunectl.kinds.declared import Remote
from tunectl.kinds.knowledge_store import StorageFields
from tunectl.kinds.reading import problem
from tunectl.kinds.time import Duration
from tunectl.kinds.values import Fields, Texts

Mode = Literal["hybrid", "keywords", "embeddings"]


class ChunkingFields(Fields):
    """The passages into which documents are cut, which are what a search finds."""

    size: int | None = Field(default=None, ge=1, description="The longest passage, in tokens.")
    overlap: int | None = Field(
        default=None,
        ge=0,
        description="Tokens that a passage repeats of the one before; at most half of `size`.",
    )

    @model_validator(mode="after")
    def _advances(self) -> Self:
        if self.size is not None and self.overlap is not None and self.overlap * 2 > self.size:
            raise problem(
                f"has an overlap of {self.overlap} in passages of {self.size} tokens",
                f"at most half: {self.size // 2}",
            )
        return self


class EmbeddingFields(Fields):
    """What turns a text into numbers that are near for texts that mean the same."""

    model: str = Field(
        min_length=1,
        description=(
            "At `local`: `multilingual-e5-small`, `use-multilingual`, or `none` for keywords "
            "alone; elsewhere an id of the provider's own, where it lets one choose."
        ),
    )


class RetrievalFields(Fields):
    """How many passages a search gives, and how it looks for them."""

    top_k: int = Field(default=5, ge=1, le=50, description="At most so many passages.")
    min_score: float = Field(
        default=0.0,
        ge=0.0,
        le=1.0,
        description="Passages that score less are left out; each provider has its own scale.",
    )
    mode: Mode = Field(
        default="hybrid",
        description="By keywords and by meaning, or by one of them; only `local` lets one choose.",
    )


def _embedding(value: object) -> object:
    return {"model": value} if isinstance(value, str) else value


class KnowledgeBase(Remote, StorageFields):
    """Documents that are searched for what belongs to a question."""

    importable: ClassVar[bool] = False
    outputs: ClassVar[tuple[str, ...]] = ("id", "search", "documents")
    main_output: ClassVar[str | None] = "id"
    compared: ClassVar[tuple[str, ...]] = (
        "documents",
        "description",
        "chunking",
        "embedding",
        "retrieval",
        "expires_when_idle",
        "storage",
        "role_arn",
    )

    sources: Texts = Field(
        min_length=1,
        description=(
            "The documents: files and patterns inside the project (`docs/*.md`), `gs://…`, "
            "`s3://…`. Text, Markdown, HTML and the like; no PDF."
        ),
    )
    description: str | None = Field(
        default=None,
        min_length=1,
        max_length=500,
        description="What it knows, for people. Changing only it waits for the next new one.",
    )
    chunking: ChunkingFields = Field(
        default_factory=ChunkingFields, description="How documents are cut into passages."
    )
    embedding: (
        Annotated[
            EmbeddingFields,
            BeforeValidator(_embedding, json_schema_input_type=EmbeddingFields | str),
        ]
        | None
    ) = Field(
        default=None,
        description="The model of meaning; `embedding: none` is short for its `model`.",
    )
    retrieval: RetrievalFields = Field(
        default_factory=RetrievalFields,
        description="How it is searched, unless a prompt says otherwise.",
    )
    expires_when_idle: Duration | None = Field(
        default=None,
        description=(
            "Let the provider delete it when nobody searched it for so long: `30d`. Only where "
            "the provider does that; `expires_after` counts from the creation."
        ),
    )

    @model_validator(mode="after")
    def _names_sources(self) -> Self:
        if any(not source.strip() for source in self.sources):
            raise problem("has an empty source", "write `sources: [docs/*.md]`")
        return self
