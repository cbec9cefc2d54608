"""Repairs of data files that need no guess.

May: bring a text to UTF-8 where its encoding is certain, drop what says nothing (byte order marks,
carriage returns, blank lines, commas too many), bring texts to NFC and rows to the one canonical
shape, drop rows that stand twice, and tell every such edit.
Never: change what a row says, choose between two readings, or write a file of the user's. What
cannot be repaired so is named and left to a person.
"""
