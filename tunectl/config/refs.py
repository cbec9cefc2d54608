"""References: text such as `tuning_job.support["pl"].model_id` to the address it means."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import field

from tunectl.config.expression import BadExpressionError, looked_up
from tunectl.config.problems import Problems, did_you_mean, listed
from tunectl.config.scope import Broken, Scope
from tunectl.core.dataclass import dataclass
from tunectl.core.errors import Source
from tunectl.core.value import Address, Ref
from tunectl.kinds import DERIVED, KINDS

_FORM = re.compile(
    r"""(?P<path>\w+(?:\.\w+)+)
        (?:\[\s*(?P<index>"(?:[^"\\]|\\.)*"|'[^'\\]*'|\w+(?:\.\w+)*)\s*\])?
        (?P<rest>(?:\.\w+)*)""",
    re.VERBOSE,
)


_HEADS = frozenset((*KINDS, *DERIVED))


def starts_with_kind(text: str) -> bool:
    """Whether a text is a reference and nothing else: its first dotted part is a kind."""
    head, dot, _ = text.partition(".")
    return bool(dot) and head in _HEADS


@dataclass(frozen=True, slots=True)
class References:
    """Knows every declared resource.

    Attributes:
        known: the keys of each `for_each`, None for a resource without one; by kind and path.
        problems: takes what is wrong with a reference.
        unusable: kinds whose names could not all be read; an unknown one of these was told of.
        unread: modules of which a file could not be read, which was told: all may stand in it.
    """

    known: Mapping[tuple[str, tuple[str, ...]], Sequence[str] | None]
    problems: Problems
    unusable: Collection[str] = ()
    unread: Collection[tuple[str, ...]] = ()
    # What was asked before: thousands of resources name the same dataset. What is known grows
    # while it is gathered, so only what was found is remembered.
    _named: dict[tuple[str, tuple[str, ...]], Ref] = field(default_factory=dict, compare=False)

    def named(self, text: str, scope: Scope) -> Ref | None:
        """Return what the usual `kind.name` means; None for any other form, right or wrong."""
        asked = (text, scope.module)
        if (before := self._named.get(asked)) is not None:
            return before
        kind, _, name = text.partition(".")
        path = (*scope.module, name)
        if self.known.get((kind, path), ()) is not None:
            return None
        return self._named.setdefault(asked, Ref(Address(kind, path)))

    def looks_like_one(self, text: str) -> bool:
        """Whether a text has the form of a reference."""
        return _FORM.fullmatch(unicodedata.normalize("NFC", text)) is not None

    def resolve(
        self, text: str, scope: Scope, source: Source, *, whole: bool = False
    ) -> Ref | None:
        """Return the address and the output a text means, None when it means nothing.

        Args:
            text: the reference as written.
            scope: where it is written.
            source: the place to show problems at.
            whole: whether all resources of a `for_each` may be meant; then the key is left out.
        """
        text = unicodedata.normalize("NFC", text)  # as the names are
        found = _FORM.fullmatch(text)
        if not found:
            self.problems.error(
                f"`{text}` is not a reference",
                source,
                code="bad-reference",
                hint="such as `tuning_job.support` or `tuning_job.support[each.key]`",
            )
            return None
        kind, *parts = found["path"].split(".")
        rest = tuple(found["rest"].split(".")[1:])
        if kind in DERIVED:
            self.problems.error(
                f"nobody may refer to an `{kind}`",
                source,
                code="derived-kind",
                hint="refer to the dataset it is made from",
            )
            return None
        path, after = self._longest(kind, parts, scope, indexed=found["index"] is not None)
        if path is None:
            if kind in self.unusable or self._unread((*scope.module, *parts)):
                return None
            self._unknown(kind, parts, text, scope, source)
            return None
        return self._keyed(
            Address(kind, path), found["index"], (*after, *rest), scope, source, whole
        )

    def _unread(self, path: tuple[str, ...]) -> bool:
        return any(len(path) > len(one) and path[: len(one)] == one for one in self.unread)

    def _longest(
        self, kind: str, parts: Sequence[str], scope: Scope, *, indexed: bool
    ) -> tuple[tuple[str, ...] | None, tuple[str, ...]]:
        shortest = len(parts) if indexed else 1
        for length in range(len(parts), shortest - 1, -1):
            path = (*scope.module, *parts[:length])
            if (kind, path) in self.known:
                return path, tuple(parts[length:])
        return None, ()

    def _keyed(  # the parts of one reference
        self,
        address: Address,
        index: str | None,
        rest: tuple[str, ...],
        scope: Scope,
        source: Source,
        whole: bool,
    ) -> Ref | None:
        keys = self.known[address.kind, address.path]
        if index is None:
            if keys is None or whole:
                return self._with_output(address, rest, source)
            example = Address(address.kind, address.path, keys[0] if keys else "key")
            self.problems.error(
                f"`{address}` is several resources",
                source,
                code="key-missing",
                hint=f"say which: `{example}`, or `{address}[each.key]` under a `for_each`",
            )
            return None
        key = self._index(index, scope, source)
        if key is None:
            return None
        if keys is None:
            self.problems.error(
                f"`{address}` has no keys", source, code="key-unknown", hint=f"write `{address}`"
            )
            return None
        if key not in keys:
            self.problems.error(
                f"`{address}` has no key `{key}`",
                source,
                code="key-unknown",
                hint=did_you_mean(key, keys, f"its keys are {listed(keys)}"),
            )
            return None
        return self._with_output(Address(address.kind, address.path, key), rest, source)

    def _index(self, index: str, scope: Scope, source: Source) -> str | None:
        if index.startswith('"'):
            return str(json.loads(index))
        if index.startswith("'"):
            return index[1:-1]
        root, *path = index.split(".")
        try:
            value = looked_up(root, path, scope, secrets=False)
        except BadExpressionError as error:
            self.problems.error(error.summary, source, code=error.code, hint=error.hint)
            return None
        if isinstance(value, str):
            return value
        if not isinstance(value, Broken):
            self.problems.error(
                f"`[{index}]` is not text", source, code="bad-reference", hint="a key is text"
            )
        return None

    def _with_output(self, address: Address, rest: tuple[str, ...], source: Source) -> Ref | None:
        outputs = KINDS.named[address.kind].facts.outputs
        if rest and outputs and rest[0] not in outputs:
            self.problems.error(
                f"`{address}` has no output `{rest[0]}`",
                source,
                code="unknown-output",
                hint=did_you_mean(rest[0], outputs, f"its outputs are {listed(outputs)}"),
            )
            return None
        return Ref(address, rest)

    def completed(self, ref: Ref, source: Source) -> Ref | None:
        """Return a reference that names an output: the kind's main one when it names none."""
        if ref.path:
            return ref
        main = KINDS.named[ref.address.kind].facts.main_output
        if main is None:
            self.problems.error(
                f"`{ref}` names no output",
                source,
                code="unknown-output",
                hint=f"name one: `{ref}.…`",
            )
            return None
        return Ref(ref.address, (main,))

    def _unknown(
        self, kind: str, parts: Sequence[str], text: str, scope: Scope, source: Source
    ) -> None:
        wanted = ".".join((kind, *parts))
        here = [
            ".".join((known, *path[len(scope.module) :]))
            for known, path in self.known
            if path[: len(scope.module)] == scope.module
        ]
        same = [name for name in here if name.startswith(f"{kind}.")]
        hint = did_you_mean(wanted, same)
        if not hint:
            others = [name for name in here if name.split(".")[1:] == list(parts[:1])]
            hint = f"there is `{others[0]}`" if others else did_you_mean(wanted, here)
        if not hint and scope.module and (kind, tuple(parts[:1])) in self.known:
            hint = "a module sees only its own resources: pass it in with `with:`"
        if not hint:
            hint = f"declared are {listed(same)}" if same else f"no `{kind}` is declared"
        self.problems.error(
            f"there is no `{wanted if kind in KINDS else text}`",
            source,
            code="unknown-reference",
            hint=hint,
        )
