"""Ask the workshop's documents, and print the answer with the places it rests on.

    python ask.py "Ile kosztuje przegląd?"

What an application does: it reads the file that `tunectl apply` wrote, searches the documents on
this machine, and sends the request with Anthropic's own SDK (key in `ANTHROPIC_API_KEY`). Of
tunectl it imports `tunectl.prompts` alone.
"""

# ruff: noqa: TID253  # a script of its own: it may load what it likes at the top

import sys
from pathlib import Path

import anthropic

from tunectl.prompts import PromptError, load


def main() -> int:
    if len(sys.argv) != 2:
        sys.exit('usage: python ask.py "QUESTION"')
    try:
        prompt = load("answer", path=Path(__file__).parent)
        # The whole body but for the model: instructions, examples, passages, cache and limits.
        body = prompt.request("anthropic", question=sys.argv[1])
    except PromptError as error:  # not applied yet, or the question is too long
        sys.exit(f"error: {error}")
    try:
        answer = anthropic.Anthropic().messages.create(model=prompt.model, **body)
    except (anthropic.AnthropicError, TypeError) as error:  # TypeError: there is no key
        sys.exit(f"error: {error}")

    sources: list[str] = []  # in the order in which the answer uses them
    for block in answer.content:
        if block.type != "text":
            continue
        print(block.text, end="")
        for cited in block.citations or ():
            where = f"{cited.document_title}: “{' '.join(cited.cited_text.split())[:70]}…”"
            if where not in sources:
                sources.append(where)
            print(f" [{sources.index(where) + 1}]", end="")
    print("\n")
    for number, where in enumerate(sources, 1):
        print(f"[{number}] {where}")
    used = answer.usage
    print(f"{used.input_tokens} tokens paid in full, {used.cache_read_input_tokens} from the cache")
    return 0


if __name__ == "__main__":
    sys.exit(main())
