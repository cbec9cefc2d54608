"""What must not be told: personal data, keys and passwords, and names of columns that are such.

May: say what a text holds and where, and give a name as it may be shown.
Never: read files, know rows or rules, or repeat what was found.
"""
