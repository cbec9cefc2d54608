"""Every provider type that can be declared without a plugin, one model each."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from tunectl.kinds.provider import AnyProvider, LocalProvider, OpenAIProvider
from tunectl.kinds.provider_anthropic import AnthropicProvider
from tunectl.kinds.provider_bedrock import BedrockProvider
from tunectl.kinds.provider_langfuse import LangfuseProvider
from tunectl.kinds.provider_tunectl import TunectlProvider
from tunectl.kinds.provider_vertex import VertexProvider

PROVIDERS: Mapping[str, type[AnyProvider]] = MappingProxyType(
    {
        "local": LocalProvider,
        "tunectl": TunectlProvider,
        "openai": OpenAIProvider,
        "vertex": VertexProvider,
        "anthropic": AnthropicProvider,
        "bedrock": BedrockProvider,
        "langfuse": LangfuseProvider,
    }
)
