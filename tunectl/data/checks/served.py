"""Training data beside the prompts that ask the model: told where a declaration holds both."""

from __future__ import annotations

from tunectl.data.checks.rule import Rule

OTHER_SYSTEM = Rule(
    name="other-system",
    number="D15",
    hint="ask with a system message of the training rows, or allow the rule for the dataset",
    reason="a tuned model answers as taught only after the system message it was taught with",
)
EXAMPLES_IN_TEST = Rule(
    name="examples-in-test",
    number="D22",
    hint="take the examples from `train`",
    reason="scores are inflated where the prompt shows rows of the test split",
)
RULES = (OTHER_SYSTEM, EXAMPLES_IN_TEST)
