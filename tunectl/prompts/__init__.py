"""Prompt templates for applications: a compiled artefact in, chat messages out.

May: read one artefact file, check inputs, render sections.
Never: imports the configuration, the state or the engine; reads the network. Applications import
this room alone: `from tunectl.prompts import load`.
"""

from tunectl.prompts.artefact import Prompt, PromptError, load

__all__ = ["Prompt", "PromptError", "load"]
