"""`publish:`: what of a prompt template is kept at a service for those who read it there.

What is lowered, and so what a handler of kind `publication` is given as its settled spec:

```
{
  "name": "support",
  "labels": ["staging"],                     # where the service has labels and some are said
  "model": "ft:…",                           # as of the template
  "sha256": "…",                             # over `messages` and `form`, which are compared by it
  "messages": [
    {"section": "system", "role": "system", "text": "You help.", "names": []},
    {"section": "shots", "examples": {…}, "max": 4, "select": "fixed"},    # rows, as messages
    {"section": "history", "slot": true},                                  # put in by who reads it
    {"section": "ask", "role": "user", "text": "{{question}}", "names": ["question"]}
  ],
  "form": {"inputs": {…}, "output": {…}}     # the rules of the inputs, the schema of the answer
}
```

Laws: text that a service cannot hold as it is said is refused, with the section's name; what is
made from data when it is asked (history, profile, documents, nearest examples) is a slot with the
section's id, or refused where the service has no slots.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from tunectl.catalog.publishing import PublishingService, publishing_services
from tunectl.config.carrying import Uncarried, carried
from tunectl.config.derive import in_file_order
from tunectl.config.drafts import Draft
from tunectl.config.problems import did_you_mean, listed
from tunectl.config.world import World
from tunectl.core.dataclass import dataclass
from tunectl.core.project import Provided
from tunectl.core.resource import Lifecycle, Resource
from tunectl.core.value import Address, Plain, Ref, Value, canonical
from tunectl.kinds.prompt_section import TEXT_ROLES
from tunectl.kinds.prompt_template import PromptTemplate
from tunectl.kinds.publication import Publish

_EXAMPLES = ("examples", "max", "select", "seed")
_TOLD = frozenset({"messages", "form"})  # told to the service; compared by their hash


def lower_publications(world: World) -> None:
    """Declare what every prompt template publishes."""
    taken: dict[tuple[str, str], Address] = {}
    for draft in in_file_order(world.drafts, "prompt_template"):
        model, template = draft.model, world.resources.get(draft.address)
        assert isinstance(model, PromptTemplate)
        for index, entry in enumerate(model.publish):
            place = _Place.of(world, draft, index, entry)
            if place is None or place.is_taken(taken) or template is None:
                continue
            made = place.lowered(template)
            if made is not None:
                world.resources[made.address] = made


@dataclass(frozen=True, slots=True)
class _Place:
    """One entry of `publish:`."""

    world: World
    draft: Draft
    index: int
    entry: Publish
    provider: Provided
    service: PublishingService
    name: str

    @classmethod
    def of(cls, world: World, draft: Draft, index: int, entry: Publish) -> _Place | None:
        """Find whom it is published to; None where that is nobody, which is told."""
        provider = world.providers.get(entry.to)
        services = publishing_services()
        if provider is None:
            if entry.to in services:
                hint = f"declare it: `providers: {{{entry.to}: {{…}}}}`, or name one of that type"
            else:
                hint = did_you_mean(
                    entry.to, world.providers, f"declared are {listed(world.providers)}"
                )
            _tell(
                world, draft, index, "to", f"there is no provider `{entry.to}`",
                code="unknown-provider", hint=hint,
            )  # fmt: skip
            return None
        service = services.get(provider.type)
        if service is None:
            able = [n for n, one in world.providers.items() if one.type in services]
            hint = f"prompts are published to providers of type {listed(services)}"
            hint += f"; of those declared {listed(able)} can" if able else ""
            _tell(
                world, draft, index, "to", f"provider `{entry.to}` keeps no prompts",
                code="no-publishing", hint=hint,
            )  # fmt: skip
            return None
        return cls(world, draft, index, entry, provider, service, entry.name or _plain_name(draft))

    def is_taken(self, taken: dict[tuple[str, str], Address]) -> bool:
        """Tell of a name that something else is published under already."""
        key = (self.provider.name, self.name)
        other = taken.setdefault(key, self.draft.address)
        if other is self.draft.address and not self._twice():
            return False
        self.tell(
            "name", f"`{other}` is published to `{self.provider.name}` as `{self.name}` already",
            code="duplicate-publication", hint="give this one another `name:`",
        )  # fmt: skip
        return True

    def _twice(self) -> bool:
        model = self.draft.model
        assert isinstance(model, PromptTemplate)
        usual = _plain_name(self.draft)
        same = (
            one.to == self.entry.to and (one.name or usual) == self.name
            for one in model.publish[: self.index]
        )
        return any(same)

    def lowered(self, template: Resource) -> Resource | None:
        """Return what is published; None where it cannot be, which is told."""
        sound = self._names_fit()
        messages = self._messages(template)
        if messages is None or not sound:
            return None
        form = self._form(template)
        if form is None:
            return None
        labels = tuple(dict.fromkeys(self.entry.labels))
        content: Plain = {"messages": messages, "form": form}
        spec: dict[str, Value] = {
            "name": self.name,
            **({"labels": labels} if labels else {}),
            **self._model(template),
            "sha256": hashlib.sha256(canonical(content).encode()).hexdigest(),
            "messages": messages,
            "form": form,
        }
        return Resource(
            address=self._address(),
            provider=self.provider.name,
            spec=spec,
            immutable=frozenset({"name"}),
            inputs=_TOLD,
            outputs=("name", "version"),
            stable=frozenset({"name"}),
            depends_on=(template.address,),
            lifecycle=Lifecycle(
                protect=template.lifecycle.protect,
                keep_on_destroy=template.lifecycle.keep_on_destroy,
            ),
            parent=template.address,
            labels=template.labels,
            source=self.draft.at("publish", self.index),
        )

    def _address(self) -> Address:
        own = self.draft.address
        key = f"{self.provider.name}/{self.name}"
        return Address("publication", own.path, key if own.key is None else f"{own.key}/{key}")

    def _model(self, template: Resource) -> dict[str, Value]:
        """The model, where the service can say it: at Bedrock its own alone."""
        model = template.spec["model"]
        if self.service.name != "bedrock":
            return {"model": model}
        if isinstance(model, Ref):
            maker = self.world.resources.get(model.address)
            return {"model": model} if maker and maker.provider == self.provider.name else {}
        return {"model": model} if template.spec.get("dialect") == "bedrock" else {}

    def _names_fit(self) -> bool:
        service, sound = self.service, True
        if not service.prompt.search(self.name):
            sound = self.tell(
                "name", f"{service.title} takes no prompt called `{self.name}`", code="bad-name",
                hint=f"a name is {service.prompt_must}: `name: …`",
            )  # fmt: skip
        elif self.name in service.reserved_names:
            sound = self.tell(
                "name", f"{service.title} keeps the name `{self.name}` for itself",
                code="bad-name", hint="give it another `name:`",
            )  # fmt: skip
        if self.entry.labels and not service.labels:
            return self.tell(
                "labels", f"{service.title} has no labels", code="no-labels",
                hint="remove them: applications read its versions by their number",
            )  # fmt: skip
        for label in self.entry.labels:
            if label in service.reserved_labels:
                sound = self.tell(
                    "labels", f"{service.title} gives the label `{label}` itself",
                    code="bad-label", hint="remove it: it is always the newest version",
                )  # fmt: skip
            elif not service.label.search(label):
                sound = self.tell(
                    "labels", f"{service.title} takes no label `{label}`", code="bad-label",
                    hint="at most 36 small letters (a-z), digits, `_`, `-` and `.`",
                )  # fmt: skip
        return sound

    def _form(self, template: Resource) -> dict[str, Plain] | None:
        inputs, output = template.spec.get("inputs"), template.spec.get("output")
        if output is not None and not self.service.schema:
            self.tell(
                "to", f"{self.service.title} has no room for the form of the answer (`output:`)",
                code="publish-output", hint="publish a template without it",
            )  # fmt: skip
            return None
        form: dict[str, Value] = {}
        if inputs:
            form["inputs"] = inputs
        if output is not None:
            form["output"] = output
        return _plain(form)

    def _messages(self, template: Resource) -> tuple[Plain, ...] | None:
        sections = template.spec["sections"]
        partials = template.spec.get("partials") or {}
        assert isinstance(sections, tuple)
        assert isinstance(partials, Mapping)
        texts = {str(name): str(text) for name, text in partials.items()}
        made = [self._message(one, texts, at) for at, one in enumerate(sections)]
        names = {str(n): None for one in made if one for n in _names_of(one)}
        sound = self._variables_fit(names)
        slots = {one["section"]: at for at, one in enumerate(made) if one and "slot" in one}
        for both in sorted({*names} & {*map(str, slots)}):
            sound = self.tell_of(
                slots[both], f"section `{both}` and an input have one name",
                hint=f"{self.service.title} needs two: rename the section or the input",
            )  # fmt: skip
        found = tuple(one for one in made if one)
        if any(one is None for one in made) or not sound:
            return None
        if not found:
            self.tell("to", "there is nothing to publish", code="publish-empty", hint="add a text")
            return None
        return found

    def _variables_fit(self, names: Mapping[str, None]) -> bool:
        service, sound = self.service, True
        for name in names:
            if not service.variable.search(name):
                sound = self.tell(
                    "to", f"{service.title} takes no input called `{name}`", code="publish-name",
                    hint="rename the input: letters (a-z), digits and `_`",
                )  # fmt: skip
        most = service.most_variables
        if most is not None and len(names) > most:
            return self.tell(
                "to", f"the prompt uses {len(names)} inputs, and {service.title} takes {most}",
                code="publish-inputs", hint="join some of them in the application",
            )  # fmt: skip
        return sound

    def _message(  # one section, by its role
        self, section: Value, partials: Mapping[str, str], at: int
    ) -> dict[str, Plain] | None:
        """Return what of a section is published: nothing of an empty one, None where it cannot."""
        assert isinstance(section, Mapping)
        id_, role = str(section["id"]), str(section["role"])
        if role == "examples" and section.get("select") != "nearest":
            said = {name: section[name] for name in _EXAMPLES if name in section}
            return {"section": id_, **_plain(said)}
        if role not in TEXT_ROLES:
            return self._slot(section, id_, role, at)
        wrap = str(section.get("wrap") or "")
        found = carried(
            str(section["template"]), partials, wrap=wrap, forbidden=self.service.forbidden
        )
        if isinstance(found, Uncarried):
            self.tell_of(at, f"section `{id_}` has {found.what}", hint=found.hint)
            return None
        if not found.text:
            return {}
        if wrap and found.names:
            self.world.problems.warn(
                f"section `{id_}` is published within `<{wrap}>`, and {self.service.title} does "
                f"not keep what is put in for {listed(found.names)} from closing it",
                self.draft.at("sections", at),
                code="publish-unescaped",
                hint="who reads it there escapes `&`, `<` and `>`; the artefact does it by itself",
                address=str(self.draft.address),
            )
        return {"section": id_, "role": role, "text": found.text, "names": found.names}

    def _slot(
        self, section: Mapping[str, Value], id_: str, role: str, at: int
    ) -> dict[str, Plain] | None:
        """Return the place for what is made when it is asked."""
        service = self.service
        what = "nearest examples" if role == "examples" else f"a {role}"
        what = {"history": "the history", "documents": "documents"}.get(role, what)
        if not service.slots:
            self.tell_of(
                at, f"section `{id_}` shows {what}, and {service.title} has no place for it",
                hint="publish a template without it, and add its messages in the application",
            )  # fmt: skip
            return None
        if section.get("template") is not None:
            self.tell_of(
                at, f"section `{id_}` says {what} in words of its own, and in {service.title} "
                "that is a placeholder, which has none",
                hint="remove its `template:`, or publish another template",
            )  # fmt: skip
            return None
        if not service.variable.search(id_):
            self.tell_of(
                at, f"{service.title} takes no placeholder called `{id_}`",
                hint="rename the section: letters (a-z), digits and `_`",
            )  # fmt: skip
            return None
        return {"section": id_, "slot": True}

    def tell(self, field: str, summary: str, *, code: str, hint: str) -> bool:
        """Tell what is wrong with the entry; False."""
        _tell(self.world, self.draft, self.index, field, summary, code=code, hint=hint)
        return False

    def tell_of(self, at: int, summary: str, *, hint: str) -> bool:
        """Tell what is wrong with a section; False."""
        self.world.problems.error(
            f"{summary}: it cannot be published to `{self.provider.name}`",
            self.draft.at("sections", at),
            code="not-publishable",
            hint=hint,
            address=str(self.draft.address),
        )
        return False


def _tell(  # where it stands
    world: World, draft: Draft, index: int, field: str, summary: str, *, code: str, hint: str
) -> None:
    path = ("publish", index, field)
    written = draft.node.find(path)[1]
    world.problems.error(
        summary,
        draft.at(*path) if written else draft.at("publish", index),
        code=code,
        hint=hint,
        address=str(draft.address),
    )


def _plain_name(draft: Draft) -> str:
    own = draft.address
    return ".".join(own.path) if own.key is None else f"{'.'.join(own.path)}-{own.key}"


def _names_of(message: Mapping[str, Plain]) -> Sequence[Plain]:
    names = message.get("names", ())
    assert isinstance(names, tuple)
    return names


def _plain(value: Mapping[str, Value]) -> dict[str, Plain]:
    """The same; there are no references in it."""
    found: dict[str, Plain] = {}
    for key, item in value.items():
        assert not isinstance(item, Ref)
        found[key] = item  # type: ignore[assignment]  # what is nested in it is plain too
    return found
