"""What each provider takes that a dataset is for: the same file may be right for one only.

The facts with their sources are the catalog's. Findings name the provider. A plain chat fits every
provider that trains by supervised rows.
"""

from __future__ import annotations

from collections.abc import Iterator

from tunectl.catalog.dataset_rules import DatasetRules, dataset_rules, methods_of
from tunectl.core.errors import Severity
from tunectl.data.checks.form import form_of, no_place, out_of_place
from tunectl.data.checks.rule import (
    Context,
    ContextRule,
    Finding,
    Gatherer,
    GatheringRule,
    RowCheck,
    Rule,
    messages_of,
)
from tunectl.data.checks.structure import UNKNOWN_KEY, unknown_in_message, unknown_in_row
from tunectl.data.fingerprint import Row
from tunectl.data.marks import Marks
from tunectl.data.sensitive.names import shown
from tunectl.data.spec import TRAIN
from tunectl.data.targets import PREFERENCE, REINFORCEMENT

PROVIDER_ROWS = Rule(
    name="provider-rows",
    number="D04",
    hint="leave it out of the rows for that provider, or choose another provider",
    reason="what a provider does not take fails the job after the upload",
    shown=3,
)
WRONG_METHOD = Rule(
    name="wrong-method",
    number="D04",
    hint="choose the method that fits the rows, or other rows",
    reason="each method learns from rows of its own form",
)
ROW_COUNT = Rule(
    name="row-count",
    number="D10",
    hint="add rows, or hold fewer back with `split:`",
    reason="a provider refuses a file with too few or too many rows",
)
FEW_ROWS = Rule(
    name="few-rows",
    number="D10",
    hint="100 rows are a good beginning; allow it where fewer are meant",
    reason="from few rows a model learns their wording rather than their task",
    severity=Severity.WARNING,
)
FILE_SIZE = Rule(
    name="file-size",
    number="",
    hint="use `limit:`, or leave out what the model need not see",
    reason="a provider takes files up to a size only",
)
LAST_MESSAGE = Rule(
    name="last-message",
    number="D06",
    hint="let the row end with the question; the answer is the grader's to know",
    reason="in reinforcement the model gives the answer itself",
    methods=(REINFORCEMENT,),
)
_VALIDATION = "validation"


def rules_for(context: Context, method: str) -> list[DatasetRules]:
    """What is known of the targets that train by a method, each provider once."""
    found = {}
    for target in context.targets:
        known = dataset_rules(target.provider, target.method)
        if target.method == method and known is not None:
            found[target.provider] = known.of_model(target.model)
    return list(found.values())


def _provider_rows(context: Context) -> RowCheck | None:
    known = {rules.provider: rules for rules in rules_for(context, context.method)}
    forms = [
        (target, form)
        for target in dict.fromkeys(context.targets)
        if target.method == context.method and (form := form_of(target)) is not None
    ]
    if not known and not forms:
        return None
    # What no chat row has is told by `unknown-key`, unless that is silenced.
    told = context.asks(UNKNOWN_KEY) and UNKNOWN_KEY.name not in context.policy.allow

    def check(row: Row) -> Iterator[Finding]:
        said = set()
        for name, rules in known.items():
            for what in _refused(row, rules, told=told):
                said.add(name)
                yield Finding(f"`{name}` takes no {what}", about=name)
        for target, form in forms:
            if target.provider in said:
                continue
            for what in out_of_place(row, form, context.method, keys=not told):
                said.add(target.provider)
                yield no_place(target, form, what)

    return check


def _refused(row: Row, rules: DatasetRules, *, told: bool) -> Iterator[str]:
    asked = row.get("input") if rules.method == PREFERENCE else row
    if not isinstance(asked, dict):
        return
    elsewhere = unknown_in_row(asked) if told else frozenset()
    for key in sorted(asked.keys() - rules.keys - elsewhere) if rules.keys is not None else ():
        yield f"`{shown(key)}` in a row"
    for key in sorted(rules.needed - asked.keys()):
        yield f"row without `{key}`"
    for index, one in enumerate(messages_of(asked)):
        role = one.get("role")
        if rules.roles is not None and isinstance(role, str) and role not in rules.roles:
            yield f"role `{shown(role)}` (`messages[{index}]`)"
            continue
        elsewhere = unknown_in_message(one) if told else frozenset()
        for key in (
            sorted(one.keys() - rules.message_keys - elsewhere) if rules.message_keys else ()
        ):
            yield f"`{shown(key)}` in a message (`messages[{index}]`)"
        content = one.get("content")
        parts = content if rules.images is False and isinstance(content, list) else ()
        if any(isinstance(part, dict) and part.get("type") == "image_url" for part in parts):
            yield f"images for tuning (`messages[{index}]`)"


def _last_message(context: Context) -> RowCheck:
    strict = [rules for rules in rules_for(context, REINFORCEMENT) if rules.last is not None]

    def check(row: Row) -> Iterator[Finding]:
        messages = messages_of(row)
        last = messages[-1].get("role") if messages else None
        if last == "assistant":
            yield Finding("the last message is from `assistant`: the answer stands in the question")
            return
        for rules in strict:
            if last != rules.last:
                yield Finding(
                    f"`{rules.provider}` wants the last message from `{rules.last}`, "
                    f"and it is from `{shown(last)}`",
                    about=rules.provider,
                )

    return check


class _Tally:
    """Counts bytes of each split, and says what is too much or too little for whom."""

    def __init__(self, rule: Rule, context: Context) -> None:
        self._rule = rule
        self._context = context
        self._bytes: dict[int, int] = {}

    def take(self, index: int, split: int, row: Row, packed: bytes) -> None:  # noqa: ARG002
        """See the next row."""
        if self._rule is FILE_SIZE:
            self._bytes[split] = self._bytes.get(split, 0) + len(packed) + 1

    def wanted(
        self,
        index: int,  # noqa: ARG002
        split: int,
        packed: list[bytes],
        answers: list[str],  # noqa: ARG002
    ) -> tuple[int, ...]:
        """See all of some rows: only their bytes count."""
        if self._rule is FILE_SIZE:
            self._bytes[split] = self._bytes.get(split, 0) + sum(map(len, packed)) + len(packed)
        return ()

    def findings(self, marks: Marks) -> Iterator[Finding]:
        """Say which provider would refuse the dataset as a whole."""
        known = (
            rules.of_model(target.model)
            for target in self._context.targets
            if (rules := dataset_rules(target.provider, target.method)) is not None
        )
        found = dict.fromkeys(
            (rules.provider, what) for rules in known for what in self._found(rules, marks)
        )
        for provider, what in found:
            yield Finding(what, about=provider)

    def _found(self, rules: DatasetRules, marks: Marks) -> Iterator[str]:
        for number, split in enumerate(marks.splits):
            rows = marks.of_split.count(number)
            if self._rule is ROW_COUNT and rows:
                yield from _row_count(rules, split, rows)
            elif self._rule is FEW_ROWS and split == TRAIN:
                if rows < (rules.advised_rows or 0) and rows >= (rules.least_rows or 0):
                    yield f"`{split}` has {rows} {_rows(rows)}; {rules.title} advises more"
            elif self._rule is FILE_SIZE and rules.most_bytes is not None:
                size = self._bytes.get(number, 0)
                if size > rules.most_bytes:
                    yield (
                        f"`{split}` has {size / 2**20:,.0f} MB; {rules.title} takes files up to "
                        f"{rules.most_bytes / 2**20:,.0f} MB"
                    )


def _row_count(rules: DatasetRules, split: str, rows: int) -> Iterator[str]:
    has = f"`{split}` has {rows:,} {_rows(rows)}; {rules.title} takes at"
    if split == TRAIN and rules.least_rows is not None and rows < rules.least_rows:
        yield f"{has} least {rules.least_rows:,}"
    most = {TRAIN: rules.most_rows, _VALIDATION: rules.most_validation_rows}.get(split)
    if most is not None and rows > most:
        yield f"{has} most {most:,}"


def _rows(count: int) -> str:
    return "row" if count == 1 else "rows"


def _tally(rule: Rule) -> GatheringRule:
    def start(context: Context) -> Gatherer | None:
        return _Tally(rule, context) if context.targets else None

    return GatheringRule(rule, start)


def _wrong_method(context: Context) -> RowCheck | None:
    """Said once, with the first row: all rows are of one method."""
    wrong = list(_misfits(context))
    if not wrong:
        return None

    def check(_: Row) -> Iterator[Finding]:
        while wrong:
            yield wrong.pop(0)

    return check


def _misfits(context: Context) -> Iterator[Finding]:
    for target in dict.fromkeys(context.targets):
        known = methods_of(target.provider)
        if target.method != context.method:
            yield Finding(
                f"the rows are for `{context.method}`, and `{target}` trains `{target.method}`",
                about=str(target),
            )
        elif known and target.method not in known:
            yield Finding(
                f"`{target.provider}` is not known to train by `{target.method}`",
                about=str(target),
                severity=Severity.WARNING,
            )


BOUND = (
    ContextRule(PROVIDER_ROWS, _provider_rows),
    ContextRule(LAST_MESSAGE, _last_message),
    ContextRule(WRONG_METHOD, _wrong_method, plain=True),
)
GATHERING = (
    _tally(ROW_COUNT),
    _tally(FEW_ROWS),
    _tally(FILE_SIZE),
)
