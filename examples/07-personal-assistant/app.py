"""The assistant as a service.

    pip install fastapi uvicorn
    uvicorn app:app

The environment is the one that `TUNECTL_ENV` names.
"""

import os

from assistant import Assistant
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, Field

from tunectl.prompts import PromptError

app = FastAPI(title="Grządka")
assistant = Assistant(os.environ.get("TUNECTL_ENV", "default"))


class Asked(BaseModel):
    """A question. In earnest `user` comes from the login, never from the request."""

    user: str = Field(min_length=1, max_length=200)
    session: str = Field(min_length=1, max_length=200)
    question: str = Field(min_length=1, max_length=2000)


class Answered(BaseModel):
    answer: str


# Not `async def`: FastAPI then runs them in threads, so that neither the memory, the search nor the
# model holds up other requests. `prompt.messages_async` is for those who stay in the event loop.
@app.post("/chat")
def chat(asked: Asked) -> Answered:
    try:
        return Answered(answer=assistant.ask(asked.user, asked.session, asked.question))
    except PromptError as error:  # its text names fields and limits, never a value: it may be told
        raise HTTPException(422, str(error)) from error


@app.put("/profile/{user}")
def profile(user: str, fields: dict[str, object]) -> dict[str, object]:
    try:
        return assistant.know(user, **fields)
    except PromptError as error:  # a field that is not declared, or a value that does not fit
        raise HTTPException(422, str(error)) from error
