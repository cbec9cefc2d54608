"""What is installed is found as `importlib.metadata` finds it; every change of it is noticed."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from tunectl.config import installed


@pytest.fixture(autouse=True)
def _looked_for_anew() -> Iterator[None]:
    def forget() -> None:
        for one in (installed.provider_types, installed.installation, installed._metadata):
            one.cache_clear()

    forget()
    yield
    forget()


def package(place: Path, name: str, points: str, version: str = "1.0") -> Path:
    info = place / f"{name}-{version}.dist-info"
    info.mkdir(parents=True, exist_ok=True)
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", encoding="utf-8"
    )
    (info / "entry_points.txt").write_text(points, encoding="utf-8")
    return info


def by_the_library() -> dict[str, str]:
    found = entry_points(group=installed.PROVIDERS)
    return {point.name: f"{point.module}:{point.attr}" for point in found}


def test_what_is_installed_here_is_found_as_the_library_finds_it() -> None:
    assert dict(installed.provider_types()) == by_the_library()
    assert {"builtin", "local", "openai"} <= installed.provider_types().keys()


@pytest.mark.parametrize(
    "points",
    [
        "[tunectl.providers]\nacme = acme.tuning:connect\n",
        "[console_scripts]\nx = y:z\n\n[tunectl.providers]\n  acme=acme:a.b  \nother = o:c\n",
        "[tunectl.providers]\n# a comment\nacme = acme.tuning:connect [extra]\n",
        "[tunectl.providers.other]\nacme = no:no\n",
        "[tunectl.providers]\nacme-x = acme : connect\n[last]\nb = c:d\n",
        "",
    ],
)
def test_a_plugin_is_found_as_the_library_finds_it(
    points: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package(tmp_path, "acme_tuning", points)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert dict(installed.provider_types()) == by_the_library()


def test_of_one_package_twice_the_first_on_the_path_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package(tmp_path / "b", "Acme.Tuning", "[tunectl.providers]\nacme = old:connect\n")
    package(tmp_path / "a", "acme_tuning", "[tunectl.providers]\nacme = new:connect\n", "2.0")
    monkeypatch.syspath_prepend(str(tmp_path / "b"))
    monkeypatch.syspath_prepend(str(tmp_path / "a"))
    assert dict(installed.provider_types()) == by_the_library()
    assert installed.provider_types()["acme"] == "new:connect"


def changed(change: object, monkeypatch: pytest.MonkeyPatch) -> bool:
    before = installed.installation()
    installed.installation.cache_clear()
    installed._metadata.cache_clear()
    assert callable(change)
    change()
    return installed.installation() != before


def test_a_new_package_another_version_and_an_edited_plug_point_are_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    assert changed(lambda: package(tmp_path, "acme", ""), monkeypatch)
    assert changed(
        lambda: (tmp_path / "acme-1.0.dist-info").rename(tmp_path / "acme-1.1.dist-info"),
        monkeypatch,
    )
    entry = tmp_path / "acme-1.1.dist-info" / "entry_points.txt"
    assert changed(lambda: entry.write_text("[tunectl.providers]\n", encoding="utf-8"), monkeypatch)
    assert changed(lambda: monkeypatch.setattr(sys, "version", "3.99"), monkeypatch)
    assert not changed(lambda: None, monkeypatch)
    assert not changed(lambda: (tmp_path / "notes.txt").write_text("x"), monkeypatch)


def test_our_own_code_that_was_edited_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config" / "inner").mkdir(parents=True)
    code = tmp_path / "config" / "inner" / "rule.py"
    code.write_text("a = 1\n", encoding="utf-8")
    (tmp_path / "config" / "__pycache__").mkdir()
    monkeypatch.setattr("tunectl.__file__", str(tmp_path / "__init__.py"))

    def touch() -> None:
        os.utime(code, ns=(1, 1))

    assert changed(touch, monkeypatch)
    cached = tmp_path / "config" / "__pycache__" / "rule.pyc"
    assert not changed(lambda: cached.write_bytes(b""), monkeypatch)
