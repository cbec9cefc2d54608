"""Other clouds' wires, small and faithful, on loopback: what `rehearse` and the tests talk to.

May: keep what is made in memory, enforce what the real service enforces, move jobs on by a clock
that can be turned up, answer with faults that were ordered, and tell what is left and would bill.
Never: reach beyond loopback, check a signature or want a real key, know of plans or declarations.

A cloud is a `Cloud` (`wire`); what all of them share is a `World` (`world`); `serving` puts one
behind a port.
"""
