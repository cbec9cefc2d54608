"""Provider type `vertex`: Google Vertex AI."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tunectl.kinds.provider import AnyProvider, Url, VariableName
from tunectl.kinds.values import form

_LOCATION = form(
    r"^[a-z][a-z0-9-]*$", "the name of a location of Google Cloud", "such as `europe-west4`"
)
_STAGING = form(
    r"^gs://[a-z0-9][a-z0-9._-]+[a-z0-9](/.*)?$",
    "a bucket of Cloud Storage, with or without a folder",
    "such as `gs://acme-tuning/rows`",
)


class VertexProvider(AnyProvider):
    """Google Vertex AI, with Cloud Storage. Credentials are Google's application default ones."""

    type: Literal["vertex"] = Field(default="vertex", description="The provider's type.")
    project: str = Field(min_length=1, description="The Google Cloud project, by id or number.")
    location: str = Field(
        min_length=1,
        pattern=_LOCATION,
        description="Where jobs run: `us-central1`, `europe-west4`, `global`.",
    )
    staging: str | None = Field(
        default=None,
        pattern=_STAGING,
        description="The bucket that training data goes through, with or without a folder.",
    )
    concurrent_jobs: int | None = Field(
        default=None,
        ge=1,
        le=100,
        description="Most tuning jobs of a project that run at once; 1 unless the quota is more.",
    )
    endpoint: Url | None = Field(
        default=None,
        description="Where Vertex AI answers instead of at Google's own hosts (private access).",
    )
    storage_endpoint: Url | None = Field(
        default=None, description="Where Cloud Storage answers instead of at Google's own host."
    )
    hugging_face_token_env: VariableName | None = Field(
        default=None,
        description=(
            "The variable that holds a token of Hugging Face, for open models that are given only "
            "to those who have one."
        ),
    )
    timeout: int | None = Field(default=None, ge=1, description="Seconds to wait for one answer.")
