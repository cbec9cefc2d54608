"""Views: values -> text. The only room that formats.

May: take values of the core and give back strings; choose words, order, colour and width.
Never: reads a file, a clock, the environment or the network, prints, decides what happens, or
lets text from a file or a server reach a terminal uncleaned (`text.scrub` first, always).
"""
