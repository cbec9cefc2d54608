"""Write the generated files anew: `python -m tests.refresh`. A test fails when one is stale."""

from __future__ import annotations

from pathlib import Path

import orjson

from tunectl.app import schemas
from tunectl.config import reference
from tunectl.kinds import plain_table
from tunectl.kinds.plain import TABLE

ROOT = Path(__file__).parents[1]
BEGIN, END = "<!-- reference: begin -->", "<!-- reference: end -->"


def generated() -> dict[Path, str]:
    """Every generated file with the content it should have."""
    found = {}
    for name in schemas.NAMES:
        stem = "tunectl" if name == "config" else name
        content = orjson.dumps(
            schemas.schema(name), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
        )
        found[ROOT / "schemas" / f"{stem}.schema.json"] = content.decode()
    found[TABLE] = plain_table.text()
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    found[readme] = f"{before}{BEGIN}\n\n{reference.markdown().strip()}\n\n{END}{after}"
    return found


if __name__ == "__main__":
    for path, content in generated().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(content, encoding="utf-8")
