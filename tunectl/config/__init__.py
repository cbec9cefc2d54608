"""The loader: files to resources, with every problem at once.

May: find and read the project's YAML, evaluate `${…}`, resolve references, read datasets through
the data room, and say what is wrong with file, line, column and a hint.
Never: talks to a provider, reads or writes state, creates anything, or shows a value that came
from the environment or from a sensitive variable.
"""
