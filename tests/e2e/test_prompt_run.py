"""Prompts before and after an apply, on the local server with the simulated trainer."""

from __future__ import annotations

import json
import subprocess
import sys

OUTPUT = """
    output:
      schema: {type: object, properties: {where: {type: string}}, required: [where]}
"""


def test_a_prompt_is_looked_at_applied_run_and_talked_through(site):
    rendered = site.run("prompt", "render", "support", "Gdzie jest żółw 7?")
    body = json.loads(rendered.out)
    assert body["messages"][0] == {"role": "system", "content": "Jesteś pomocny."}
    assert len(body["messages"]) == 6
    assert not (site.folder / "state").exists()

    early = site.run("prompt", "run", "support", "Gdzie?", code=1)
    assert "`endpoint.support` has no model yet" in early.err

    site.run("apply", "--auto-approve")
    question = "Pytanie numer 3: gdzie jest żółw 21?"
    ran = site.run("prompt", "run", "support", question, "--max-tokens", "50")
    assert ran.out == "Żółw 21 jest w domu. Привет 3!\n"
    assert "free" in ran.err
    assert site.run("ask", "prompt_template.support", question).out == ran.out

    lines = site.run("prompt", "run", "support", question, "--json").out.splitlines()
    told = [json.loads(line) for line in lines]
    assert told[0]["provider"] == "local"
    assert told[-1]["text"] == ran.out.strip()
    assert told[-1]["usage"]["cost"] == {
        "known": True, "low": "0", "high": "0", "currency": "", "unknown": [],
    }  # fmt: skip

    asked = f"{question}\n{question}\n/exit\n"
    chat = subprocess.run(
        [sys.executable, "-m", "tunectl", "prompt", "chat", "support"],
        cwd=site.folder, env=site.env, input=asked, capture_output=True, encoding="utf-8",
        timeout=120,
    )  # fmt: skip
    assert chat.returncode == 0, chat.stderr
    assert chat.stdout == 2 * ran.out
    assert "2 turns: " in chat.stderr


def test_the_local_server_holds_no_answer_to_a_schema_so_it_is_checked_here(site):
    site.edit(
        "  support:\n    model: endpoint.support\n",
        f"  support:\n    model: endpoint.support{OUTPUT}",
    )
    site.run("apply", "--auto-approve")
    rendered = site.run("prompt", "render", "support", "Gdzie?")
    assert "response_format" not in json.loads(rendered.out)
    assert "it is checked when it is there" in rendered.err
    elsewhere = site.run("prompt", "render", "support", "Gdzie?", "--for", "openai")
    assert json.loads(elsewhere.out)["response_format"]["type"] == "json_schema"
    wrong = site.run("prompt", "run", "support", "Gdzie?", code=1)
    assert "the answer is not JSON" in wrong.err
    assert "Żółw" in wrong.out
    assert site.run("ask", "prompt_template.support", "Gdzie?", code=1).out == wrong.out
