"""`providers: {claude: {type: anthropic}}`: Claude over Anthropic's own API."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tunectl.kinds.provider import AnyProvider, Url, VariableName


class AnthropicProvider(AnyProvider):
    """Anthropic's API: it answers and has no tuning, so no `tuning_job` belongs there."""

    type: Literal["anthropic"] = Field(default="anthropic", description="The provider's type.")
    key_env: VariableName | None = Field(
        default=None,
        description="The environment variable that holds the key; without it `ANTHROPIC_API_KEY`, "
        "then what the SDK finds: a profile or workload identity.",
    )
    base_url: Url | None = Field(default=None, description="Where the service is.")
    workspace: str | None = Field(
        default=None,
        min_length=1,
        description="The workspace's id, for credentials that reach several.",
    )
    timeout: int | None = Field(default=None, ge=1, description="Seconds to wait for one answer.")
