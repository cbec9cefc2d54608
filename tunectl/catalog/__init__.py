"""Dated, sourced facts about services and base models, as JSON files with a reader each.

May: hold data with its source and date, read it, answer questions about it for a given day.
Never: asks a clock or the network, decides what a plan does. A fact that is not known is `None`,
and nobody may read that as "no".
"""
