"""`providers: {langfuse: {}}`: a project at Langfuse, which keeps prompts and answers nothing."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tunectl.kinds.provider import AnyProvider, Url, VariableName


class LangfuseProvider(AnyProvider):
    """Langfuse, in its cloud or hosted by oneself: a place to publish prompts to."""

    type: Literal["langfuse"] = Field(default="langfuse", description="The provider's type.")
    base_url: Url | None = Field(
        default=None,
        description="Where it is; without it `LANGFUSE_BASE_URL`, else Langfuse's cloud in the EU. "
        "In the US it is `https://us.cloud.langfuse.com`.",
    )
    public_key_env: VariableName | None = Field(
        default=None,
        description="The environment variable that holds the public key; without it "
        "`LANGFUSE_PUBLIC_KEY`.",
    )
    secret_key_env: VariableName | None = Field(
        default=None,
        description="The environment variable that holds the secret key; without it "
        "`LANGFUSE_SECRET_KEY`.",
    )
    timeout: int | None = Field(default=None, ge=1, description="Seconds to wait for one answer.")
