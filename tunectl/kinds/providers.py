"""Every provider type that can be declared without a plugin, one model each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tunectl.kinds.by_name import ModelsByName

if TYPE_CHECKING:
    from tunectl.kinds.provider import AnyProvider

PROVIDERS: ModelsByName[AnyProvider] = ModelsByName(
    {
        "local": "provider.LocalProvider",
        "tunectl": "provider_tunectl.TunectlProvider",
        "openai": "provider.OpenAIProvider",
        "vertex": "provider_vertex.VertexProvider",
        "anthropic": "provider_anthropic.AnthropicProvider",
        "bedrock": "provider_bedrock.BedrockProvider",
        "langfuse": "provider_langfuse.LangfuseProvider",
    }
)
