"""Add entries to a person's file: nothing else in it moves, and comments survive.

Lines are put in where the file has block style; only what is written in flow style goes through a
round trip. Either way the result is read again: it must say what it said before, and the new entry.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping, Sequence

from tunectl.config.node import File, Node, plain
from tunectl.config.problems import Problems
from tunectl.config.source import parse, typed
from tunectl.config.template import MARK
from tunectl.core.errors import ConfigError

_PLAIN = re.compile(r"[\w./+@%-][\w./+@%:-]*[\w./+@%-]|[\w]")
# What YAML takes for a line break, or not at all (YAML 1.2.2, 5.1 and 5.4).
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
_STEP = "  "


def scalar(value: object) -> str:
    """Return a scalar as YAML, quoted where it must be; what looks like `${` stays literal."""
    if value is None or isinstance(value, bool | int | float):
        return json.dumps(value)
    text = str(value).replace(MARK, "$" + MARK)
    bare = _PLAIN.fullmatch(text) and typed(text) == text and not text.startswith(("-", "%", "@"))
    if bare:
        return text
    if '"' in text and "'" not in text and text.isprintable():
        return f"'{text}'"
    quoted = json.dumps(text, ensure_ascii=False)
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", quoted)


def flow(value: object) -> str:
    """Return a value on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{scalar(k)}: {flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(flow, value)) + "]"
    return scalar(value)


def add_to_list(text: str, file: str, key: str, entry: Mapping[str, object]) -> str:
    """Return a file's text with one more entry in a list at its top level.

    Raises:
        ConfigError: the text is not YAML, or the entry cannot be put in safely.
    """
    root = _read(text, file)
    before = plain(root) if root is not None else {}
    node = root.find((key,))[0] if root is not None and _has(root, key) else None
    line = f"- {flow(entry)}"
    if node is None:
        done = _appended(text, f"{key}:\n{_STEP}{line}\n")
    elif isinstance(node.value, list) and node.value and (at := _dash(node)) is not None:
        done = _inserted(text, _last_line(node), f"{at}{line}")
    else:
        done = _round_trip(text, key, entry)
    wanted = {**_map(before), key: [*_list(_map(before).get(key)), dict(entry)]}
    return _checked(done, file, wanted, line)


def add_block(text: str, file: str, kind: str, name: str, lines: Sequence[str]) -> str:
    """Return a file's text with one more resource of a kind.

    Args:
        text: the file's content.
        file: its name, for messages.
        kind: the kind.
        name: the resource's name.
        lines: its fields as YAML, comments included, without indentation.

    Raises:
        ConfigError: the text is not YAML, or the resource cannot be put in safely.
    """
    root = _read(text, file)
    before = plain(root) if root is not None else {}
    node = root.find((kind,))[0] if root is not None and _has(root, kind) else None
    shown = "\n".join((f"{name}:", *(f"{_STEP}{line}" for line in lines)))
    if node is None:
        done = _appended(text, f"{kind}:\n{_indented(shown, _STEP)}\n")
    elif node.key is None or (isinstance(node.value, dict) and _is_flow(node)):
        raise _by_hand(file, shown)
    else:
        children = [child for _, child in node.items()]
        indent = " " * (children[0].key[1] - 1) if children and children[0].key else _STEP
        done = _inserted(text, node.key[0], _indented(shown, indent))
    alone, old = _read("\n".join(lines), file), _map(before)
    fields = plain(alone) if alone is not None else None
    wanted = {**old, kind: {name: fields, **_map(old.get(kind))}}
    return _checked(done, file, wanted, shown)


def _read(text: str, file: str) -> Node | None:
    problems = Problems()
    root = parse(File(file, text), problems)
    problems.stop()
    if root is not None and not isinstance(root.value, dict):
        raise ConfigError.of(f"`{file}` must be a map", hint="`tunectl validate` says more")
    return root


def _has(root: Node, key: str) -> bool:
    return isinstance(root.value, dict) and key in root.value


def _map(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _appended(text: str, block: str) -> str:
    kept = text.rstrip("\n \t")
    return f"{kept}\n\n{block}" if kept else block


def _inserted(text: str, line: int, block: str) -> str:
    """Put lines in after a line."""
    lines = text.split("\n")
    return "\n".join([*lines[:line], *block.split("\n"), *lines[line:]])


def _indented(text: str, indent: str) -> str:
    return "\n".join(f"{indent}{line}" for line in text.split("\n"))


def _is_flow(node: Node) -> bool:
    text = node.file.lines[node.line - 1] if node.line <= len(node.file.lines) else ""
    return text[node.column - 1 : node.column] == "{"


def _dash(node: Node) -> str | None:
    """Return what stands before the dash of a block list, None for a list in flow style."""
    assert isinstance(node.value, list)
    first = node.value[0]
    found = re.match(r"(\s*)-\s", node.file.lines[first.line - 1])
    return found[1] if found else None


def _last_line(node: Node) -> int:
    children = node.value if isinstance(node.value, list) else [c for _, c in node.items()]
    return max([node.line, *(_last_line(child) for child in children)])


def _round_trip(text: str, key: str, entry: Mapping[str, object]) -> str:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    yaml = YAML(typ="rt")
    yaml.preserve_quotes = True
    yaml.width = 100_000
    yaml.indent(mapping=2, sequence=4, offset=2)
    stream = io.StringIO()
    try:
        tree = yaml.load(text)
        if tree.get(key):
            tree[key].append(dict(entry))
        else:
            tree[key] = [dict(entry)]
        yaml.dump(tree, stream)
    except (YAMLError, ValueError, TypeError, AttributeError, KeyError, IndexError):
        return ""  # what it cannot keep is told of by the check
    return stream.getvalue()


def _checked(done: str, file: str, wanted: Mapping[str, object], shown: str) -> str:
    problems = Problems()
    root = parse(File(file, done), problems)
    if problems.failed or root is None or plain(root) != wanted:
        raise _by_hand(file, shown)
    return done


def _by_hand(file: str, shown: str) -> ConfigError:
    return ConfigError.of(
        f"`{file}` is written in a way that cannot be added to safely",
        detail=f"add this by hand:\n{shown}",
        hint="or name another file: `-o NAME.tunectl.yaml`",
    )
