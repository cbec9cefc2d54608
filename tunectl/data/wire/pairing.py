"""Results of tool calls in formats that pair them with their calls by order, not by an id."""

from __future__ import annotations

from tunectl.data.wire.conversation import Conversation, Turn, UnreadableRowError
from tunectl.data.wire.losses import Losses


class Results:
    """Gathers the results that follow one another, and gives them in the order of the calls."""

    def __init__(self, talk: Conversation) -> None:
        self._calls = talk.calls
        self._open = dict.fromkeys(range(len(self._calls)))
        self._waiting: list[Turn] = []

    def add(self, turn: Turn) -> None:
        """Take a result.

        Raises:
            UnreadableRowError: when it answers no call.
        """
        if turn.answers < 0:
            raise UnreadableRowError("a result answers no call")
        self._waiting.append(turn)

    def take(self, losses: Losses, *, by_name: bool = False) -> list[Turn]:
        """The results gathered so far, by the order of their calls.

        A reader takes each for the result of the first call that has none yet (`by_name`: of the
        first of that name). Where that would be wrong, the pairing is noted as lost.
        """
        block = sorted(self._waiting, key=lambda turn: turn.answers)
        self._waiting = []
        for turn in block:
            first = next(n for n in self._open if not by_name or self._calls[n].name == turn.name)
            if first != turn.answers:
                losses.note("pairing", "a result after a call that has none")
            self._open.pop(turn.answers)
        return block
