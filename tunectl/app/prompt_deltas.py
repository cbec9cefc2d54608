"""What a new or changed prompt template does to its tokens, its examples and the price of a call.

Tokens are those of the prompt's own words, with the model's vocabulary where that is known: what an
application puts into it is not known when planning. Of examples the record has one hash each; rows
that left the split have no text any more, so their tokens are not known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from tunectl.app.uploading import DatasetReader
from tunectl.app.workspace import Workspace
from tunectl.catalog.prices import Price, price_of
from tunectl.config.prices import own_prices
from tunectl.config.prompt_model import base_behind
from tunectl.config.services import service_of
from tunectl.core.plan import Change
from tunectl.core.ports import Reader
from tunectl.core.project import Project
from tunectl.core.prompt_delta import NO_TOKENS, Count, PromptDelta, SectionDelta
from tunectl.core.resource import BUILTIN, Instance, Resource
from tunectl.core.value import Plain, Ref, Value, shown
from tunectl.data.tokens import Counter, counter_for
from tunectl.providers.examples import Messages, chosen_rows, hash_of, plain_rows

_NO_ROWS: Mapping[str, Messages] = {}


def with_prompts(workspace: Workspace, changes: Iterable[Change]) -> tuple[Change, ...]:
    """Return the changes with what those of prompt templates do to tokens and examples.

    Raises:
        StaleError: a data file is no longer what was read.
    """
    reader = DatasetReader(workspace.datasets)
    return tuple(_with_prompt(workspace.project, reader, change) for change in changes)


def _with_prompt(project: Project, reader: Reader, change: Change) -> Change:
    before, after = change.before, change.after
    if change.address.kind != "prompt_template" or after is None:
        return change
    if before is None:
        return replace(change, prompt=_delta(project, reader, None, after))
    if any(delta.path == ("format",) for delta in change.deltas):
        said = f"its file is written again, in format {after.spec.get('format')}"
        change = replace(change, notes=(*change.notes, said))
    if not _is_edited(change):
        return change
    return replace(change, prompt=_delta(project, reader, before, after))


def _is_edited(change: Change) -> bool:
    return any(delta.path[0] in {"sections", "partials"} for delta in change.deltas)


def _delta(
    project: Project, reader: Reader, before: Instance | None, after: Resource
) -> PromptDelta:
    base = base_behind({r.address: r for r in project.resources}, after.spec.get("model"))
    recorded = before.outputs.get("examples") if before is not None else None
    counting = _Counting(counter_for(base), reader, recorded)
    sections = tuple(counting.sections(before.spec if before is not None else {}, after.spec))
    price, why = _price(project, after, base)
    return PromptDelta(
        sections=sections,
        price=price.input if price is not None else None,
        currency=price.currency if price is not None else "",
        unknown=why,
    )


def _price(project: Project, prompt: Resource, base: str | None) -> tuple[Price | None, str]:
    """The price of the model's questions, or why nobody knows it.

    The catalogue's prices are of tuned models; of a model as it is sold only the user's own count.
    """
    provider, tuned = _provider(project, prompt.spec.get("model"))
    if provider is None or base is None:
        return None, "no provider is known for the model"
    provided = project.providers.get(provider)
    service = service_of(provided) if provided is not None else None
    own = own_prices(project.prices, provider)
    known = None
    if tuned or (service is not None and service.name == "local"):
        known = price_of(service.name, base, own) if service is not None else None
    else:
        known = next((one for one in own if one.model == base), None)
    if known is None or known.input is None:
        return None, f"no price is known for questions to `{base}` at provider `{provider}`"
    return known, ""


def _provider(project: Project, model: Value) -> tuple[str | None, bool]:
    """The provider that answers, and whether the model is a tuned one."""
    resources = {r.address: r for r in project.resources}
    provider, tuned, seen = project.default_provider, False, set()
    while isinstance(model, Ref) and model.address not in seen:
        seen.add(model.address)
        found = resources.get(model.address)
        if found is None:
            break
        if found.provider != BUILTIN:
            provider = found.provider
        tuned = tuned or model.address.kind == "tuning_job"
        model = found.spec.get("base_model", found.spec.get("model"))
    return provider, tuned


class _Counting:
    """Counts the sections of one prompt, as they were and as they will be."""

    def __init__(self, counter: Counter, reader: Reader, recorded: Plain) -> None:
        """Count with a vocabulary.

        Args:
            counter: how.
            reader: gives the rows of examples.
            recorded: the hashes of the examples that are shown now, by section.
        """
        self._counter = counter
        self._reader = reader
        self._recorded = recorded if isinstance(recorded, Mapping) else {}

    def sections(
        self, before: Mapping[str, Plain], after: Mapping[str, Value]
    ) -> Iterator[SectionDelta]:
        """Yield the sections that changed, and then the included files."""
        old, new = _by_id(before.get("sections")), _by_id(after.get("sections"))
        for name in dict.fromkeys((*new, *old)):
            was, now = old.get(name), new.get(name)
            if was != now:
                yield self._section(name, was, now)
        parts, others = _texts(before.get("partials")), _texts(after.get("partials"))
        for name in dict.fromkeys((*others, *parts)):
            if parts.get(name) != others.get(name):
                yield SectionDelta(
                    id=name,
                    before=self._text(parts.get(name)),
                    after=self._text(others.get(name)),
                )

    def _section(
        self, name: str, was: Mapping[str, Value] | None, now: Mapping[str, Value] | None
    ) -> SectionDelta:
        examples = [one for one in (was, now) if one is not None and "examples" in one]
        if examples and not any(map(_is_nearest, examples)):
            return self._examples(name, was, now)
        if examples and not (_is_nearest(was) and _is_nearest(now)):
            return SectionDelta(
                id=name,
                before=None if was is not None else NO_TOKENS,
                after=None if now is not None else NO_TOKENS,
            )
        return SectionDelta(id=name, before=self._words(was), after=self._words(now))

    def _words(self, section: Mapping[str, Value] | None) -> Count:
        text = section.get("template") if section is not None else None
        return self._text(text if isinstance(text, str) else None)

    def _text(self, text: str | None) -> Count:
        if not text:
            return NO_TOKENS
        found = self._counter.text(text)
        return found.low, found.likely, found.high

    def _examples(
        self, name: str, was: Mapping[str, Value] | None, now: Mapping[str, Value] | None
    ) -> SectionDelta:
        fresh = _chosen(now, self._reader)
        before = self._tokens_of(fresh)
        if was is None:
            return SectionDelta(id=name, after=before, added=len(fresh), removed=0, kept=0)
        said = self._recorded.get(name)
        if not isinstance(said, tuple | list):  # recorded by a version that did not say
            return SectionDelta(id=name, before=None, after=before)
        old = [str(one) for one in said]
        kept = sum(one in fresh for one in old)
        known = {one: fresh[one] for one in old if one in fresh}
        known |= self._gone(set(old) - known.keys(), was if now is None else now)
        return SectionDelta(
            id=name,
            before=self._tokens_of(known) if len(known) == len(set(old)) else None,
            after=before,
            added=sum(one not in old for one in fresh),
            removed=len(old) - kept,
            kept=kept,
        )

    def _gone(
        self, hashes: set[str], section: Mapping[str, Value] | None
    ) -> Mapping[str, Messages]:
        """Return the rows that are shown no longer and still stand in the split."""
        source = section.get("examples") if section is not None else None
        if not hashes or not isinstance(source, Mapping):
            return _NO_ROWS
        where = {key: shown(value) for key, value in source.items()}
        found: dict[str, Messages] = {}
        for row in plain_rows(where, self._reader):
            if (name := hash_of(row)) in hashes:
                found[name] = row
            if len(found) == len(hashes):
                break
        return found

    def _tokens_of(self, rows: Mapping[str, Messages]) -> Count:
        counts = [
            self._counter.text(str(message["content"])) for row in rows.values() for message in row
        ]
        return (
            sum(one.low for one in counts),
            sum(one.likely for one in counts),
            sum(one.high for one in counts),
        )


def new_examples(change: Change, reader: Reader) -> Iterator[tuple[str, Messages]]:
    """Yield the examples that a prompt would show and does not show now, with their section.

    Raises:
        StaleError: a data file is no longer what was read.
    """
    if change.after is None or change.prompt is None:
        return
    said = change.before.outputs.get("examples") if change.before is not None else None
    recorded = said if isinstance(said, Mapping) else {}
    sections = _by_id(change.after.spec.get("sections"))
    for one in change.prompt.sections:
        if one.added and one.id in sections:
            known = recorded.get(one.id)
            old = known if isinstance(known, tuple | list) else ()
            rows = _chosen(sections[one.id], reader)
            yield from ((one.id, row) for name, row in rows.items() if name not in old)


def _chosen(section: Mapping[str, Value] | None, reader: Reader) -> Mapping[str, Messages]:
    source = section.get("examples") if section is not None else None
    if section is None or not isinstance(source, Mapping):
        return _NO_ROWS
    settings = {key: shown(value) for key, value in section.items()}
    where = {key: shown(value) for key, value in source.items()}
    return {hash_of(row): row for row in chosen_rows(settings, where, reader)}


def _by_id(sections: Value) -> dict[str, Mapping[str, Value]]:
    listed = sections if isinstance(sections, tuple | list) else ()
    return {str(one["id"]): one for one in listed if isinstance(one, Mapping) and "id" in one}


def _is_nearest(section: Mapping[str, Value] | None) -> bool:
    """Whether each question has other examples, so that nobody knows their tokens before."""
    return section is not None and section.get("select") == "nearest"


def _texts(partials: Value) -> dict[str, str]:
    return {str(k): str(v) for k, v in partials.items()} if isinstance(partials, Mapping) else {}
