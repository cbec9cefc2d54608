"""The command line: arguments -> app -> views -> screen. One file a command, 20 to 50 lines.

May: read arguments, the environment and the terminal, print what a view made, choose the exit code.
Never: decides, formats, or imports anything heavy before a command runs: `--version` and `--help`
load neither pydantic, jinja2, yaml, rich nor a provider's SDK.
"""
