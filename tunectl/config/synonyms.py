"""Words of other tools where one of ours belongs: Terraform's, Pulumi's, those of training code."""

from __future__ import annotations

from collections.abc import Collection

# A word, and ours; the first that is known at the place is meant.
_OURS: dict[str, tuple[str, ...]] = {
    "source": ("file",),
    "path": ("file", "source"),
    "vars": ("with", "variables"),
    "values": ("with",),
    "inputs": ("with",),
    "parameters": ("with",),
    "count": ("for_each",),
    "ttl": ("expires_after",),
    "expires": ("expires_after",),
    "expires_in": ("expires_after",),
    "lifetime": ("expires_after",),
    "expiry": ("expires_after",),
    "expiration": ("expires_at",),
    "expires_on": ("expires_at",),
    "prevent_destroy": ("protect",),
    "deletion_protection": ("protect",),
    "retain_on_delete": ("keep_on_destroy",),
    "skip_destroy": ("keep_on_destroy",),
    "error_message": ("message",),
    "rule": ("condition",),
    "from": ("address",),
    "to": ("address",),
    "resource": ("address",),
    "tags": ("labels",),
    "annotations": ("labels",),
    "dataset": ("data",),
    "training_data": ("data",),
    "train": ("training",),
    "training_file": ("training",),
    "validation_file": ("validation",),
    "n_epochs": ("epochs",),
    "num_epochs": ("epochs",),
    "num_train_epochs": ("epochs",),
    "epoch_count": ("epochs",),
    "adapter_size": ("lora_r",),
    "source_model": ("base_model",),
    "training_dataset": ("data",),
    "tuned_model_display_name": ("suffix",),
    "min_replica_count": ("replicas",),
    "max_replica_count": ("replicas",),
    "accelerator_type": ("accelerator",),
    "hyperparameters": ("method",),
    "base": ("base_model",),
    # The top level.
    "output": ("outputs",),
    "variable": ("variables",),
    "provider": ("providers",),
    "imports": ("import",),
    "backend": ("state",),
    "terraform": ("state",),
    "workspaces": ("environments",),
    "envs": ("environments",),
    "module": ("include",),
    "modules": ("include",),
}
_SAID: dict[str, str] = {
    "include": "a module is a file: `include: [{file: shop.yaml, name: shop}]`",
    "state": "`state:` says where the state lives: `state: state/`",
}
# What has no counterpart, and what to do instead.
_INSTEAD: dict[str, str] = {
    "create_before_destroy": "remove it: the new object is always made before the old one goes",
    "replace_triggered_by": "remove it: `tunectl apply --replace ADDR` makes one anew",
    "nullable": "remove it: `default: null` makes a variable that may be left out",
    "locals": "write the value under `variables:`, as a `default:`",
    "local": "write the value under `variables:`, as a `default:`",
    "resource": "a kind stands at the left margin: `tuning_job:`, below it a name",
    "data": "declare a `dataset:`",
    "train_steps": "write `epochs:`, passes over the rows: every provider is told these, not steps",
}
# Under `removed:`, where Terraform has a block for it.
_NESTED = {"lifecycle": ("destroy", "write `destroy: false` beside `address:`")}


def ours(word: str, known: Collection[str]) -> str:
    """Return a hint for another tool's word, empty when it is none.

    Args:
        word: as written.
        known: our words at this place.
    """
    for candidate in _OURS.get(word, ()):
        if candidate in known:
            return _SAID.get(candidate, f"did you mean `{candidate}`?")
    if word in _NESTED and _NESTED[word][0] in known:
        return _NESTED[word][1]
    return _INSTEAD.get(word, "")
