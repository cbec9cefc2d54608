"""Who approves something, and where, is read from the CI's environment."""

from __future__ import annotations

import pytest

from tunectl.app.acting import actor
from tunectl.core.approval import Approval

GITHUB = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_ACTOR": "anna",
    "GITHUB_REF": "refs/pull/41/merge",
    "GITHUB_SHA": "0123456789abcdef",
    "GITHUB_SERVER_URL": "https://github.example",
    "GITHUB_REPOSITORY": "acme/pomoc",
    "GITHUB_RUN_ID": "815",
}
GITLAB = {
    "GITLAB_CI": "true",
    "GITLAB_USER_LOGIN": "żaneta",
    "CI_MERGE_REQUEST_IID": "7",
    "CI_COMMIT_SHA": "fedcba9876543210",
    "CI_JOB_URL": "https://gitlab.example/acme/pomoc/-/jobs/1",
}


def by(environ, named=""):
    found = actor(named, environ)
    return Approval(id="a", digest="d", who=found.who, info=found.info).by


@pytest.mark.parametrize(
    ("environ", "shown"),
    [
        (GITHUB, "anna, PR #41"),
        (GITHUB | {"GITHUB_REF": "refs/heads/main"}, "anna, 0123456789ab"),
        (GITLAB, "żaneta, MR !7"),
        ({"GITLAB_CI": "true", "CI_COMMIT_SHA": "fedcba9876543210"}, "gitlab, fedcba987654"),
    ],
)
def test_the_ci_says_who_and_where(environ, shown):
    assert by(environ) == shown


def test_the_run_is_kept_for_the_record():
    info = actor("", GITHUB).info
    assert info["run"] == "https://github.example/acme/pomoc/actions/runs/815"


def test_a_name_that_was_given_has_the_last_word_and_the_place_stays():
    assert by(GITHUB, named="zofia") == "zofia, PR #41"


def test_without_a_ci_it_is_the_user_of_this_machine():
    found = actor("", {})
    assert "@" in found.who
    assert found.info == {}
