"""The environment in which Hugging Face libraries are imported: offline, quiet, one cache folder.

The variables count only before the first import of transformers, so whoever imports it applies
them first. Without `HF_HOME` and `TORCHINDUCTOR_CACHE_DIR` the mere import of torch and
transformers leaves folders in the user's home and in the system's temporary folder.
"""

import os
from pathlib import Path


def hf_variables(root: Path, *, offline: bool = True) -> dict[str, str]:
    """Variables for a process that imports torch or transformers.

    Args:
        root: the server's root folder; caches go to `root/cache`.
        offline: False only for a download that the user asked for.

    `OMP_WAIT_POLICY=passive`: two threads that spin while they wait are several times slower
    than one as soon as anything else runs on the machine.
    """
    cache = root / "cache"
    variables = {
        "HF_HOME": str(cache / "huggingface"),
        "TORCHINDUCTOR_CACHE_DIR": str(cache / "torchinductor"),
        "TOKENIZERS_PARALLELISM": "false",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "TRANSFORMERS_VERBOSITY": "error",
        "OMP_WAIT_POLICY": "passive",
        "PYTHONUTF8": "1",
    }
    if offline:
        variables |= {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
    return variables


def apply_hf_variables(root: Path) -> None:
    """Set the variables in this process; a value the user has set wins, but for being offline."""
    for name, value in hf_variables(root).items():
        if name.endswith("_OFFLINE"):
            os.environ[name] = value
        else:
            os.environ.setdefault(name, value)
