"""OpenAI's wire, and the local server's: the package's own server behind the clouds' door.

May: answer by the very application that `tunectl serve` runs, with the simulated trainer.
Never: load weights, start a process, look at the key that is sent.
"""

from tunectl.server.clouds.openai.cloud import OpenAI

__all__ = ["OpenAI"]
