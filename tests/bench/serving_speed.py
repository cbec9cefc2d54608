"""Answer tokens per second of the server's engines against plain `transformers.generate`.

Same weights, same prompts, greedy, one thread, one process; the sides take turns question by
question. `generate` starts with a fresh cache each time, and so do ours: no two prompts share 64
tokens. With --adapter the tuned side is compared with peft's own `generate`. The llama.cpp engine
is measured where `llama_cpp` can be imported.

    python -m tests.bench.serving_speed [--adapter JOB/adapter] --tokens 48
"""

import argparse
import statistics
import threading
import time
from pathlib import Path

import platformdirs

DEFAULT_ROOT = platformdirs.user_data_path("tunectl") / "local"

QUESTIONS = [
    "Do you ship to France?",
    "How do I download my invoice?",
    "Write a short story about a lighthouse keeper.",
    "Jak zmienić hasło w sklepie?",
    "Как отменить заказ?",
    "Explain in detail how a bicycle stays upright.",
    "List the months of the year with one sentence about each.",
    "What is the difference between a lamp and a lantern?",
]


def ask(engine, model, question: str, count: int) -> tuple[int, float, float]:
    """Tokens, wall seconds and CPU seconds of one answer of ours."""
    wall, cpu = time.perf_counter(), time.process_time()
    pieces = list(
        engine.chat(
            model,
            [{"role": "user", "content": question}],
            max_tokens=count,
            temperature=0.0,
            top_p=1.0,
            seed=None,
            stop=[],
            cancelled=threading.Event(),
        )
    )
    return pieces[-1].completion_tokens, time.perf_counter() - wall, time.process_time() - cpu


class Plain:
    """`generate` of transformers, or of peft when there is an adapter."""

    def __init__(self, base: Path, adapter: Path | None) -> None:
        from transformers import AutoModelForCausalLM, AutoTokenizer

        self.tokenizer = AutoTokenizer.from_pretrained(base)
        self.model = AutoModelForCausalLM.from_pretrained(base).eval()
        if adapter is not None:
            from peft import PeftModel

            self.model = PeftModel.from_pretrained(self.model, adapter).eval()

    def ask(self, question: str, count: int) -> tuple[int, float, float]:
        """Tokens, wall seconds and CPU seconds of one answer."""
        import torch

        wall, cpu = time.perf_counter(), time.process_time()
        prompt = self.tokenizer.apply_chat_template(
            [{"role": "user", "content": question}],
            add_generation_prompt=True,
            return_tensors="pt",
            return_dict=True,
        )
        with torch.inference_mode():
            out = self.model.generate(**prompt, do_sample=False, max_new_tokens=count)
        made = out.shape[1] - prompt["input_ids"].shape[1]
        self.tokenizer.decode(out[0, -made:], skip_special_tokens=True)
        return made, time.perf_counter() - wall, time.process_time() - cpu


def sides(options, base) -> dict:
    """Each side's name and how to ask it."""
    from tunectl.server.answering import Loaded
    from tunectl.server.generate_transformers import TransformersGenerator

    ours = TransformersGenerator(options.root, threads=options.threads)
    plain = Plain(base.path, None)
    model = Loaded("base", base.path, base.gguf, None)
    found = {
        "transformers.generate": plain.ask,
        "tunectl": lambda question, count: ask(ours, model, question, count),
    }
    tuned = None
    if options.adapter is not None:
        tuned = Loaded("tuned", base.path, base.gguf, options.adapter)
        found["peft generate, adapter"] = Plain(base.path, options.adapter).ask
        found["tunectl, adapter"] = lambda question, count: ask(ours, tuned, question, count)
    try:
        import llama_cpp  # noqa: F401
    except ImportError:
        print("llama_cpp is not installed: its engine is not measured")
        return found
    from tunectl.server.generate_llamacpp import LlamaCppGenerator

    fast = LlamaCppGenerator(threads=options.threads)
    found["tunectl, llama.cpp"] = lambda question, count: ask(fast, model, question, count)
    if tuned is not None:
        found["tunectl, llama.cpp, adapter"] = lambda q, count: ask(fast, tuned, q, count)
    return found


def main() -> None:
    """Ask every side every question in turn, and print medians and ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, default=DEFAULT_ROOT, help="of a local server")
    parser.add_argument("--base", default="smollm2-135m-instruct")
    parser.add_argument("--adapter", type=Path, default=None, help="a PEFT folder")
    parser.add_argument("--tokens", type=int, default=48)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--questions", type=int, default=len(QUESTIONS))
    options = parser.parse_args()

    from tunectl.server.hf_environment import apply_hf_variables

    apply_hf_variables(options.root)
    from tunectl.server.bases import resolve

    found = sides(options, resolve(options.base, options.root))
    import torch

    torch.set_num_threads(options.threads)
    for side in found.values():
        side("Warm up, please.", 4)
    speeds: dict[str, list[tuple[float, float]]] = {name: [] for name in found}
    for question in QUESTIONS[: options.questions]:
        for name, side in found.items():
            tokens, wall, cpu = side(question, options.tokens)
            speeds[name].append((tokens / wall, tokens / cpu))
    reference = {"transformers.generate": 0.0, "peft generate, adapter": 0.0}
    print(f"{'':28} {'tokens/s':>10} {'tokens/CPU s':>13} {'ratio, wall':>12} {'ratio, CPU':>11}")
    for name, values in speeds.items():
        wall = statistics.median(value[0] for value in values)
        cpu = statistics.median(value[1] for value in values)
        if name in reference:
            against = (values, name)
        ratio = statistics.median(a[0] / b[0] for a, b in zip(values, against[0], strict=True))
        share = statistics.median(a[1] / b[1] for a, b in zip(values, against[0], strict=True))
        print(f"{name:28} {wall:10.1f} {cpu:13.1f} {ratio:12.2f} {share:11.2f}")
    print("ratios: median over the questions, against the `generate` above of the same model")


if __name__ == "__main__":
    main()
