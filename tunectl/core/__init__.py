"""The pure core: what is wanted, what there is, and the plan between them.

May: hold values, compare them, order them, decide. Uses the pure standard library only.
Never: reads a file, a clock, a random number, the environment or the network; `now` and every
identifier are arguments. Whoever wants an effect goes up to the engine.
"""
