"""What libyaml says about broken YAML, in words that help."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tunectl.config.node import File
from tunectl.core.errors import Diagnostic, Source
from tunectl.data.pattern import regex

if TYPE_CHECKING:
    import yaml

_QUOTES = regex("[“”„‟«»‘’‚‛]([^“”„‟«»‘’‚‛]*)[“”„‟«»‘’‚‛]")
_SPACES = regex("[\u00a0\u202f\u2007\u3000\u200b\u2060\ufeff]")
_HCL = regex(
    r"(?m)^\s*(resource|provider|variable|module|terraform|data|locals|output)\b[^:\n]*\{\s*$"
)

# libyaml's words, then ours and what to do. The first that occurs in the message counts.
_WORDS = (
    (
        "mapping values are not allowed",
        "a second `:` where a value belongs",
        "put a value that holds `: ` in quotes, or check the indentation",
    ),
    (
        "found unexpected end of stream",
        "quote is not closed",
        "close it where the text ends",
    ),
    (
        "found unexpected document indicator",
        "quote is not closed",
        "close it where the text ends",
    ),
    (
        "did not find expected ',' or '}'",
        "`{` is not closed",
        "add `}`, or a comma between the pairs",
    ),
    (
        "did not find expected ',' or ']'",
        "`[` is not closed",
        "add `]`, or a comma between the items",
    ),
    (
        "did not find expected key",
        "indentation does not fit the lines above",
        "keys of one map begin in the same column",
    ),
    (
        "did not find expected <document start>",
        "this line stands further left than the first one",
        "keys of one map begin in the same column",
    ),
    (
        "did not find expected '-' indicator",
        "a key stands where a list item belongs",
        "a list and a map cannot be mixed at one level",
    ),
    ("could not find expected ':'", "key without `:`", "write `key: value`"),
    ("found undefined alias", "alias without an anchor", "define `&name` before `*name`"),
    (
        "found unknown escape character",
        "unknown escape in double quotes",
        "use single quotes, in which a backslash is only a backslash",
    ),
    ("but found another document", "second document in one file", "remove the `---`"),
    ("found duplicate anchor", "anchor defined twice", "give each anchor its own name"),
    ("did not find expected node content", "a value is missing or misplaced here", ""),
    (
        "block sequence entries are not allowed",
        "a list item where none can stand",
        "begin the list on its own line",
    ),
    ("unknown directive", "`%` begins a directive", "put a text that begins with `%` in quotes"),
    (
        "found character that cannot start",
        "this character cannot begin a value",
        "put the text in quotes",
    ),
    ("control characters are not allowed", "control character in the text", "delete it"),
)


def wrapped_in_typographic_quotes(text: str) -> str | None:
    """Return what stands between typographic quotes when they enclose all of a text."""
    found = _QUOTES.fullmatch(text.strip())
    return found[1] if found else None


def has_odd_space(text: str) -> bool:
    """Whether a text holds a no-break, narrow, wide or invisible space."""
    return _SPACES.search(text) is not None


def is_key_with_odd_space(text: str) -> bool:
    """Whether a text is `key:` and a value with an odd space between: never meant as text."""
    return re.match(rf"[\w-]+:{_SPACES.pattern}", text) is not None


def foreign(file: File) -> Diagnostic | None:
    """Say that a file is in another language altogether: HCL or JSON with comments."""
    found = _HCL.search(file.text)
    if not found:
        return None
    line = file.text.count("\n", 0, found.start(1)) + 1
    return Diagnostic(
        summary="this is HCL, the language of Terraform",
        code="hcl",
        source=file.at(line, 1, len(found[0].strip())),
        hint="tunectl reads YAML: `tunectl init` writes an example to begin with",
    )


def explain(error: yaml.YAMLError, file: File) -> Diagnostic:
    """Return a diagnostic for a syntax error."""
    if pasted := foreign(file):
        return pasted
    source = _place(error, file)
    problem = str(getattr(error, "problem", None) or getattr(error, "reason", None) or error)
    if special := _special(problem, source, file):
        return special
    for theirs, ours, hint in _WORDS:
        if theirs in problem:
            opened = _began(error, file) if "closed" in ours else None
            return Diagnostic(summary=ours, hint=hint, code="yaml-syntax", source=opened or source)
    return Diagnostic(
        summary=f"not YAML: {problem}",
        code="yaml-syntax",
        source=source,
        hint="check quotes, brackets and indentation here and just above",
    )


def _special(problem: str, source: Source, file: File) -> Diagnostic | None:
    before = source.text[: max(0, source.column)]
    if "\t" in before and (not before.strip() or "tab" in problem):
        return Diagnostic(
            summary="tab used for indentation",
            code="tab",
            source=source,
            hint="YAML is indented with spaces: put two for each level",
        )
    if "expected key" in problem and (opened := _runaway_quote(source, file)):
        return Diagnostic(
            summary="quote is not closed",
            code="yaml-syntax",
            source=opened,
            hint=f"close it where the text ends; as it is, it ends only in line {source.line}",
        )
    if "expected key" in problem and re.search(r"""["']\s+\S?$""", before):
        return Diagnostic(
            summary="text after a closing quote",
            code="yaml-syntax",
            source=source,
            hint="put all of the value inside one pair of quotes",
        )
    for line in (source.line, source.line - 1):
        text = file.lines[line - 1] if 0 < line <= len(file.lines) else ""
        if found := _SPACES.search(text):
            return Diagnostic(
                summary="no-break space where a space belongs",
                code="no-break-space",
                source=file.at(line, found.start() + 1),
                hint="it was pasted from a web page; delete it and type a space",
            )
        if found := _QUOTES.search(text):
            return Diagnostic(
                summary="typographic quotes are not quotes in YAML",
                code="typographic-quotes",
                source=file.at(line, found.start() + 1, len(found[0])),
                hint=f'write `"{found[1]}"` with straight quotes',
            )
    return None


def _runaway_quote(source: Source, file: File) -> Source | None:
    """Return where the quoted text began that ends just before a place, lines further down."""
    import yaml

    last = None
    try:
        for token in yaml.scan(file.text, Loader=yaml.CSafeLoader):
            if token.start_mark.line + 1 >= source.line:
                break
            if isinstance(token, yaml.ScalarToken):
                last = token
    except yaml.YAMLError:
        return None  # broken in another way, further down or up
    if last is None or last.style not in {'"', "'"} or last.end_mark.line + 1 != source.line:
        return None
    return file.at(last.start_mark.line + 1, last.start_mark.column + 1)


def _place(error: yaml.YAMLError, file: File) -> Source:
    mark = getattr(error, "problem_mark", None)
    if mark is not None:
        line = min(mark.line + 1, max(1, len(file.lines)))
        return file.at(line, mark.column + 1)
    position = getattr(error, "position", None)
    if isinstance(position, int):
        before = file.text[:position]
        return file.at(before.count("\n") + 1, position - (before.rfind("\n") + 1) + 1)
    return Source(file.name)


def _began(error: yaml.YAMLError, file: File) -> Source | None:
    mark = getattr(error, "context_mark", None)
    return file.at(mark.line + 1, mark.column + 1) if mark is not None else None
