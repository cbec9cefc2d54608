"""The tests of a prompt template: values in, and what the prompt must then say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunectl.prompts.errors import PromptError
from tunectl.prompts.lint import Finding
from tunectl.prompts.prompt import Prompt
from tunectl.prompts.samples import offline


def failures(prompt: Prompt, test: Mapping[str, Any]) -> list[Finding]:
    """Return what one test does not find as it expects it; nothing when it passes.

    Args:
        prompt: the prompt.
        test: `{name, inputs, profile, history, documents, expect}` as it is declared.
    """
    name, expected = test.get("name") or "", test.get("expect") or {}

    def failed(message: str) -> Finding:
        return Finding("test", "E", "", f"test `{name}`: {message}")

    try:
        rendered = offline(prompt, 0).render(
            profile=test.get("profile") or ({} if prompt.memory else None),
            history=list(test.get("history") or ()),
            documents=list(test.get("documents") or ()),
            **(test.get("inputs") or {}),
        )
    except PromptError as error:
        return [failed(str(error))]
    text = "\n".join(one.text for one in rendered.messages)
    found = [
        failed(f"the prompt does not contain `{wanted}`")
        for wanted in _texts(expected.get("contains"))
        if wanted not in text
    ]
    found += [
        failed(f"the prompt contains `{unwanted}`")
        for unwanted in _texts(expected.get("not_contains"))
        if unwanted in text
    ]
    most = expected.get("max_prompt_tokens")
    if most is not None and rendered.tokens > most:
        found.append(failed(f"the prompt has {rendered.tokens} tokens; {most} may be"))
    return found


def _texts(given: Any) -> list[str]:  # noqa: ANN401  # one text or several
    return [given] if isinstance(given, str) else list(given or ())
