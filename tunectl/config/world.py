"""What lowering one resource may look at: everything that was declared."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import field
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tunectl.config.drafts import Draft
from tunectl.config.ignored import check_ignored
from tunectl.config.looked import Looked
from tunectl.config.problems import Problems, did_you_mean, listed
from tunectl.config.refs import References, starts_with_kind
from tunectl.config.services import service_of as service_of
from tunectl.core.dataclass import dataclass
from tunectl.core.project import Provided
from tunectl.core.resource import BUILTIN, USUAL, Lifecycle, Resource
from tunectl.core.value import NAME, Address, Join, Plain, Ref
from tunectl.data.policy import NO_POLICY, Policy
from tunectl.kinds import KINDS

if TYPE_CHECKING:
    from tunectl.catalog.provider_types import Service
    from tunectl.data.dataset import Dataset


@dataclass(kw_only=True, slots=True)
class World:
    """The declared project while it is lowered.

    Attributes:
        datasets: those that could be read.
        looked: takes what is read.
        resources: those that are lowered, in order.
        bases: the base that each line of tuning jobs began with, where that was asked.
        now: the day by which retirement counts.
        moment: the instant by which expiry counts.
        env: the environment that is loaded.
        policy: what was decided about the rules of datasets.
        prices: the user's own prices, by provider and base model, as they are declared.
    """

    root: Path
    problems: Problems
    references: References
    providers: Mapping[str, Provided]
    default_provider: str | None
    labels: Mapping[str, str]
    drafts: Mapping[Address, Draft]
    now: date
    moment: datetime
    env: str = ""
    policy: Policy = NO_POLICY
    prices: Mapping[str, Plain] = field(default_factory=dict)
    looked: Looked = field(default_factory=Looked)
    datasets: dict[Address, Dataset] = field(default_factory=dict)
    resources: dict[Address, Resource] = field(default_factory=dict)
    bases: dict[Address, str] = field(default_factory=dict)
    _services: dict[str, Service | None] = field(default_factory=dict)

    def service(self, provider: Provided) -> Service | None:
        """Return what is known of the service behind a declared provider; None for a plugin's."""
        name = provider.name
        if name not in self._services:
            self._services[name] = service_of(provider)
        return self._services[name]

    def provider(self, draft: Draft) -> Provided | None:
        """Return the provider of a resource, None when there is none; the reason is told."""
        model = draft.model
        name = model.provider if model is not None else None
        if name is None:
            name = self.default_provider
        if name is None:
            self.problems.error(
                f"`{draft.address}` names no provider",
                draft.source,
                code="provider-missing",
                hint=f"add `provider:` to it, or `default_provider:` at the top level: "
                f"{listed(self.providers)}",
                address=str(draft.address),
            )
            return None
        found = self.providers.get(name)
        if found is None and draft.node.find(("provider",))[1]:
            self.problems.error(
                f"there is no provider `{name}`",
                draft.at("provider"),
                code="unknown-provider",
                hint=did_you_mean(name, self.providers, f"declared are {listed(self.providers)}"),
                address=str(draft.address),
            )
        return found

    def check_builtin(self, draft: Draft) -> None:
        """Refuse `provider:` on a kind that belongs to none."""
        if draft.model is not None and draft.model.provider not in {None, BUILTIN}:
            self.problems.error(
                f"a `{draft.address.kind}` belongs to no provider",
                draft.node.find(("provider",))[0].key_source,
                code="provider-on-builtin",
                hint="remove `provider:`; a tuning job says where it is trained",
                address=str(draft.address),
            )

    def reference(
        self, draft: Draft, value: str | Ref | Join, kinds: tuple[str, ...], *path: str | int
    ) -> str | Join | Ref | None:
        """Return what a reference field means: a reference of one of these kinds, or plain text.

        Returns:
            None when it means nothing; the reason is told.
        """
        found = value
        if isinstance(value, str):
            if "." not in value:
                return value
            if not starts_with_kind(value):
                return None if self._misspelt(draft, value, path) else value
            resolved = self.references.named(value, draft.scope) or self.references.resolve(
                value, draft.scope, draft.at(*path)
            )
            if resolved is None:
                return None
            found = resolved
        if isinstance(found, Ref) and found.address.kind not in kinds:
            self._wrong_kind(draft, found, kinds, *path)
            return None
        return found

    def _misspelt(self, draft: Draft, text: str, path: tuple[str | int, ...]) -> bool:
        """Whether a text is a reference but for a letter in its kind; that is told."""
        head, dot, rest = text.partition(".")
        if dot and (hint := self._bare(head, rest, text)):
            self.problems.error(
                f"`{text}` is plain text here",
                draft.at(*path),
                code="unknown-reference",
                hint=hint,
                address=str(draft.address),
            )
            return True
        near = difflib.get_close_matches(head, KINDS, n=1, cutoff=0.8) if dot else []
        name = rest.partition(".")[0].partition("[")[0]
        if not near or (near[0], (*draft.scope.module, name)) not in self.references.known:
            return False
        self.problems.error(
            f"there is no kind `{head}`",
            draft.at(*path),
            code="unknown-reference",
            hint=f"did you mean `{near[0]}.{rest}`?",
            address=str(draft.address),
        )
        return True

    def _bare(self, head: str, rest: str, text: str) -> str:
        """Return what a person meant who writes a name as in Terraform, empty when it is none."""
        if head in {"var", "each", "env"} and NAME.fullmatch(rest.partition(".")[0]):
            return f"write `${{{text}}}`"
        parts = tuple(rest.split("."))
        for kind, path in self.references.known if head == "module" else ():
            if path in {parts, parts[:-1]}:
                return f"the kind comes first: `{'.'.join((kind, *path))}`"
        return ""

    def _wrong_kind(
        self, draft: Draft, found: Ref, kinds: tuple[str, ...], *path: str | int
    ) -> None:
        wanted = " or ".join(f"`{kind}`" for kind in kinds)
        kind = found.address.kind
        article = "an" if kind[0] in "aeiou" else "a"
        candidates = [
            str(a) for a in self.drafts if a.kind in kinds and a.path[-1] == found.address.path[-1]
        ]
        self.problems.error(
            f"`{path[-1]}` takes a {wanted}, and `{found.address}` is {article} `{kind}`",
            draft.at(*path),
            code="wrong-kind",
            hint=f"did you mean `{candidates[0]}`?" if candidates else self._declared(kinds),
            address=str(draft.address),
        )

    def _declared(self, kinds: tuple[str, ...]) -> str:
        there = [str(address) for address in self.drafts if address.kind in kinds]
        return f"declared are {listed(there)}" if there else f"declare a `{kinds[0]}` first"

    def model_reference(
        self, draft: Draft, value: str | Ref | Join, kinds: tuple[str, ...], field_: str
    ) -> str | Join | Ref | None:
        """Return the model a field means; of another resource, its `model_id`."""
        found = self.reference(draft, value, kinds, field_)
        if not isinstance(found, Ref):
            return found
        if found.path not in {(), ("model_id",)}:
            self.problems.error(
                f"`{found}` is not a model",
                draft.at(field_),
                code="wrong-output",
                hint=f"write `{found.address}`",
                address=str(draft.address),
            )
            return None
        return Ref(found.address, ("model_id",))

    def depends_on(self, draft: Draft) -> tuple[Address, ...]:
        """Return the addresses under `depends_on`; a whole `for_each` means each of it."""
        said = draft.model.depends_on if draft.model is not None else ()
        if not said:
            return ()
        found: list[Address] = []
        for index, text in enumerate(said):
            ref = self.references.named(text, draft.scope)
            if ref is None:
                at = draft.at("depends_on", index)
                ref = self.references.resolve(text, draft.scope, at, whole=True)
            if ref is None:
                continue
            keys = self.references.known[ref.address.kind, ref.address.path]
            if keys is None or ref.address.key is not None:
                found.append(ref.address)
            else:
                found.extend(Address(ref.address.kind, ref.address.path, key) for key in keys)
        return tuple(dict.fromkeys(found))

    def labels_of(self, draft: Draft) -> dict[str, str]:
        """Return the project's labels with the resource's own over them."""
        return {**self.labels, **(draft.model.labels if draft.model else {})}

    def lifecycle(self, draft: Draft, keep_previous: int = 0) -> Lifecycle:
        """Return the user's word on replacing and deleting."""
        assert draft.model is not None
        if not keep_previous and "lifecycle" not in draft.model.model_fields_set:
            return USUAL
        said = draft.model.lifecycle
        check_ignored(draft, self.problems)
        return Lifecycle(
            protect=said.protect,
            ignore_changes=frozenset(said.ignore_changes),
            keep_on_destroy=said.keep_on_destroy,
            keep_previous=keep_previous if said.keep_previous is None else said.keep_previous,
        )
