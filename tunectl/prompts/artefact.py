"""The compiled artefact that `apply` writes for each prompt template, turned into messages."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunectl.prompts.render import render_section

FORMAT = 1
FOLDER = Path(".tunectl") / "prompts"

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
}


class PromptError(ValueError):
    """An artefact or an input cannot be used; the message says which and why."""


@dataclass(frozen=True)
class Prompt:
    """One prompt template, ready to render. Immutable, so safe to share between threads.

    Attributes:
        name: the template's name in the declaration.
        version: its content hash.
        model: the model id to send the messages to.
        base_url: where that model answers; empty for a provider's own address.
        inputs: what `messages` takes: name to `{type, max_chars, default}`.
        sections: the compiled sections in order.
    """

    name: str
    version: str
    model: str
    base_url: str
    inputs: Mapping[str, Mapping[str, Any]]
    sections: Sequence[Mapping[str, Any]]

    def messages(self, **inputs: Any) -> list[dict[str, str]]:  # noqa: ANN401  # user's values
        """Render every section into chat messages (OpenAI's `role` and `content`).

        System sections that follow each other become one message.

        Raises:
            PromptError: an input is unknown, missing, of the wrong type or too long.
        """
        values = self._checked(inputs)
        found: list[dict[str, str]] = []
        for section in self.sections:
            for message in _messages(section, values):
                if found and found[-1]["role"] == message["role"] == "system":
                    found[-1]["content"] += "\n\n" + message["content"]
                else:
                    found.append(message)
        return found

    def _checked(self, given: Mapping[str, Any]) -> dict[str, Any]:
        unknown = sorted(set(given) - set(self.inputs))
        if unknown:
            known = ", ".join(f"`{name}`" for name in self.inputs) or "none"
            raise PromptError(f"prompt `{self.name}` has no input `{unknown[0]}`; it has {known}")
        values: dict[str, Any] = {}
        for name, rule in self.inputs.items():
            if name in given:
                values[name] = self._valid(name, given[name], rule)
            elif "default" in rule:
                values[name] = rule["default"]
            else:
                raise PromptError(f"prompt `{self.name}` needs the input `{name}`")
        return values

    def _valid(self, name: str, value: Any, rule: Mapping[str, Any]) -> Any:  # noqa: ANN401
        wanted = rule.get("type", "string")
        fits = isinstance(value, _TYPES[wanted])
        if not fits or (isinstance(value, bool) and wanted != "boolean"):
            raise PromptError(f"input `{name}` must be a {wanted}, not {type(value).__name__}")
        longest = rule.get("max_chars")
        if longest is not None and len(str(value)) > longest:
            raise PromptError(f"input `{name}` has {len(str(value))} characters; {longest} may be")
        return value


def _messages(section: Mapping[str, Any], values: Mapping[str, Any]) -> list[dict[str, str]]:
    if section["role"] == "examples":
        return [{"role": m["role"], "content": m["content"]} for m in section["messages"]]
    text = render_section(section["template"], values)
    return [{"role": section["role"], "content": text}] if text else []


def load(name: str, *, path: str | Path = ".", env: str = "default") -> Prompt:
    """Read a compiled prompt template.

    Args:
        name: the template's name.
        path: the project's folder, or the artefact file itself.
        env: the environment it was applied for.

    Raises:
        PromptError: there is no such artefact, or it is not one of this version.
    """
    place = Path(path)
    file = place if place.is_file() else place / FOLDER / env / f"{name}.json"
    try:
        tree = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise PromptError(f"no compiled prompt `{file}`; run `tunectl apply` first") from None
    except (OSError, ValueError) as error:
        raise PromptError(f"`{file}` cannot be read: {error}") from error
    if not isinstance(tree, dict) or tree.get("format") != FORMAT:
        raise PromptError(f"`{file}` is not a compiled prompt of format {FORMAT}")
    return Prompt(
        name=tree["name"],
        version=tree["version"],
        model=tree["model"],
        base_url=tree.get("base_url") or "",
        inputs=tree["inputs"],
        sections=tree["sections"],
    )
