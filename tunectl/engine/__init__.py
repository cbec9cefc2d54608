"""The verbs with effects: look, do, recover. Works through the core's ports alone.

May: call handlers, write the journal, wait, run threads.
Never: knows a provider, a store or a file format by name; decides what should be done (the planner
does); prints.
"""
