"""The one place where the parts meet: wires, never decides. Also the Python API.

May: open a project, choose the store and providers its configuration names, pass one room's product
to the next, write the files an apply publishes.
Never: holds a rule about plans, formats text for people, or catches what it cannot name.
"""
