"""What every memory must keep to, whatever keeps it."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from tunectl.prompts.errors import PromptError
from tunectl.prompts.memory import Counted, KeptMemory
from tunectl.prompts.memory.profile import Profile, ProfileError
from tunectl.prompts.turn import turn

DAY = 86_400.0
FIELDS = {
    "name": {"type": "string", "max_chars": 20, "personal": True, "inject": True},
    "język": {"type": "string", "one_of": ["pl", "ru"], "default": "pl", "inject": True},
    "vip": {"type": "boolean", "default": False, "inject": False},
    "tags": {"type": "list", "max_chars": 10, "max_items": 2, "inject": True},
    "born": {"type": "date"},
    "visits": {"type": "integer"},
    "score": {"type": "number"},
}
USERS = ("anna", "Łucja Żółć", "Анна Ивановна", "anna@example.pl", "../../etc/passwd", "'; --")
CALLED = [
    {"role": "user", "content": "Gdzie paczka?"},
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "find"}}],
    },
    {"role": "tool", "tool_call_id": "c1", "content": "w drodze \U0001f69a \0 \ud800"},
    {"role": "assistant", "content": "W drodze."},
]


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 1_780_000_000.0

    def __call__(self) -> float:
        return self.now


class MemoryContract:
    """Subclasses give the fixture `database`: a function that opens the same one again."""

    @pytest.fixture
    def clock(self) -> Clock:
        return Clock()

    @pytest.fixture
    def opened(self, database, clock):
        def make(fields: Any = None, **settings: Any) -> KeptMemory:
            profile = Profile("customers", FIELDS if fields is None else fields)
            memory = KeptMemory(database(), profile, clock=clock, **settings)
            make.all.append(memory)
            return memory

        make.all = []
        yield make
        for memory in make.all:
            memory.close()

    @pytest.fixture
    def memory(self, opened):
        return opened()

    def test_of_an_unknown_user_nothing_is_known_but_defaults(self, memory):
        assert memory.profile("nobody") == {"język": "pl", "vip": False}
        assert memory.turns("nobody", "s") == ()
        assert memory.sessions("nobody") == ()
        assert memory.summary("nobody", "s") is None
        assert memory.export("nobody")["profile"] == {}
        assert memory.erase("nobody") == Counted()
        assert memory.counted() == Counted()

    @pytest.mark.parametrize("user", USERS)
    def test_any_text_is_a_user(self, memory, user):
        memory.set_profile(user, {"name": "Ktoś"})
        memory.append(user, user, turn("Привет", "Cześć"))
        assert memory.profile(user)["name"] == "Ktoś"
        assert [t.answer for t in memory.turns(user, user)] == ["Cześć"]
        assert memory.held(user) == Counted(users=1, fields=1, sessions=1, turns=1)
        assert memory.profile(user + "x").get("name") is None

    def test_a_user_is_the_same_however_the_letters_were_typed(self, memory):
        memory.set_profile("Łucja Go\u0301ra", {"name": "L"})
        assert memory.profile("Łucja Góra")["name"] == "L"

    @pytest.mark.parametrize("user", ["", None, 7, "a\0b", "\ud800", "x" * 1001])
    def test_what_no_database_can_hold_is_no_user(self, memory, user):
        with pytest.raises(PromptError) as told:
            memory.set_profile(user, {"name": "x"})
        assert "\ud800" not in str(told.value)
        assert "xxx" not in str(told.value)

    def test_every_type_comes_back_as_it_was_kept(self, memory):
        from datetime import date

        given = {
            "name": "Żaneta «Ж»",
            "vip": True,
            "tags": ["a", "b"],
            "born": date(1990, 2, 1),
            "visits": 2**53 + 1,
            "score": 0.1,
        }
        memory.set_profile("anna", given)
        assert memory.profile("anna") == {**given, "język": "pl", "born": "1990-02-01"}

    def test_only_declared_fields_are_kept_and_all_of_them_or_none(self, memory):
        with pytest.raises(ProfileError, match="has no field `nmae`; did you mean `name`"):
            memory.set_profile("anna", {"vip": True, "nmae": "Anna"})
        assert memory.profile("anna")["vip"] is False

    def test_only_what_may_be_injected_is(self, memory):
        memory.set_profile("anna", {"name": "Anna", "vip": True, "visits": 3})
        assert memory.injected("anna") == {"name": "Anna", "język": "pl"}

    def test_none_forgets_a_field(self, memory):
        memory.set_profile("anna", {"name": "Anna", "język": "ru"})
        memory.set_profile("anna", {"name": None, "język": None})
        assert memory.profile("anna") == {"język": "pl", "vip": False}
        assert memory.held("anna") == Counted()

    def test_a_field_that_is_declared_no_more_is_exported_and_never_injected(self, memory, opened):
        memory.set_profile("anna", {"name": "Anna", "język": "ru"})
        later = opened(fields={"język": FIELDS["język"]})
        assert later.injected("anna") == {"język": "ru"}
        assert later.profile("anna") == {"język": "ru"}
        exported = later.export("anna")["profile"]
        assert exported["name"]["value"] == "Anna"
        assert exported["name"]["declared"] is False
        assert later.purge(undeclared=True).fields == 1
        assert set(later.export("anna")["profile"]) == {"język"}

    def test_a_value_that_no_longer_fits_is_not_injected(self, memory, opened):
        memory.set_profile("anna", {"name": "Anna Maria"})
        assert "name" not in opened(fields={"name": {**FIELDS["name"], "max_chars": 4}}).injected(
            "anna"
        )

    def test_turns_come_back_in_order_with_their_tools(self, memory):
        memory.append("anna", "s", turn("1", "a"))
        kept = memory.append("anna", "s", CALLED)
        assert kept.number == 2
        first, second = memory.turns("anna", "s")
        assert (first.question, first.answer, first.number) == ("1", "a", 1)
        assert [m["role"] for m in second.messages] == ["user", "assistant", "tool", "assistant"]
        assert second.messages[1]["tool_calls"] == CALLED[1]["tool_calls"]
        assert second.messages[2]["content"].startswith("w drodze \U0001f69a")
        assert [t.number for t in memory.turns("anna", "s", limit=1)] == [2]

    def test_sessions_and_users_do_not_mix(self, memory):
        memory.append("anna", "s", turn("1", "a"))
        memory.append("anna", "t", turn("2", "b"))
        memory.append("jan", "s", turn("3", "c"))
        assert [t.question for t in memory.turns("anna", "s")] == ["1"]
        assert [t.question for t in memory.turns("jan", "s")] == ["3"]
        assert {one.id for one in memory.sessions("anna")} == {"s", "t"}

    def test_only_so_many_turns_are_kept_of_a_conversation(self, opened, memory):
        short = opened(max_turns=2)
        for n in range(5):
            memory.append("anna", "s", turn(str(n), "x"))
        assert [t.question for t in short.turns("anna", "s")] == ["3", "4"]
        assert len(memory.turns("anna", "s")) == 5
        short.append("anna", "s", turn("5", "x"))
        assert [t.question for t in memory.turns("anna", "s")] == ["4", "5"]

    def test_what_has_expired_is_returned_by_nothing(self, opened, clock):
        memory = opened(expires_after_s=DAY)
        memory.append("anna", "s", turn("1", "a"))
        memory.set_summary("anna", "s", "skrót", 1)
        clock.now += DAY
        assert len(memory.turns("anna", "s")) == 1
        clock.now += 1
        assert memory.turns("anna", "s") == ()
        assert memory.summary("anna", "s") is None
        assert memory.sessions("anna") == ()
        assert memory.export("anna")["sessions"] == []
        assert memory.counted() == Counted()

    def test_any_write_deletes_what_has_expired_of_everybody(self, opened, clock):
        memory = opened(expires_after_s=DAY)
        memory.append("anna", "s", turn("1", "a"))
        memory.set_summary("anna", "s", "skrót", 1)
        clock.now += DAY + 1
        assert memory.held("anna") == Counted(users=1, sessions=1, turns=1, summaries=1)
        memory.set_profile("jan", {"vip": True})
        assert memory.held("anna") == Counted()

    def test_a_conversation_that_expired_begins_anew(self, opened, clock):
        memory = opened(expires_after_s=DAY)
        memory.append("anna", "s", turn("1", "a"))
        clock.now += DAY + 1
        assert memory.append("anna", "s", turn("2", "b")).number == 1
        assert [t.question for t in memory.turns("anna", "s")] == ["2"]

    def test_a_purge_deletes_what_has_expired_and_says_how_much(self, opened, clock):
        memory = opened(expires_after_s=DAY)
        memory.append("anna", "s", turn("1", "a"))
        memory.append("anna", "s", turn("2", "a"))
        clock.now += DAY + 1
        assert memory.purge() == Counted(users=1, sessions=1, turns=2)
        assert memory.purge() == Counted()

    def test_a_summary_goes_forward_and_never_back(self, memory):
        memory.set_summary("anna", "s", "bez rozmowy", 1)
        assert memory.summary("anna", "s") is None
        memory.append("anna", "s", turn("1", "a"))
        memory.set_summary("anna", "s", "do 5", 5)
        memory.set_summary("anna", "s", "do 3", 3)
        kept = memory.summary("anna", "s")
        assert (kept.text, kept.reaches) == ("do 5", 5)

    def test_an_export_is_complete(self, memory, clock):
        memory.set_profile("anna", {"name": "Anna"})
        memory.append("anna", "s", CALLED)
        memory.set_summary("anna", "s", "skrót", 1)
        tree = memory.export("anna")
        assert tree["user"] == "anna"
        assert tree["profile"]["name"] == {
            "value": "Anna",
            "at": "2026-05-28T20:26:40.000Z",
            "declared": True,
            "personal": True,
        }
        (session,) = tree["sessions"]
        assert session["session"] == "s"
        assert session["summary"]["text"] == "skrót"
        assert [m["role"] for m in session["turns"][0]["messages"]] == [
            "user",
            "assistant",
            "tool",
            "assistant",
        ]

    def test_an_erased_user_is_gone_from_every_table_and_others_stay(self, memory, rows_with):
        for user in ("anna", "jan"):
            memory.set_profile(user, {"name": f"CANARY {user}"})
            memory.append(user, "s", turn(f"CANARY {user}", f"CANARY {user}"))
            memory.set_summary(user, "s", f"CANARY {user}", 1)
        assert rows_with("CANARY anna") == 3
        done = memory.erase("anna")
        assert done == Counted(users=1, fields=1, sessions=1, turns=1, summaries=1)
        assert rows_with("CANARY anna") == 0
        assert rows_with("anna") == 0
        assert rows_with("CANARY jan") == 3
        assert memory.erase("anna") == Counted()
        assert memory.profile("jan")["name"] == "CANARY jan"

    def test_two_that_append_at_once_get_two_numbers(self, opened):
        memories = [opened() for _ in range(2)]
        problems: list[Exception] = []

        def write(memory: KeptMemory, who: int) -> None:
            try:
                for n in range(10):
                    memory.append("anna", "s", turn(f"{who}/{n}", "x"))
            except PromptError as error:
                problems.append(error)

        threads = [threading.Thread(target=write, args=(memories[at % 2], at)) for at in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        kept = memories[0].turns("anna", "s")
        assert problems == []
        assert [t.number for t in kept] == list(range(1, 41))
        for who in range(4):
            own = [t.question for t in kept if t.question.startswith(f"{who}/")]
            assert own == [f"{who}/{n}" for n in range(10)]

    def test_a_closed_memory_can_still_be_used(self, memory):
        memory.set_profile("anna", {"vip": True})
        memory.close()
        assert memory.profile("anna")["vip"] is True
