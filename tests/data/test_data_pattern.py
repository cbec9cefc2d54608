"""Expressions that are compiled when they are first used."""

import copy
import gc
import importlib
import pickle
import pkgutil
import re

import pytest

import tunectl.data
from tunectl.data.pattern import _Uncompiled, regex


def test_it_does_what_a_compiled_one_does():
    lazy, plain = regex(r"(?P<word>\w+)!", re.ASCII), re.compile(r"(?P<word>\w+)!", re.ASCII)
    for _ in range(2):
        assert lazy.findall("ab! żó!") == plain.findall("ab! żó!") == ["ab"]
        assert lazy.search("x ab!")["word"] == "ab"
        assert lazy.sub("-", "ab! c") == "- c"
        assert (lazy.pattern, lazy.flags) == (plain.pattern, plain.flags)
    assert regex(rb"\d").findall(b"a1") == [b"1"]


def test_a_wrong_one_is_told_of_by_its_first_use():
    wrong = regex("(")
    with pytest.raises(re.error):
        wrong.search("a")


def test_what_a_pattern_has_not_it_has_not_either():
    with pytest.raises(AttributeError):
        _ = regex("a").nothing
    assert copy.deepcopy(regex("a")).search("a")
    assert pickle.loads(pickle.dumps(regex("a"))).search("a")


def test_every_expression_of_the_room_can_be_compiled():
    for module in pkgutil.walk_packages(tunectl.data.__path__, "tunectl.data."):
        importlib.import_module(module.name)
    gc.unfreeze()  # what is frozen is none of the objects that are listed
    found = [one for one in gc.get_objects() if type(one) is _Uncompiled]
    assert len(found) > 50
    for one in found:
        if one._said != ("(", 0):
            assert one.pattern == one._said[0]
