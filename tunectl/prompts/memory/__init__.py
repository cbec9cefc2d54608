"""What an application remembers of its users: a profile each, and their conversations.

May: read and write one SQLite file of the project, or the PostgreSQL database that a variable of
the environment names; refuse what was not declared.
Never: sends anything anywhere else; writes a user's id, a value or a word of a conversation into a
log, a message of an error or the name of a file.
"""

from tunectl.prompts.memory.kept import KeptMemory
from tunectl.prompts.memory.opening import memory_at, open_memory
from tunectl.prompts.memory.protocol import Counted, Memory, MemoryStoreError, Session, Summary
from tunectl.prompts.memory.summaries import SessionSummary

__all__ = [
    "Counted",
    "KeptMemory",
    "Memory",
    "MemoryStoreError",
    "Session",
    "SessionSummary",
    "Summary",
    "memory_at",
    "open_memory",
]
