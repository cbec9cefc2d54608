"""Artefacts for tests, as `apply` writes them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tunectl.prompts import Prompt, prompt_of
from tunectl.prompts.artefact import sha256_of

VOLATILITY = {
    "profile": "per_user",
    "history": "per_conversation",
    "documents": "per_turn",
    "user": "per_turn",
}
PROFILE = {
    "name": {"type": "string", "max_chars": 80, "personal": True, "inject": True},
    "language": {"type": "string", "one_of": ["pl", "ru", "en"], "inject": True},
    "vip": {"type": "boolean", "inject": False},
}
ASK = {"id": "ask", "role": "user", "template": "{{ question }}"}


def section(name: str, role: str, **fields: Any) -> dict[str, Any]:
    return {"id": name, "role": role, "volatility": VOLATILITY.get(role, "static"), **fields}


def tree(*sections: dict[str, Any], **fields: Any) -> dict[str, Any]:
    made = [{**section(one["id"], one["role"]), **one} for one in sections]
    return {
        "format": 2,
        "name": "support",
        "version": "abc",
        "model": "gpt-4o-mini",
        "base_url": None,
        "dialect": "openai",
        "inputs": {"question": {"type": "string", "max_chars": 4000}},
        "partials": {},
        "sections": made,
        "budget": {"context_tokens": None, "reserve_output": 1024},
        "output": None,
        "cache": None,
        "citations": False,
        "memory": {"name": "customers", "store": {"file": "memory.db"}, "profile": PROFILE},
        "knowledge": {},
        **fields,
    }


def written(tree: Mapping[str, Any]) -> str:
    """The text of an artefact's file."""
    return json.dumps({**tree, "sha256": sha256_of(tree)}, ensure_ascii=False)


def prompt(*sections: dict[str, Any], root: Path = Path(), **fields: Any) -> Prompt:
    loading = {
        k: fields.pop(k) for k in ("searchers", "memory_", "summarise", "count") if k in fields
    }
    if "memory_" in loading:
        loading["memory"] = loading.pop("memory_")
    return prompt_of(tree(*sections, **fields), root=root, **loading)


def turns(number: int, text: str = "Pytanie") -> list[dict[str, str]]:
    return [
        message
        for at in range(number)
        for message in (
            {"role": "user", "content": f"{text} {at}?"},
            {"role": "assistant", "content": f"Odpowiedź {at}."},
        )
    ]
