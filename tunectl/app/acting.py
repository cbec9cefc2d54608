"""Who acts, and where: from `--actor`, the CI's environment, or the user of this machine.

GitHub Actions: GITHUB_ACTOR, GITHUB_REF (`refs/pull/41/merge`), GITHUB_SHA, GITHUB_RUN_ID
(docs.github.com, "Variables reference", 2026-11). GitLab: GITLAB_USER_LOGIN,
CI_MERGE_REQUEST_IID, CI_COMMIT_SHA, CI_JOB_URL (docs.gitlab.com, "Predefined CI/CD variables
reference", 2026-11).
"""

from __future__ import annotations

import getpass
import os
import platform
import re
from collections.abc import Mapping
from dataclasses import field

from tunectl.core.dataclass import dataclass

_PULL = re.compile(r"refs/pull/(\d+)/\w+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who approves something.

    Attributes:
        info: where: `pull_request` (`PR #41`), `commit`, `run` (an address of the CI).
    """

    who: str
    info: Mapping[str, str] = field(default_factory=dict)


def actor(named: str = "", environ: Mapping[str, str] | None = None) -> Actor:
    """Return who acts now.

    Args:
        named: what the user said with `--actor`; it has the last word on the name.
        environ: the environment's variables; the process's own where not given.
    """
    env = os.environ if environ is None else environ
    if env.get("GITHUB_ACTIONS"):
        found = Actor(who=env.get("GITHUB_ACTOR", "github"), info=_github(env))
    elif env.get("GITLAB_CI"):
        found = Actor(who=env.get("GITLAB_USER_LOGIN", "gitlab"), info=_gitlab(env))
    else:
        found = Actor(who=_user())
    return Actor(who=named or found.who, info={k: v for k, v in found.info.items() if v})


def _github(env: Mapping[str, str]) -> dict[str, str]:
    pull = _PULL.fullmatch(env.get("GITHUB_REF", ""))
    server, repository = env.get("GITHUB_SERVER_URL", ""), env.get("GITHUB_REPOSITORY", "")
    run = env.get("GITHUB_RUN_ID", "")
    return {
        "pull_request": f"PR #{pull[1]}" if pull else "",
        "commit": env.get("GITHUB_SHA", ""),
        "run": f"{server}/{repository}/actions/runs/{run}" if server and repository and run else "",
    }


def _gitlab(env: Mapping[str, str]) -> dict[str, str]:
    merge = env.get("CI_MERGE_REQUEST_IID", "")
    return {
        "pull_request": f"MR !{merge}" if merge else "",
        "commit": env.get("CI_COMMIT_SHA", ""),
        "run": env.get("CI_JOB_URL", ""),
    }


def _user() -> str:
    """The user and the host; a container may know the user by number only."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = f"uid {os.getuid()}"
    return f"{name}@{platform.node()}"
