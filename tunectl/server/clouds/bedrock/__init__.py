"""Amazon Bedrock's wire: control plane, runtime, and the identity that STS tells.

May: enforce what the service model and the user guide say of names, tokens, states and what still
holds what; read training files and documents out of `Buckets` and write metrics there; answer with
the training row that is nearest and find the passage that shares the most words, both honestly
simulated.
Never: check a signature, compute anything, let a job record be deleted (the service has no such
operation).

Sources: botocore 1.44.5, service models `bedrock` 2023-04-20, `bedrock-runtime` 2023-09-30,
`bedrock-agent` 2023-06-05 and `bedrock-agent-runtime` 2023-07-26; AWS's user guides to Bedrock and
Nova as of 2026-11. Where neither says which error is given, the nearest of the operation's declared
errors is.
"""

from tunectl.server.clouds.bedrock.service import Bedrock

__all__ = ["Bedrock"]
