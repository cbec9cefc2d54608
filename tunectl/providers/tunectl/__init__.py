"""Provider type `tunectl`: our own server on another host, such as a GPU box.

It was started there with `tunectl serve --listen HOST:PORT --tls-cert … --tls-key …`. Settings:
`base_url` (https), `key_env` (the variable that holds the server's token), `ca_file` (the authority
that signed its certificate), `trainer` (what it was started with), `timeout`, and for the trainer
`device`, `dtype`, `threads`, `max_tokens`, `checkpoint_every`, `step_seconds`.

Nothing is started and nothing is fetched from here: whoever runs the server looks after both.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tunectl.core.errors import ConfigError, ProviderError
from tunectl.providers.etiquette import ASK_SECONDS, pace_of
from tunectl.providers.instances import check_settings, text_setting
from tunectl.providers.keys import is_loopback
from tunectl.providers.our_server import (
    TRAINER_OPTIONS,
    TRAINERS,
    choice_setting,
    seconds_setting,
    trainer_options,
)
from tunectl.providers.wire.account import NamedByItself
from tunectl.providers.wire.channel import FixedChannel, checked_url
from tunectl.providers.wire.client import Wire
from tunectl.providers.wire.profile import OURS
from tunectl.providers.wire.provider import WireProvider, provide

SETTINGS = frozenset({"base_url", "key_env", "ca_file", "trainer", "timeout", *TRAINER_OPTIONS})


def connect(**settings: Any) -> WireProvider:  # noqa: ANN401  # settings are checked here
    """Connect a server; nothing is sent and no token is read yet.

    Raises:
        ConfigError: a setting is unknown, missing or senseless.
        ProviderError: the file with the authority is not there.
    """
    name = str(settings.get("name", "tunectl"))
    check_settings(name, settings, SETTINGS)
    trainer = choice_setting(name, settings, "trainer", TRAINERS)
    options = trainer_options(name, settings)
    wire = Wire(
        provider=name,
        profile=OURS,
        channel=FixedChannel(
            provider=name,
            url=_url(name, settings),
            key_env=_needed(name, settings, "key_env", "the variable that holds its token"),
            ca_file=_authority(name, settings),
        ),
        extra_body={"tunectl": options} if options else {},
        ask_seconds=seconds_setting(name, settings, "timeout", ASK_SECONDS) or ASK_SECONDS,
        pace=pace_of(settings),
    )
    return provide(wire, NamedByItself(wire, trainer))


def _needed(name: str, settings: dict[str, Any], key: str, what: str) -> str:
    value = text_setting(name, settings, key)
    if value is None:
        raise ConfigError.of(
            f"provider `{name}` needs `{key}`", hint=f"name {what}", code="missing-setting"
        )
    return value


def _url(name: str, settings: dict[str, Any]) -> str:
    url = checked_url(name, _needed(name, settings, "base_url", "its address, `https://HOST/v1`"))
    if not url.startswith("https://") and not is_loopback(url):
        raise ConfigError.of(
            f"`base_url` of provider `{name}` does not begin with `https://`: the token would "
            "cross the network in the clear",
            hint="start the server with `--tls-cert` and `--tls-key`",
            code="wrong-setting",
        )
    return url


def _authority(name: str, settings: dict[str, Any]) -> str | None:
    told = text_setting(name, settings, "ca_file")
    if told is None:
        return None
    path = Path(settings.get("project_root") or ".") / told
    if not path.is_file():
        raise ProviderError.of(
            f"`ca_file` of provider `{name}` is not there: `{told}`",
            hint="the certificate of the authority that signed the server's, in PEM",
            code="no-ca-file",
        )
    return str(path)
