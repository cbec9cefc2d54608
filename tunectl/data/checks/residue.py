"""What was left behind by the way the text was made: markup, templates, machine phrases."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tunectl.core.errors import Severity
from tunectl.data.checks.rule import Finding, RowRule, Rule
from tunectl.data.checks.texts import said_by
from tunectl.data.checks.wording import any_of, stems
from tunectl.data.fingerprint import Row
from tunectl.data.pattern import regex

MARKUP_RESIDUE = Rule(
    name="markup-residue",
    number="D20",
    hint="take the text out of its markup, or put code between backticks",
    reason="the model learns to answer with the tags and entities of some web page",
    severity=Severity.WARNING,
    shown=3,
)
TEMPLATE_RESIDUE = Rule(
    name="template-residue",
    number="D20",
    hint="fill the template in before the rows are written",
    reason="a gap that was never filled in is learned as part of the answer",
    severity=Severity.WARNING,
    shown=3,
)
BOILERPLATE = Rule(
    name="boilerplate",
    number="D20",
    hint="write the answer as a person of yours would",
    reason="stock phrases of another model become the voice of this one",
    severity=Severity.WARNING,
    shown=3,
)
_CODE = regex(r"```.*?(?:```|\Z)|`[^`\n]*`", re.DOTALL)
_TAGS = (
    "p|br|hr|div|span|b|i|u|s|strong|em|a|ul|ol|li|table|tbody|thead|tr|td|th|h[1-6]|img|font|sup|"
    "sub|script|style|center|blockquote|pre|nbsp"
)
_MARKUP = regex(
    rf"</?(?:{_TAGS})(?:\s+[\w:-]+\s*=\s*(?:\"[^\"]*\"|'[^']*')|\s)*\s*/?>"
    r"|&(?:nbsp|amp|lt|gt|quot|apos|laquo|raquo|ndash|mdash|hellip|bdquo|rdquo|#\d{2,5}|#x[0-9a-f]{2,5});",
    re.IGNORECASE,
)
_GAPS = (
    "[insert", "[your", "[enter", "[imię", "[nazwa", "[nazwisko", "[wstaw", "[twoje", "[twój",
    "[имя", "[название", "[вставьте", "[ваше", "[ваш ",
)  # fmt: skip
_GAP = any_of(_GAPS, end=r"[^\]\n(]{0,40}\](?!\()")
_TEMPLATE = regex(
    r"\{\{[-\s]*[^\W\d][\w.\s|()'\"\[\]]{0,60}\}\}|\{%-?\s*\w[^%\n]{0,80}%\}"
    r"|\$\{[^\W\d]\w{0,40}\}"
)
# Where templates are spoken of, their gaps are what is taught.
_EXPLAINS = regex(
    r"\bjinja|\bmustache|\bhandlebars|\btemplat|\bplaceholder|\bszablon|шаблон|плейсхолдер",
    re.IGNORECASE,
)
_FILLERS = (b"todo", b"fixme", b"tbd", b"lorem")
_FILLER = regex(r"(?i:\blorem ipsum\b)|\b(?:TO[D]O|FIX[M]E|TBD)\b\s*:")
_PHRASES = (
    "as an ai language model", "as a language model", "as a large language model",
    "as an ai assistant", "as an artificial intelligence", "my knowledge cutoff",
    "my last knowledge update", "as of my last update", "i don't have personal opinions",
    "jako model językowy", "jako sztuczna inteligencja", "jako asystent ai",
    "jako duży model językowy", "как языковая модель", "как искусственный интеллект",
    "как большая языковая модель", "я всего лишь языковая модель",
)  # fmt: skip
_BOILERPLATE = any_of(_PHRASES)


def _markup_residue(row: Row) -> Iterator[Finding]:
    for one in said_by(row, "system", "developer", "user", "assistant"):
        found = _MARKUP.findall(_CODE.sub("", one.text))
        if found:
            times = "one tag or entity" if len(found) == 1 else f"{len(found)} tags or entities"
            yield Finding(f"`{one.path}` holds {times} of HTML")


def _template_residue(row: Row) -> Iterator[Finding]:
    texts = list(said_by(row, "system", "developer", "user", "assistant"))
    explained = any(_EXPLAINS.search(one.text) for one in texts)
    for one in texts:
        bare = _CODE.sub("", one.text)
        if (not explained and _TEMPLATE.search(bare)) or _GAP.search(bare):
            yield Finding(f"`{one.path}` holds a gap of a template that was not filled in")
        elif _FILLER.search(bare):
            yield Finding(
                f"`{one.path}` holds filler text (`lorem ipsum`, a note of what is to be done)"
            )


def _boilerplate(row: Row) -> Iterator[Finding]:
    for one in said_by(row, "assistant"):
        if _BOILERPLATE.search(one.text):
            yield Finding(f"`{one.path}` speaks as a language model speaks of itself")


_TAG_NEEDLES = tuple(
    f"<{tag}{end}".encode()
    for tag in _TAGS.replace("h[1-6]", "h0").split("|")
    for end in (">", " ", "\\")
)
_ENTITY_NEEDLES = tuple(
    f"{entity};".encode()
    for entity in (
        "&nbsp",
        "&amp",
        "&lt",
        "&gt",
        "&quot",
        "&apos",
        "aquo",
        "dash",
        "&hellip",
        "dquo",
    )
)
RULES = (
    RowRule(
        MARKUP_RESIDUE, _markup_residue, (b"</", b"/>", b"&#", *_ENTITY_NEEDLES, *_TAG_NEEDLES)
    ),
    RowRule(TEMPLATE_RESIDUE, _template_residue, (*stems(_GAPS), b"{{", b"{%", b"${", *_FILLERS)),
    RowRule(BOILERPLATE, _boilerplate, stems(_PHRASES)),
)
