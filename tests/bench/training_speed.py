"""Tokens per second of the LoRA trainer against Hugging Face's Trainer with peft.

Same base model, same rows, same settings (batch, rank, learning rate, fp32, threads), one process;
after each step of the Trainer one step of ours is run, so that whatever else the machine does hits
both alike. Ours includes its events, status and checkpoints; the Trainer's includes its logging
but no checkpoints.

    python -m tests.bench.training_speed --steps 12
"""

import argparse
import json
import random
import shutil
import statistics
import tempfile
import time
from pathlib import Path

import platformdirs

DEFAULT_ROOT = platformdirs.user_data_path("tunectl") / "local"

SUBJECTS = ["order", "invoice", "parcel", "lamp", "password", "voucher", "newsletter", "refund"]
ANSWERS = [
    "Open Settings, choose Billing and press Download.",
    "Yes, we ship to France and to every other country of the European Union within five days.",
    "Tak, możesz zwrócić towar w ciągu czternastu dni; etykietę zwrotną wyślemy pocztą.",
    "Напишите нам номер заказа, и мы всё проверим.",
    (
        "It left our warehouse yesterday. You will get a message with the number of the parcel, "
        "and the courier will call you about an hour before. If you are not at home, the parcel "
        "waits for three days at the nearest point; afterwards it comes back to us."
    ),
]


def rows(count: int, longest: int) -> list[dict]:
    """Chats of uneven length; `longest` adds sentences to some questions."""
    source = random.Random(11)
    made = []
    for number in range(count):
        question = f"I have a question about my {source.choice(SUBJECTS)} number {number}."
        question += " Please answer soon, I am waiting." * source.randrange(longest)
        answer = f"Cześć! {source.choice(ANSWERS)} Pozdrawiamy, Zespół Bursztyn 🐝"
        made.append(
            {
                "messages": [
                    {"role": "user", "content": question},
                    {"role": "assistant", "content": answer},
                ]
            }
        )
    return made


def our_training(root: Path, base: str, count: int, batch: int, longest: int, threads: int | None):
    """The product's own training, prepared and not yet begun, in a throw-away job folder."""
    from tunectl.server.bases import resolve
    from tunectl.server.jobs import JobFolder
    from tunectl.server.trainers.lora import prepare

    found = resolve(base, root)
    folder = Path(tempfile.mkdtemp(prefix="training-speed-")) / "jobs" / "ftjob-bench"
    folder.mkdir(parents=True)
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows(count, longest))
    (folder / "train.jsonl").write_text(text, encoding="utf-8")
    recipe = {
        "base": {"name": base, "sha256": found.sha256, "path": str(found.path)},
        "hyperparameters": {
            "n_epochs": 1000,
            "batch_size": batch,
            "learning_rate_multiplier": 1.0,
        },
        "seed": 7,
        "threads": threads,
    }
    (folder / "job.json").write_text(json.dumps(recipe), encoding="utf-8")
    return prepare(JobFolder(folder), lambda: None), found


def trainer_side(base_folder: Path, examples, batch: int, steps: int, after_step):
    """Hugging Face's Trainer on the same rows; `after_step(seconds, cpu_seconds)` after each."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import (
        AutoModelForCausalLM,
        AutoTokenizer,
        DataCollatorForSeq2Seq,
        Trainer,
        TrainerCallback,
        TrainingArguments,
    )

    tokenizer = AutoTokenizer.from_pretrained(base_folder)
    model = AutoModelForCausalLM.from_pretrained(base_folder, dtype=torch.float32)
    config = LoraConfig(
        r=8, lora_alpha=16, lora_dropout=0.0, target_modules="all-linear", task_type="CAUSAL_LM"
    )
    model = get_peft_model(model, config)
    data = [
        {"input_ids": list(e.ids), "labels": list(e.labels), "attention_mask": [1] * len(e.ids)}
        for e in examples
    ]

    class Clock(TrainerCallback):
        def on_step_begin(self, *_args, **_kwargs):
            self.wall, self.cpu = time.perf_counter(), time.process_time()

        def on_step_end(self, *_args, **_kwargs):
            after_step(time.perf_counter() - self.wall, time.process_time() - self.cpu)

    arguments = TrainingArguments(
        output_dir=tempfile.mkdtemp(prefix="training-speed-hf-"),
        per_device_train_batch_size=batch,
        max_steps=steps,
        learning_rate=1e-3,
        weight_decay=0.0,
        lr_scheduler_type="cosine",
        max_grad_norm=1.0,
        optim="adamw_torch_fused",
        logging_steps=1,
        save_strategy="no",
        report_to=[],
        disable_tqdm=True,
        seed=7,
        use_cpu=not torch.cuda.is_available(),
    )
    collator = DataCollatorForSeq2Seq(tokenizer, padding=True, label_pad_token_id=-100)
    return Trainer(
        model=model, args=arguments, train_dataset=data, data_collator=collator, callbacks=[Clock()]
    )


def main() -> None:
    """Run both sides, step by step in turn, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, default=DEFAULT_ROOT, help="of a local server")
    parser.add_argument("--base", default="smollm2-135m-instruct")
    parser.add_argument("--rows", type=int, default=50)
    parser.add_argument("--batch", type=int, default=5)
    parser.add_argument("--steps", type=int, default=12, help="measured, after 2 to warm up")
    parser.add_argument("--longest", type=int, default=8, help="unevenness of the questions")
    parser.add_argument("--threads", type=int, default=None)
    options = parser.parse_args()

    from tunectl.server.hf_environment import apply_hf_variables

    apply_hf_variables(options.root)
    ours, base = our_training(
        options.root, options.base, options.rows, options.batch, options.longest, options.threads
    )
    times: dict[str, list[tuple[float, float]]] = {"tunectl": [], "Trainer": []}
    tokens: list[int] = []

    def turn(wall: float, cpu: float) -> None:
        times["Trainer"].append((wall, cpu))
        batch = ours.schedule.batch(ours.done)
        tokens.append(sum(len(ours.train[index].ids) for index in batch))
        begun, spent = time.perf_counter(), time.process_time()
        ours._advance()
        times["tunectl"].append((time.perf_counter() - begun, time.process_time() - spent))

    trainer_side(base.path, ours.train, options.batch, options.steps + 2, turn).train()
    mean = statistics.mean(tokens[2:])
    print(f"{options.batch} rows a step, {mean:.0f} tokens on average, no padding counted")
    print(f"{'':10} {'wall s/step':>12} {'CPU s/step':>12} {'tokens/s':>10}")
    medians = {}
    for side, values in times.items():
        wall = statistics.median(value[0] for value in values[2:])
        cpu = statistics.median(value[1] for value in values[2:])
        medians[side] = (wall, cpu)
        print(f"{side:10} {wall:12.2f} {cpu:12.2f} {mean / wall:10.1f}")
    wall = medians["Trainer"][0] / medians["tunectl"][0]
    cpu = medians["Trainer"][1] / medians["tunectl"][1]
    print(f"tunectl is {wall:.2f} times as fast by wall clock, {cpu:.2f} times by CPU time")
    shutil.rmtree(ours.job.path.parent.parent, ignore_errors=True)


if __name__ == "__main__":
    main()
