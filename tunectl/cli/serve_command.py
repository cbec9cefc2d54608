"""`tunectl serve`."""

from __future__ import annotations

from typing import Any

import click

from tunectl.cli.command import command as tunectl_command
from tunectl.cli.session import Session, pass_session

EXAMPLE = """
tunectl serve
tunectl serve --root /srv/models --port 8430
tunectl serve --listen 0.0.0.0:8443 --tls-cert chain.pem --tls-key key.pem
tunectl serve --root /shared/models --executor ray --ray address=http://h:8265
"""


@tunectl_command("serve", example=EXAMPLE)
@click.option("--root", metavar="DIR", help="Where it keeps all.")
@click.option(
    "--trainer", type=click.Choice(["lora", "simulated"]), default="lora", help="What trains."
)
@click.option(
    "--idle",
    type=click.FloatRange(min=0),
    default=0.0,
    metavar="SECONDS",
    help="Stop after so long without work; 0: never [default: 0].",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    metavar="N",
    help="On this machine; 0: any free one [default: the folder's own].",
)
@click.option("--listen", metavar="HOST:PORT", help="Let other hosts in; needs TLS.")
@click.option("--tls-cert", metavar="FILE", help="Certificate chain, PEM.")
@click.option("--tls-key", metavar="FILE", help="Its private key, PEM.")
@click.option(
    "--token-env",
    metavar="NAME",
    help="The variable with the token that clients send; without it one is made.",
)
@click.option("--vllm", metavar="URL", help="A vLLM server on this machine that answers.")
@click.option(
    "--executor",
    type=click.Choice(["process", "ray"]),
    default="process",
    help="Where trainers run [default: process, on this machine].",
)
@click.option(
    "--ray",
    multiple=True,
    metavar="KEY=VALUE",
    help="Of the cluster: address, workers, cpus, gpus, resource.NAME, python; repeatable.",
)
@pass_session
def command(session: Session, /, **told: Any) -> int:  # noqa: ANN401  # the options
    """Run the local tuning and inference server.

    An OpenAI-compatible API on this machine only (127.0.0.1). Provider `local` starts one by
    itself; run it in the foreground to watch it, or to keep it up.

    With `--listen` other hosts reach it as provider type `tunectl`, over TLS and with a token: the
    one in the file `token` of its folder, or your own from the environment.
    """
    from tunectl.app import serving

    del session
    return serving.serve(serving.Wanted(**told))
