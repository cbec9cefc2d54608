"""Talk to the assistant in a terminal: each line is a question.

    python chat.py --user anna
    python chat.py --user boris --set language=ru --set region=Вармия --env openai

What is said with `--set` is kept in the user's profile.
"""

import argparse
import sys

from assistant import Assistant

from tunectl.prompts import PromptError


def main() -> int:
    words = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    words.add_argument("--user", required=True, help="whose profile and conversation it is")
    words.add_argument("--session", default="chat", help="which conversation (chat)")
    words.add_argument("--set", action="append", default=[], metavar="FIELD=VALUE", dest="fields")
    words.add_argument("--env", default="default", help="the environment that was applied")
    given = words.parse_args()
    try:
        assistant = Assistant(given.env)
        fields = dict(one.partition("=")[::2] for one in given.fields)
        assistant.know(given.user, **fields)
        while True:
            print("> ", end="", flush=True)
            question = sys.stdin.readline()
            if not question:
                print()
                return 0
            if question.strip():
                print(assistant.ask(given.user, given.session, question.strip()))
    except PromptError as error:  # nothing is applied, a field is unknown, a question too long …
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    sys.exit(main())
