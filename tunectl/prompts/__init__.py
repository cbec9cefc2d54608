"""Prompt templates for applications: a compiled artefact in, chat messages out.

May: read one artefact file, check inputs, render sections, read and write the declared memory,
search the declared knowledge bases (the only reading of the network, where one is remote).
Never: imports the configuration, the state or the engine; parses a value as a template or for
roles; lets a value into an error. Applications import this room alone:
`from tunectl.prompts import load`.
"""

from tunectl.prompts.artefact import load, prompt_of
from tunectl.prompts.errors import PromptError
from tunectl.prompts.prompt import Prompt

__all__ = ["Prompt", "PromptError", "load", "prompt_of"]
