"""What both programs share: which prompt a user gets, who answers, and what is remembered.

Of tunectl it imports `tunectl.prompts` alone, and reads what `tunectl apply` wrote. Another
environment, another cloud: nothing here changes but `env`.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from platformdirs import user_data_path

from tunectl.prompts import Prompt, load

HERE = Path(__file__).parent
LANGUAGES = ("pl", "ru")


class Assistant:
    """Answers users of one environment; made once, and safe to share between threads."""

    def __init__(self, env: str = "default") -> None:
        """Read the compiled prompts; raises PromptError where nothing is applied."""
        self._prompts = {one: load(f"assistant[{one}]", path=HERE, env=env) for one in LANGUAGES}
        # One client for all requests: it keeps its connections open.
        self._send = sender(self._prompts["pl"])

    def ask(self, user: str, session: str, question: str) -> str:
        """Answer a question, and remember both; a question that fails is not remembered."""
        prompt = self._prompt(user)
        body = prompt.request(user=user, session=session, question=question)
        answer = self._send(body)
        prompt.remember(user=user, session=session, question=question, answer=answer)
        return answer

    def know(self, user: str, **fields: Any) -> dict[str, Any]:
        """Keep fields of a user's profile (None forgets one); return all that is known."""
        prompt = self._prompt(user)
        prompt.set_profile(user=user, **fields)
        return prompt.profile(user=user)

    def _prompt(self, user: str) -> Prompt:
        """The prompt in the user's language. Both share one memory, so either can say which."""
        return self._prompts[self._prompts["pl"].profile(user=user)["language"]]


def sender(prompt: Prompt) -> Callable[[dict[str, Any]], str]:
    """What sends a body to the prompt's model with the SDK of its service, and returns the text."""
    model = prompt.model
    match prompt.dialect:
        case "openai":  # this machine, OpenAI, and whatever else speaks like it
            from openai import OpenAI

            here = prompt.base_url.startswith("http://127.0.0.1:")
            chat = OpenAI(base_url=prompt.base_url or None, api_key=_key() if here else None).chat
            # A small model does not know when to stop. One that thinks would spend the limit on it.
            limit = {"max_completion_tokens": prompt.budget["reserve_output"]} if here else {}

            def send(body: dict[str, Any]) -> str:
                found = chat.completions.create(model=model, **limit, **body)
                return found.choices[0].message.content or ""

        case "anthropic":
            from anthropic import Anthropic

            claude = Anthropic()

            def send(body: dict[str, Any]) -> str:
                found = claude.messages.create(model=model, **body)
                return "".join(block.text for block in found.content if block.type == "text")

        case "gemini":
            from google.genai import Client

            place = {
                "project": os.environ.get("GOOGLE_CLOUD_PROJECT"),
                "location": os.environ.get("GOOGLE_CLOUD_LOCATION"),
            }
            gemini = Client(vertexai=True, **place)

            def send(body: dict[str, Any]) -> str:
                config = {**body.get("generationConfig", {})}
                config["systemInstruction"] = body.get("systemInstruction")
                found = gemini.models.generate_content(
                    model=model, contents=body["contents"], config=config
                )
                return found.text or ""

        case other:
            raise SystemExit(f"error: this example has no SDK for `{other}`")
    return send


def _key() -> str:
    """The key of the server on this machine; that of a cloud stands in the SDK's own variable."""
    folder = os.environ.get("TUNECTL_LOCAL_ROOT") or user_data_path("tunectl") / "local"
    return (Path(folder) / "token").read_text(encoding="ascii").strip()
