"""Killed, cut off and lied to at every instant, an apply converges.

May: enumerate the points at which a running command touches the disk or the network, from a
recording run of the real command; kill a real process at each; make the local server fail.
Never: change what the product does, or ask the product whether it did well: what is there is read
from the files of the server.
"""
