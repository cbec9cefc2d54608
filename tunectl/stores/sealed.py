"""Client-side encryption: a store whose objects and log lines only holders of the key can read.

Law: what is sealed and cannot be opened is refused by name and is never read as "nothing there".
What is not sealed yet is read as it is, and sealed when it is next written.

AES-256 in Galois/Counter Mode (NIST SP 800-38D, 2007-11) with a random nonce of 96 bits, so one
key is good for 2^32 objects and lines. The name of the object is bound as associated data: content
that was put in another's place does not open. An envelope is one JSON line that names its key:
`{"tunectl_sealed":1,"key":"1f0c9a2b","data":"…"}`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import field
from typing import TYPE_CHECKING

import orjson

from tunectl.core.dataclass import dataclass
from tunectl.core.errors import ConfigError, StateError
from tunectl.core.ports import Blob, Holder, Lease, Store

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

VARIABLE = "TUNECTL_STATE_KEY"
PREVIOUS = "TUNECTL_STATE_KEY_PREVIOUS"
MAKE_ONE = "make one with `openssl rand -base64 32`, and keep a copy: there is no way in without it"

_RESTORE = "restore a copy: `tunectl state history` lists what is kept"
_VERSION = 1
_BEGIN = b'{"tunectl_sealed":'
_KEY_BYTES, _NONCE_BYTES = 32, 12
# A kept generation is the very content that the snapshot had, under another name.
_KEPT = r"(?P<folder>(?:[^/]+/)*)history/(?P<name>.+?\.(?:json|journal))\.[^/]+"

_LOG = r"history/[^/]+?\.journal\.[^/]+"


@dataclass(frozen=True, slots=True)
class Key:
    """A secret of 32 bytes.

    Attributes:
        id: eight hexadecimal digits that tell keys apart and tell nothing of the secret.
    """

    secret: bytes = field(repr=False)

    @property
    def id(self) -> str:
        """The key's short name."""
        return hashlib.sha256(b"tunectl state key\0" + self.secret).hexdigest()[:8]


@dataclass(frozen=True, slots=True)
class Keys:
    """What seals and what opens.

    Attributes:
        current: seals; None leaves what is written as it is.
        previous: open what was sealed before the key was changed.
    """

    current: Key | None = None
    previous: tuple[Key, ...] = ()

    def seal(self, name: str, content: bytes) -> bytes:
        """Return the envelope of some content; the content itself where there is no key.

        Args:
            name: the object's name, which the envelope is bound to.
            content: what to seal.

        Raises:
            ConfigError: the library is not installed.
        """
        if self.current is None:
            return content
        nonce = os.urandom(_NONCE_BYTES)
        sealed = _cipher(self.current).encrypt(nonce, content, _bound(name))
        data = base64.b64encode(nonce + sealed).decode("ascii")
        return orjson.dumps({"tunectl_sealed": _VERSION, "key": self.current.id, "data": data})

    def open(self, name: str, content: bytes, shown: str = "", hint: str = _RESTORE) -> bytes:
        """Return what is in an envelope; what is not sealed comes back as it is.

        Args:
            name: the object's name, which the envelope is bound to.
            content: as stored.
            shown: what the user calls it, where that is something else.
            hint: what to do when it is damaged.

        Raises:
            StateError: it is sealed, and no key given opens it.
            ConfigError: the library is not installed.
        """
        if not is_sealed(content):
            return content
        shown = shown or name
        key_id, data = _envelope(shown, content, hint)
        key = next((k for k in self._known() if k.id == key_id), None)
        if key is None:
            raise self._refusal(shown, key_id)
        cipher = _cipher(key)
        from cryptography.exceptions import InvalidTag

        try:
            return cipher.decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], _bound(name))
        except InvalidTag as error:
            raise StateError.of(
                f"`{shown}` was altered outside tunectl, or put in the place of another: "
                "its seal does not fit",
                hint=hint,
                code="state-tampered",
            ) from error

    def _known(self) -> Iterator[Key]:
        if self.current is not None:
            yield self.current
        yield from self.previous

    def _refusal(self, name: str, key_id: str) -> StateError:
        known = ", ".join(f"`{key.id}`" for key in self._known())
        if not known:
            return StateError.of(
                f"`{name}` is sealed with the key `{key_id}`, and no key is given",
                hint=f"set `{VARIABLE}` to the key it was sealed with",
                code="state-sealed",
            )
        return StateError.of(
            f"`{name}` is sealed with the key `{key_id}`, which is not the one given: {known}",
            hint=f"set `{VARIABLE}` to the key it was sealed with; after a change of keys the old "
            f"one goes into `{PREVIOUS}`",
            code="state-wrong-key",
        )

    @property
    def only_opening(self) -> Keys:
        """The same keys, with none to seal with."""
        return Keys(None, tuple(self._known()))

    def sealed_now(self, content: bytes) -> bool:
        """Tell whether some stored bytes are as this key would leave them: sealed with it."""
        if self.current is None:
            return not is_sealed(content)
        return is_sealed(content) and _envelope("", content)[0] == self.current.id


def is_sealed(content: bytes) -> bool:
    """Tell whether stored bytes are an envelope."""
    return content.startswith(_BEGIN)


def keys_from(environ: Mapping[str, str]) -> Keys:
    """Read the keys: `TUNECTL_STATE_KEY`, and older ones from `TUNECTL_STATE_KEY_PREVIOUS`.

    Each is 32 bytes in base64; several older ones are separated by commas.

    Raises:
        ConfigError: one is not of that form. The message never shows it.
    """
    current = _key(VARIABLE, environ.get(VARIABLE, ""))
    older = environ.get(PREVIOUS, "").split(",")
    previous = tuple(key for text in older if (key := _key(PREVIOUS, text)) is not None)
    if previous and current is None:
        raise ConfigError.of(
            f"`{PREVIOUS}` is set without `{VARIABLE}`",
            hint=f"set `{VARIABLE}` to the key to seal with from now on",
            code="state-key",
        )
    return Keys(current, previous)


def _key(variable: str, text: str) -> Key | None:
    if not (text := text.strip()):
        return None
    try:
        secret = base64.b64decode(text.translate(_URL_SAFE), validate=True)
    except (binascii.Error, ValueError):
        secret = b""
    if len(secret) != _KEY_BYTES:
        raise ConfigError.of(
            f"`{variable}` is not a key: it must be 32 bytes in base64 (44 characters)",
            hint=MAKE_ONE,
            code="state-key",
        )
    return Key(secret)


_URL_SAFE = str.maketrans("-_", "+/")


class SealedStore:
    """A store that seals what it is given and opens what it reads. Names stay readable."""

    def __init__(self, inner: Store, keys: Keys) -> None:
        self.inner = inner
        self.keys = keys

    def read(self, name: str) -> Blob | None:
        """Return the content, None when it does not exist.

        Raises:
            StateError: it is sealed, and no key given opens it.
        """
        blob = self.inner.read(name)
        return None if blob is None else Blob(self.keys.open(name, blob.content), blob.generation)

    def write(self, name: str, content: bytes, *, expected: str | None) -> str:
        """Seal and write when the generation is still `expected` (None: must not exist).

        Raises:
            StaleError: when it is not.
        """
        return self.inner.write(name, self.keys.seal(name, content), expected=expected)

    def append(self, name: str, lines: Sequence[bytes]) -> None:
        """Seal each line and append them."""
        self.inner.append(name, [self.keys.seal(name, line) for line in lines])

    def entries(self, name: str) -> Iterator[bytes]:
        """Yield the lines of a log.

        Raises:
            StateError: one is sealed, and no key given opens it.
        """
        for line in self.inner.entries(name):
            yield self.keys.open(name, line)

    def list(self, prefix: str) -> Iterable[str]:
        """Return the names that begin so."""
        return self.inner.list(prefix)

    def delete(self, name: str) -> None:
        """Remove it; missing is fine."""
        self.inner.delete(name)

    def lock(
        self, name: str, operation: str, *, timeout: float = 0.0
    ) -> AbstractContextManager[Lease]:
        """Hold the lock for the life of the context.

        Raises:
            LockError: naming the holder, when it is held for longer than `timeout` seconds.
        """
        return self.inner.lock(name, operation, timeout=timeout)

    def holder(self, name: str) -> Holder | None:
        """Return who holds the lock now."""
        return self.inner.holder(name)

    def break_lock(self, name: str, lock_id: str) -> None:
        """Remove a lock by its id.

        Raises:
            LockError: when the id is not the holder's.
        """
        self.inner.break_lock(name, lock_id)

    def reseal(self, name: str, *, spare: bool = False) -> bool:
        """Write one object again as the current key leaves it; return whether that was needed.

        Args:
            name: of the object; never of a log.
            spare: a run can do without it: it is removed and made again, and leaves no old copy
                in the history. Else it is replaced in one step, as any write does it.

        Raises:
            StateError: no key given opens it.
            StaleError: someone else wrote meanwhile.
        """
        blob = self.inner.read(name)
        if blob is None:
            return False
        # A journal that was put aside holds sealed lines; anything else is sealed as a whole.
        parts = blob.content.split(b"\n") if re.fullmatch(_LOG, name) else [blob.content]
        if all(self.keys.sealed_now(part) for part in parts if part):
            return False
        fresh = b"\n".join(self.keys.seal(name, self.keys.open(name, p)) if p else p for p in parts)
        if spare:
            self.inner.delete(name)
        self.inner.write(name, fresh, expected=None if spare else blob.generation)
        return True


def beneath(store: Store) -> Store:
    """Return the store that holds the bytes as they are, sealed or not."""
    return store.inner if isinstance(store, SealedStore) else store


def _bound(name: str) -> bytes:
    kept = re.fullmatch(_KEPT, name)
    return b"tunectl:1:" + (kept["folder"] + kept["name"] if kept else name).encode("utf-8")


def _envelope(name: str, content: bytes, hint: str = _RESTORE) -> tuple[str, bytes]:
    """Return the key's id and the nonce with what follows it."""
    try:
        tree = orjson.loads(content)
        version, key_id = tree["tunectl_sealed"], str(tree["key"])
        data = base64.b64decode(str(tree["data"]), validate=True) if version == _VERSION else b""
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise StateError.of(
            f"`{name}` is sealed, and truncated or damaged",
            hint=hint,
            code="state-damaged",
        ) from error
    if version != _VERSION:
        raise StateError.of(
            f"`{name}` is sealed in form {version}; this version opens form {_VERSION}",
            hint="it was sealed by a newer version: upgrade this one",
            code="state-newer",
        )
    if len(data) <= _NONCE_BYTES:
        raise StateError.of(f"`{name}` is sealed, and damaged", hint=hint, code="state-damaged")
    return key_id, data


def _cipher(key: Key) -> AESGCM:
    try:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    except ModuleNotFoundError as error:
        raise ConfigError.of(
            f"`{VARIABLE}` needs the package `cryptography`, which is not installed",
            hint="pip install 'tunectl[encryption]'",
            code="missing-extra",
        ) from error
    return AESGCM(key.secret)
