"""What stands in for data in buckets: a rehearsal passes no credentials on, so it cannot read them.

Law: never silently. Whoever rehearses is told which files were stood in for, and by what.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from tunectl.app.options import Options
from tunectl.app.rehearsing_rows import NothingStandsInError, document_for, rows_for
from tunectl.core.errors import ConfigError, Diagnostic
from tunectl.data.remote.patterns import fixed_part, matcher
from tunectl.server.clouds.serving import serving
from tunectl.server.clouds.world import World

if TYPE_CHECKING:
    from tunectl.config.remote_inputs import RemoteInput
    from tunectl.server.clouds.objects import Buckets

ROWS = 300  # of a file: after two generous splits still more than any service asks for
_DOCUMENTS = 3
# The variables by which the SDKs that read data find another server.
_FOUND_BY = {"gs": "STORAGE_EMULATOR_HOST", "s3": "AWS_ENDPOINT_URL_S3"}
_SET = re.compile(r"\[!?]?[^]]*]")


@dataclass(frozen=True)
class StoodIn:
    """What was stood in for.

    Attributes:
        notes: what to tell of it, a sentence each.
        made_up: the datasets and knowledge bases with made-up content, as `dataset.support`.
    """

    notes: tuple[str, ...] = ()
    made_up: frozenset[str] = frozenset()

    def concerns(self, diagnostic: Diagnostic) -> bool:
        """Tell whether a rule of data was applied to what is made up, which tells nothing."""
        named = f"{diagnostic.address} {diagnostic.summary}"
        return diagnostic.detail.startswith("rule `") and any(
            re.search(rf"(?<![\w.]){re.escape(one)}(?![\w.])", named) for one in self.made_up
        )


def stand_in_data(options: Options, samples: Mapping[str, Path], stack: ExitStack) -> StoodIn:
    """Put stand-ins where the declaration looks for data in buckets; return what was stood in for.

    The environment must be the rehearsal's own: it is told where the buckets are.

    Args:
        options: which project.
        samples: local files to stand in, by the source as it is declared.
        stack: what ends with the rehearsal.

    Raises:
        ConfigError: the declaration cannot be read, a sample cannot, or stands in for nothing, or
            no rows can be made up for a source.
    """
    from tunectl.config.remote_inputs import remote_inputs

    named = remote_inputs(
        options.root,
        environ=os.environ,
        env=options.env,
        variables=options.named,
        var_files=options.var_files,
    )
    found = [one for one in named if one.source.partition("://")[0] in _FOUND_BY]
    _check_samples(samples, [one.source for one in found])
    stores: dict[str, Buckets] = {}
    notes: dict[str, None] = {}
    for number, one in enumerate(found):
        scheme, _, rest = one.source.partition("://")
        if scheme not in stores:
            stores[scheme] = _store(scheme, stack)
        bucket, _, key = rest.partition("/")
        if not bucket or not key or key.endswith("/"):
            continue  # the reader says what is wrong with it
        buckets = stores[scheme]
        buckets.names = tuple({*buckets.names, bucket})
        sample = samples.get(one.source)
        files = _made(one, key, number) if sample is None else _sampled(sample, key)
        for name, content in files.items():
            if buckets.find(bucket, name) is None:
                buckets.put(bucket, name, content)
        notes[_told(one, sample, len(files))] = None
    made_up = {str(one.address) for one in found if one.source not in samples}
    return StoodIn(tuple(notes), frozenset(made_up))


def _store(scheme: str, stack: ExitStack) -> Buckets:
    """Serve empty buckets of their own: what a provider makes elsewhere is counted, this is not."""
    from tunectl.server.clouds.objects import S3, Buckets, CloudStorage

    world = World()
    buckets = Buckets(world, names=())
    cloud = (S3 if scheme == "s3" else CloudStorage)(world, buckets)
    os.environ[_FOUND_BY[scheme]] = stack.enter_context(serving(cloud, world))
    return buckets


def _made(one: RemoteInput, key: str, number: int) -> dict[str, bytes]:
    if one.spec is None:
        count = _DOCUMENTS if fixed_part(key) != key else 1
        return {_key(one, key, str(n)): document_for(number * _DOCUMENTS + n) for n in range(count)}
    name = _key(one, key, "0")
    numbers = range(number * ROWS, (number + 1) * ROWS)
    try:
        return {name: rows_for(one.spec, one.method, one.graded, name, numbers)}
    except NothingStandsInError as error:
        raise ConfigError.of(
            f"nothing can stand in for `{one.source}`: {error}",
            hint="give a few rows of your own: "
            f"`tunectl rehearse --sample '{one.source}=tests/rows.jsonl'`",
            code="not-rehearsable",
            address=str(one.address),
        ) from None


def _sampled(sample: Path, key: str) -> dict[str, bytes]:
    try:
        content = sample.read_bytes()
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise ConfigError.of(f"`{sample}` cannot be read: {why}", code="unreadable") from None
    name = key if fixed_part(key) == key else _plain(key, "0")
    return {name: content}


def _key(one: RemoteInput, key: str, filled: str) -> str:
    """Return a name that the pattern matches.

    Raises:
        ConfigError: none was found.
    """
    if fixed_part(key) == key:
        return key
    name = _plain(key, filled)
    if one.spec is None and not PurePosixPath(name).suffix:
        name += ".md" if matcher(key)(f"{name}.md") else ""
    if matcher(key)(name):
        return name
    raise ConfigError.of(
        f"no name was found that `{one.source}` matches",
        hint="name the files one by one, or with `*`",
        code="not-rehearsable",
        address=str(one.address),
    )


def _plain(pattern: str, filled: str) -> str:
    """Return the pattern with something in each place that it leaves open.

    >>> _plain("rows/**/a-[xy]?*.jsonl", "0")
    'rows/stand-in/a-xs0.jsonl'
    """
    parts = ("stand-in" if part == "**" else part for part in pattern.split("/"))
    name = _SET.sub(lambda found: _one_of(found[0]), "/".join(parts))
    return name.replace("**", "*").replace("*", filled).replace("?", "s")


def _one_of(choice: str) -> str:
    """Return a character that `[…]` takes, or that `[!…]` does not exclude."""
    inside = choice[1:-1]
    if not inside.startswith("!"):
        return inside[0]
    return next((c for c in "0123456789abcdefghijklmnopqrstuvwxyz_" if c not in inside), "-")


def _check_samples(samples: Mapping[str, Path], sources: list[str]) -> None:
    wrong = []
    for source in samples:
        if source in sources:
            continue
        close = get_close_matches(source, sources, n=1)
        hint = f"did you mean `{close[0]}`?" if close else "it is the source as it is declared"
        text = f"a sample is given for `{source}`, which no dataset and no knowledge base names"
        wrong.append(Diagnostic(summary=text, hint=hint, code="unknown-sample"))
    if wrong:
        raise ConfigError(tuple(wrong))


def _told(one: RemoteInput, sample: Path | None, count: int) -> str:
    what = "rows" if one.spec is not None else "documents"
    if sample is not None:
        made = f"`{sample.name}`"
    elif one.spec is None:
        made = f"{count} made-up documents" if count > 1 else "a made-up document"
    else:
        made = f"{ROWS} made-up rows"
    verb = "stand" if sample is None and (one.spec is not None or count > 1) else "stands"
    return (
        f"`{one.address}`: {made} {verb} in for `{one.source}`; the {what} there are neither read "
        "nor checked"
    )
