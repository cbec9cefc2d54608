"""tunectl: declare, plan and apply customised language models."""

__version__ = "0.1.0"
