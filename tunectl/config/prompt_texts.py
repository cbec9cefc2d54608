"""The templates of one prompt: read, compiled, their includes followed, their names checked.

What a template may say: of a section of words and of a query, the inputs (and of a query with
`query_turns` what the user said before, `history`); of a profile, the fields
of the memory that are injected; of documents, `documents` and the inputs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field

from tunectl.config.drafts import Draft
from tunectl.config.problems import did_you_mean, listed
from tunectl.config.prompt_source import Content, Origin, Wrong, analysed, load_template
from tunectl.config.world import World
from tunectl.core.dataclass import dataclass
from tunectl.kinds.prompt_section import Section
from tunectl.kinds.prompt_template import RESERVED

_DEEPEST = 10  # includes within includes
_FOLLOWING = "query of a conversation"
_OWN: Mapping[str, tuple[str, ...]] = {
    "profile": ("profile",),
    "documents": ("documents",),
    _FOLLOWING: ("history",),
}


@dataclass(frozen=True, slots=True)
class Injected:
    """What a prompt may say of a user.

    Attributes:
        memory: the memory's address, for messages.
        fields: every declared field, and whether it is injected.
    """

    memory: str
    fields: Mapping[str, bool]

    @property
    def names(self) -> list[str]:
        """The fields that are injected."""
        return [name for name, said in self.fields.items() if said]


@dataclass(slots=True)
class Templates:
    """Reads the templates of one prompt and remembers what they use.

    Attributes:
        inputs: the names of the declared inputs.
        injected: what may be said of the user, None without a memory.
        used: the inputs that are used.
        by_section: the same, by the section's id; what a query uses is not in it.
        partials: the texts of the included files, by the name under which they are included.
    """

    world: World
    draft: Draft
    inputs: Sequence[str]
    injected: Injected | None = None
    used: set[str] = field(default_factory=set)
    by_section: dict[str, frozenset[str]] = field(default_factory=dict)
    partials: dict[str, str] = field(default_factory=dict)

    def section(self, section: Section, index: int) -> str | None:
        """Return a section's text, None where it has none or cannot be read; that is told."""
        if section.template_file is not None:
            node = self.draft.node.find(("sections", index, "template_file"))[0]
            file = load_template(self.world, section.template_file, node.source)
            if file is None:
                self.used |= set(self.inputs)  # it may mean to use any of them
                return None
            origin, text = Origin(file, node), file.text
        elif section.template is not None:
            node = self.draft.node.find(("sections", index, "template"))[0]
            origin, text = Origin(None, node), section.template
        else:
            return None
        names = self._names(text, origin, section.role)
        self.by_section[section.id] = frozenset(names) & set(self.inputs)
        return text

    def query(self, section: Section, index: int) -> str | None:
        """Return what a section searches for; None where nobody says it, which is told."""
        if section.query is not None:
            node = self.draft.node.find(("sections", index, "query"))[0]
            role = "query" if section.query_turns is None else _FOLLOWING
            self._names(section.query, Origin(None, node), role)
            return section.query
        texts = [name for name in self.inputs if self._is_text(name)]
        if len(texts) == 1:
            self.used.add(texts[0])
            before = "" if section.query_turns is None else "{{ history }}\n"
            return f"{before}{{{{ {texts[0]} }}}}"
        what = "has no input of type `string`" if not texts else f"has {len(texts)} text inputs"
        self.world.problems.error(
            f"`sections[{index}]` needs `query:`: the template {what}",
            self.draft.at("sections", index),
            code="missing",
            hint='what is searched for: `query: "{{ question }}"`',
            address=str(self.draft.address),
        )
        return None

    def _is_text(self, name: str) -> bool:
        inputs = getattr(self.draft.model, "inputs", {})
        return getattr(inputs.get(name), "type", "") == "string"

    def _names(self, text: str, origin: Origin, role: str, above: tuple[str, ...] = ()) -> set[str]:
        """Check a text and all that it includes; return the inputs that are used."""
        content = analysed(text)
        if isinstance(content, Wrong):
            self._tell(content.summary, origin, content.line, "", "template", content.hint)
            self.used |= set(self.inputs)
            return set(self.inputs)
        found = self._known(content, origin, role)
        for name, line in content.includes.items():
            found |= self._included(name, origin, line, role, above)
        self.used |= found
        return found

    def _included(
        self, name: str, origin: Origin, line: int, role: str, above: tuple[str, ...]
    ) -> set[str]:
        where = origin.line(line, name)
        if name in above or len(above) >= _DEEPEST:
            path = " → ".join(f"`{one}`" for one in (*above, name))
            said = "includes itself" if name in above else "is included too deeply"
            hint = "remove one of the includes"
            self._tell(f"`{name}` {said}: {path}", origin, line, name, "include-cycle", hint)
            return set()
        file = load_template(self.world, name, where)
        if file is None:
            return set(self.inputs)
        self.partials[name] = file.text
        inner = Origin(file, origin.node)
        return self._names(file.text, inner, role, (*above, name))

    def _known(self, content: Content, origin: Origin, role: str) -> set[str]:
        """Tell which names are none; return the inputs among the others."""
        own = _OWN.get(role, ())
        inputs = () if role == "profile" else tuple(self.inputs)
        for name, line in content.names.items():
            if name not in own and name not in inputs:
                self._unknown(name, line, origin, role, inputs)
        if "profile" in own:
            self._check_fields(content, origin)
        return {name for name in content.names if name in inputs}

    def _unknown(
        self, name: str, line: int, origin: Origin, role: str, inputs: Iterable[str]
    ) -> None:
        known = tuple(inputs)
        if role == "profile":
            hint = "a profile's template says `{{ profile.FIELD }}`, and no inputs"
            if self.injected is not None and name in self.injected.fields:
                hint = f"write `profile.{name}`"
            summary = f"the template of a profile uses `{name}`"
        elif name in RESERVED:
            summary = f"the template uses `{name}`, which means {RESERVED[name]}"
            hint = "it is no input"
            if name == "history" and role == "query":
                hint = "to search for what was said before too, add `query_turns: 2`"
            elif name in {"profile", "history", "documents", "examples"}:
                hint = f"a section of its own shows it: `role: {name}`"
        else:
            summary = f"the template uses `{name}`, which is no input"
            declare = f"declare it: `inputs: {{{name}: string}}`"
            declare += f"; inputs are {listed(known)}" if known else ""
            hint = did_you_mean(name, known, declare)
        self._tell(summary, origin, line, name, "unknown-input", hint)

    def _check_fields(self, content: Content, origin: Origin) -> None:
        if self.injected is None:
            return
        for name, line in content.fields.items():
            said = self.injected.fields.get(name)
            memory = self.injected.memory
            if said is None:
                known = self.injected.names
                hint = did_you_mean(
                    name, known, f"injected are {listed(known)}" if known else "none is injected"
                )
                summary = f"`{memory}` has no field `{name}`"
                self._tell(summary, origin, line, name, "unknown-field", hint)
            elif not said:
                self._tell(
                    f"field `{name}` of `{memory}` is not injected, so no prompt may say it",
                    origin,
                    line,
                    name,
                    "not-injected",
                    f"remove it, or declare `{name}: {{…, inject: true}}`",
                )

    def _tell(
        self, summary: str, origin: Origin, line: int, word: str, code: str, hint: str
    ) -> None:
        self.world.problems.error(
            summary,
            origin.line(line, word),
            code=code,
            hint=hint,
            address=str(self.draft.address),
        )
