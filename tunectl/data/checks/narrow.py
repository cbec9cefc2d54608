"""Forms that have no place for every plain chat: two texts are fewer than one may say."""

from __future__ import annotations

from collections.abc import Iterator

from tunectl.data.checks.form import form_of, no_place, out_of_place
from tunectl.data.checks.plain import is_plain
from tunectl.data.checks.providers import PROVIDER_ROWS
from tunectl.data.checks.rule import Context, ContextRule, Finding, RowCheck
from tunectl.data.fingerprint import Row
from tunectl.data.targets import SUPERVISED


def _plain_rows(context: Context) -> RowCheck | None:
    """What `provider-rows` says of the others, said of plain rows."""
    formed = [
        (target, form)
        for target in dict.fromkeys(context.targets)
        if target.method == context.method == SUPERVISED and (form := form_of(target)) is not None
    ]
    if not formed:
        return None
    from tunectl.data.wire.prompt_completion import PROMPT_COMPLETION  # as `form_of` does

    narrow = PROMPT_COMPLETION.of[SUPERVISED]
    # Of several models of one provider the first is told.
    those = {target.provider: target for target, form in reversed(formed) if form is narrow}
    if not those:
        return None

    def check(row: Row) -> Iterator[Finding]:
        if not is_plain(row):
            return  # asked already
        what = next(out_of_place(row, narrow, SUPERVISED, keys=True), None)
        if what is not None:
            for target in those.values():
                yield no_place(target, narrow, what)

    return check


BOUND = (ContextRule(PROVIDER_ROWS, _plain_rows, plain=True),)
