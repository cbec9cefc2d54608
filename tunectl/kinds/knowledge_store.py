"""Where the vectors of a knowledge base of Amazon Bedrock are kept."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from tunectl.kinds.reading import problem
from tunectl.kinds.values import Fields

_S3 = r"^arn:aws[-a-z]*:s3vectors:[a-z0-9-]+:[0-9]{12}:bucket/[a-z0-9.-]+/index/[a-z0-9.-]+$"
_OPENSEARCH = r"^arn:aws[-a-z]*:aoss:[a-z0-9-]+:[0-9]{12}:collection/[a-z0-9-]{3,32}$"
# Their names where Bedrock's own console makes the index (user guide, 2026-11).
_VECTOR, _TEXT = "bedrock-knowledge-base-default-vector", "AMAZON_BEDROCK_TEXT_CHUNK"
_METADATA = "AMAZON_BEDROCK_METADATA"


class S3VectorsFields(Fields):
    """An index of Amazon S3 Vectors that you made; it bills what it holds."""

    type: Literal["s3_vectors"] = Field(description="The kind of vector store.")
    arn: str = Field(pattern=_S3, description="The index: `arn:aws:s3vectors:…:bucket/…/index/…`.")
    keep_vectors: bool = Field(
        default=False, description="Leave the vectors in it when the knowledge base is deleted."
    )


class OpenSearchFields(Fields):
    """A collection of Amazon OpenSearch Serverless that you made; it bills by the hour."""

    type: Literal["opensearch"] = Field(description="The kind of vector store.")
    arn: str = Field(
        pattern=_OPENSEARCH, description="The collection: `arn:aws:aoss:…:collection/…`."
    )
    index: str = Field(min_length=1, description="The vector index in it.")
    vector_field: str = Field(
        default=_VECTOR, min_length=1, description="Its field of the vectors."
    )
    text_field: str = Field(default=_TEXT, min_length=1, description="Its field of the passages.")
    metadata_field: str = Field(
        default=_METADATA, min_length=1, description="Its field of what Bedrock notes."
    )
    keep_vectors: bool = Field(
        default=False, description="Leave the vectors in it when the knowledge base is deleted."
    )


class ManagedFields(Fields):
    """The service keeps the vectors itself and bills what it holds; nothing stays behind."""

    type: Literal["managed"] = Field(description="The kind of vector store.")


def _store(value: object) -> object:
    return {"type": value} if isinstance(value, str) else value


Store = Annotated[ManagedFields | S3VectorsFields | OpenSearchFields, Field(discriminator="type")]


class StorageFields(Fields):
    """The fields of a knowledge base that only a service of one cloud knows."""

    storage: (
        Annotated[
            Store,
            BeforeValidator(_store, json_schema_input_type=Store | Literal["managed"]),
        ]
        | None
    ) = Field(
        default=None,
        description=(
            "At `bedrock`: `managed` (the service keeps the vectors, and is the default), or an "
            "index of `s3_vectors` or of `opensearch` that exists. It is never deleted."
        ),
    )
    role_arn: str | None = Field(
        default=None,
        pattern=r"^arn:aws(-[^:]+)?:iam::([0-9]{12})?:role/.+$",
        description="At `bedrock`: the role that reads the documents; else the provider's.",
    )
    allow_rag_engine: bool = Field(
        default=False,
        description=(
            "At `vertex`: agree that RAG Engine may set up a database for the whole project "
            "(Cloud Spanner), which bills until somebody turns it off."
        ),
    )

    @model_validator(mode="after")
    def _one_cloud(self) -> Self:
        if self.allow_rag_engine and (self.storage is not None or self.role_arn is not None):
            raise problem(
                "mixes fields of `bedrock` and of `vertex`",
                "`storage` and `role_arn` are of Amazon Bedrock, `allow_rag_engine` of Vertex AI",
            )
        return self
