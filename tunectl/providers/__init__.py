"""The providers: how the outside world is asked and told.

May: speak to one remote service each, through the ports of `core.ports`; map that service's
errors onto the core's, at one seam; read the environment variables that settings name.
Never: decide what shall happen (that is planned), write state or journal, import another room of
this floor. Providers do not know each other; `openai` and `local` share the handlers in `wire`,
and all share `instances`, which says how an answer becomes a record.

Adding one, from outside: a package with `connect(**settings) -> Provider` and an entry point in
the group `tunectl.providers`. `connect` makes no request; a client library is imported inside the
function that first needs it.
"""
