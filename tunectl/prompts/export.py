"""A prompt as plain JSON that any language renders without a template engine.

Each message is a list of parts: a text, an input, a field of the profile, or a slot for what only
the application has. What a template does beyond that, such as a condition or a loop, is Jinja's
alone: it is refused by the name of the section, or carried as it is where that is asked for, and
`needs` says so. `export.schema.json`, beside this file, is the JSON Schema of the result; `how`
within it tells a reader in words what to do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tunectl.prompts.dialects import DIALECTS
from tunectl.prompts.dialects.openai import limit_of
from tunectl.prompts.dialects.schema import for_anthropic, for_gemini, for_openai
from tunectl.prompts.errors import PromptError
from tunectl.prompts.prompt import Prompt

if TYPE_CHECKING:
    from jinja2 import nodes

FORMAT = "tunectl-prompt/1"

Part = dict[str, Any]

_HOW = """
Go through `messages` in order. The text of a message is its parts joined, and trimmed.

A part `text` is that text. `input` is the value the application gives for that input, or its
`default`; refuse one that is missing, of another type, longer than `max_chars` says or not in
`one_of`. In every value, what the history and the documents say included, other line ends become
line feeds, and control characters and invisible ones (Unicode Cc, Cf) are removed but line feed,
tab and the joiners that letters and emoji need. A list is its values joined by comma and blank.

Where a part has `escape: xml`, replace & by &amp;, < by &lt; and > by &gt; in the value, and
nothing else. Values are never templates and never decide a role.

A part `profile` with a name is that field of the user's profile; with `true`, one line
`<field>value</field>` for each known field in the order of `profile`, values escaped. A field that
is not known is its `default`. Send no other fields.

A part `documents` is what was found: `<document index="1">`, `<source>…</source>`,
`<title>…</title>` where there is one, `<document_content>`, the text, `</document_content>`,
`</document>`, each on a line of its own, values escaped.

A message whose part is `history` stands for the conversation so far: its messages of role user,
assistant and tool, never system. One whose part is `examples` stands for the messages of the rows
that you choose.

Where a message has `wrap`, enclose its text: `<wrap>`, line feed, text, line feed, `</wrap>`.
Leave out a message whose text is empty before that.

`query` is what is searched for. Its part `said` is what the user said in the last `query_turns`
turns, the oldest first, a line each, of each the first 500 characters; in Jinja it is `history`.

`max_tokens` and `overflow` say how long a section may be and what gives way. `breakpoint` ends what
stays the same from call to call: there stands a service's own mark for its cache, such as
`cache_control`, and `cache` says for how long.

`layout` says how the service wants the messages: `field` is the field for them, `system` the one
for those of role system (`inline`: they stay in their places), `assistant` its word for the model.
Where `merge` is true, neighbours of one role become one message: blocks of their own, or one text
with an empty line between. `request` are further fields of the body.
"""
# What a reader needs of a section besides its parts.
_KEPT = (
    *("max_tokens", "overflow", "wrap"),
    *("top_k", "min_score", "knowledge", "query_turns", "max"),
)
_LAYOUTS: Mapping[str, Mapping[str, Any]] = {
    "openai": {"system": "inline", "field": "messages", "assistant": "assistant", "merge": True},
    "anthropic": {"system": "system", "field": "messages", "assistant": "assistant", "merge": True},
    "gemini": {
        "system": "systemInstruction",
        "field": "contents",
        "assistant": "model",
        "merge": True,
    },
    "bedrock": {"system": "system", "field": "messages", "assistant": "assistant", "merge": True},
}


def export(prompt: Prompt, dialect: str | None = None, *, carry: bool = False) -> dict[str, Any]:
    """Return a prompt for other languages.

    Args:
        prompt: the prompt.
        dialect: of the service it is for; by default its own.
        carry: hand templates that do more than put values in over as Jinja, as parts `jinja`.

    Raises:
        PromptError: a template does more, and `carry` is not set; or there is no such dialect.
    """
    spoken = dialect or prompt.dialect
    if spoken not in DIALECTS:
        known = ", ".join(f"`{name}`" for name in DIALECTS)
        raise PromptError(f"there is no dialect `{spoken}`; there are {known}")
    messages = [one for section in prompt.sections for one in _section(prompt, section, carry)]
    jinja = any("jinja" in part for one in messages for part in one["parts"])
    made: dict[str, Any] = {
        "format": FORMAT,
        "name": prompt.name,
        "version": prompt.version,
        "model": prompt.model,
        "base_url": prompt.base_url or None,
        "dialect": spoken,
        "how": [" ".join(one.split()) for one in _HOW.strip().split("\n\n")],
        "needs": ["jinja"] if jinja else [],
        "inputs": dict(prompt.inputs),
        "profile": _profile(prompt),
        "budget": dict(prompt.budget),
        "cache": dict(prompt.cache),
        "citations": prompt.citations,
        "layout": dict(_LAYOUTS[spoken]),
        "request": _request(prompt, spoken),
        "messages": messages,
    }
    if jinja:
        made["partials"] = dict(prompt.partials)
    return made


def _profile(prompt: Prompt) -> dict[str, Any]:
    rules = (prompt.memory or {}).get("profile") or {}
    return {
        name: {k: v for k, v in rule.items() if k not in {"inject", "personal"}}
        for name, rule in rules.items()
        if rule.get("inject") is True
    }


def _request(prompt: Prompt, dialect: str) -> dict[str, Any]:
    """Return the fields beside the messages: the longest answer, and its schema."""
    answer = _answer(prompt, dialect)
    most = prompt.budget.get("max_output")
    if most is None:
        return answer
    match dialect:
        case "anthropic":
            return {"max_tokens": most, **answer}
        case "gemini":
            config = answer.get("generationConfig") or {}
            return {"generationConfig": {"maxOutputTokens": most, **config}}
        case "bedrock":
            return {"inferenceConfig": {"maxTokens": most}, **answer}
    return {limit_of(prompt.model): most, **answer}


def _answer(prompt: Prompt, dialect: str) -> dict[str, Any]:
    if not prompt.output:
        return {}
    schema, name = prompt.output["schema"], prompt.output.get("name") or "answer"
    match dialect:
        case "anthropic":
            made = {"type": "json_schema", "schema": for_anthropic(schema)}
            return {"output_config": {"format": made}}
        case "gemini":
            config = {"responseMimeType": "application/json", **for_gemini(schema)}
            return {"generationConfig": config}
        case "bedrock":
            import json

            text = json.dumps(for_anthropic(schema), ensure_ascii=False)
            structure = {"jsonSchema": {"schema": text, "name": name}}
            return {"outputConfig": {"textFormat": {"type": "json_schema", "structure": structure}}}
    kept, strict = for_openai(schema, tuned=prompt.model.startswith("ft:"))
    named = {"name": name, "schema": kept, "strict": strict}
    return {"response_format": {"type": "json_schema", "json_schema": named}}


def _section(prompt: Prompt, section: Mapping[str, Any], carry: bool) -> Iterator[dict[str, Any]]:
    role = section["role"]
    head = {"section": section["id"], "volatility": section["volatility"]}
    for key in _KEPT:
        if section.get(key) is not None:
            head[key] = section[key]
    cache = section.get("cache")
    if section.get("breakpoint") or (isinstance(cache, Mapping) and cache.get("breakpoint")):
        head["breakpoint"] = True
    if role == "examples" and not section.get("index"):
        for one in section.get("messages") or ():
            yield {**head, "role": one["role"], "parts": [{"text": one["content"]}]}
        return
    parts, speaker = _parts(prompt, section, carry)
    if role == "examples":
        head["rows"] = list(section.get("rows") or ())
    if role in {"profile", "documents"} and not section.get("template"):
        head.setdefault("wrap", "user_profile" if role == "profile" else "documents")
    if section.get("query") and role in {"documents", "examples"}:
        said = bool(section.get("query_turns"))
        head["query"] = _template(prompt, section, section["query"], carry, escape=False, said=said)
    yield {**head, "role": speaker, "parts": parts}


def _parts(prompt: Prompt, section: Mapping[str, Any], carry: bool) -> tuple[list[Part], str]:
    role, template = section["role"], section.get("template")
    match role:
        case "history":
            return [{"history": True}], "history"
        case "examples":
            return [{"examples": section["id"]}], "examples"
        case "profile" if not template:
            return [{"profile": True}], section.get("as") or "system"
        case "documents" if not template:
            return [{"documents": section["id"]}], section.get("as") or "user"
    speaker = {"profile": "system", "documents": "user"}.get(role, role)
    escape = bool(section.get("wrap")) or role in {"profile", "documents"}
    parts = _template(prompt, section, str(template), carry, escape=escape)
    return parts, section.get("as") or speaker


def _template(
    prompt: Prompt,
    section: Mapping[str, Any],
    source: str,
    carry: bool,
    *,
    escape: bool,
    said: bool = False,
) -> list[Part]:
    from jinja2 import Environment, TemplateSyntaxError

    environment = Environment(autoescape=False)  # noqa: S701  # only parses
    where = f"section `{section['id']}`"
    try:
        walking = _Walking(prompt, escape, said, where)
        return _trimmed(_joined(walking.parts(environment.parse(source))))
    except TemplateSyntaxError as error:
        raise PromptError(f"{where}, line {error.lineno}: {error.message}") from None
    except _OnlyJinja as error:
        if carry:
            return [{"jinja": source, **({"escape": "xml"} if escape else {})}]
        raise PromptError(
            f"{where} {error}, which other languages do not have: write it with text and inputs "
            "alone, render it in Python, or export with the templates carried"
        ) from None


class _OnlyJinja(Exception):  # noqa: N818  # what a template does
    """A template does more than put values in."""


@dataclass(frozen=True, slots=True)
class _Walking:
    """Takes a template apart into texts and what is put in between.

    Attributes:
        escape: values are escaped as XML does it.
        said: `history` is what the user said before.
        where: for messages.
    """

    prompt: Prompt
    escape: bool
    said: bool
    where: str

    def parts(self, tree: nodes.Template, depth: int = 0) -> Iterator[Part]:
        """Yield the parts, those of included files too."""
        from jinja2 import Environment, nodes

        for node in tree.body:
            if isinstance(node, nodes.Include) and isinstance(node.template, nodes.Const):
                name = str(node.template.value)
                if name not in self.prompt.partials or depth > 9:
                    raise PromptError(f"{self.where} includes `{name}`, which it does not have")
                text = self.prompt.partials[name]
                part = Environment(autoescape=False).parse(text)  # noqa: S701
                yield from self.parts(part, depth + 1)
                continue
            if not isinstance(node, nodes.Output):
                raise _OnlyJinja(f"has `{type(node).__name__.lower()}` in line {node.lineno}")
            yield from map(self._part, node.nodes)

    def _part(self, one: nodes.Node) -> Part:
        from jinja2 import nodes

        escaping = {"escape": "xml"} if self.escape else {}
        match one:
            case nodes.TemplateData():
                return {"text": one.data}
            case nodes.Name() if one.name in self.prompt.inputs:
                return {"input": one.name, **escaping}
            case nodes.Name(name="history") if self.said:
                return {"said": True}
            case nodes.Getattr(node=nodes.Name(name="profile")):
                return {"profile": one.attr, **escaping}
            case _:
                raise _OnlyJinja(f"has an expression in line {one.lineno}")


def _joined(parts: Iterator[Part]) -> list[Part]:
    found: list[Part] = []
    for one in parts:
        if found and "text" in one and "text" in found[-1]:
            found[-1] = {"text": found[-1]["text"] + one["text"]}
        else:
            found.append(one)
    return found


def _trimmed(parts: list[Part]) -> list[Part]:
    if parts and "text" in parts[0]:
        parts[0] = {"text": parts[0]["text"].lstrip()}
    if parts and "text" in parts[-1]:
        parts[-1] = {"text": parts[-1]["text"].rstrip()}
    return [one for one in parts if one.get("text") != ""]
