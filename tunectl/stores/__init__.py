"""Stores: where state lives, and the format it has there.

May: make bytes durable, compare and swap them, hold locks, read and write the state's format.
Never: decides what to do with a state, nor speaks to a model provider.
"""
