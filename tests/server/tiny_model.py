"""A random Llama of a few thousand weights over bytes: the real code in milliseconds.

Its tokenizer is byte-level, with SmolLM's chat template, so that Polish letters and emoji are
several tokens each and every rule about masks and characters is put to the test.
"""

import hashlib
import json
from pathlib import Path

TEMPLATE = (
    "{% for message in messages %}"
    "{% if loop.first and messages[0]['role'] != 'system' %}"
    "{{ '<|im_start|>system\nYou are tiny.<|im_end|>\n' }}"
    "{% endif %}"
    "{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]


def tiny_tokenizer(template: str = TEMPLATE):
    """Every byte is a token; the three special tokens are 0, 1 and 2."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: number for number, token in enumerate([*SPECIAL, *letters])}
    core = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    core.add_special_tokens([AddedToken(token, special=True) for token in SPECIAL])
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    core.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        bos_token="<|im_start|>",
        eos_token="<|im_end|>",
        pad_token="<|im_end|>",
        unk_token="<|endoftext|>",
        chat_template=template,
    )


def tiny_llama(seed: int = 3, context: int = 512):
    """Two layers of 32; `seed` fixes its random weights."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=256 + len(SPECIAL) + 1,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=context,
        tie_word_embeddings=False,
        initializer_range=0.3,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=2,
    )
    return LlamaForCausalLM(config)


def save_tiny(folder: Path, *, seed: int = 3, context: int = 512) -> Path:
    """The tiny model as a Hugging Face folder."""
    folder.mkdir(parents=True, exist_ok=True)
    tiny_llama(seed, context).save_pretrained(folder)
    tiny_tokenizer().save_pretrained(folder)
    return folder


def tiny_root(path: Path, *, context: int = 512) -> tuple[Path, str]:
    """A server root that holds the tiny model as an imported base; returns it and the sha256."""
    digest = hashlib.sha256(b"tiny").hexdigest()
    save_tiny(path / "models" / digest, context=context)
    return path, digest


def chat(question: str, answer: str, **extra) -> dict:
    """A row of one turn."""
    return {
        "messages": [
            {"role": "user", "content": question},
            {"role": "assistant", "content": answer, **extra},
        ]
    }


def write_job(root: Path, digest: str, rows: list, *, name: str, valid: list | None = None, **more):
    """A job folder as the server writes it; `more` overrides fields of the recipe."""
    from tunectl.server.jobs import JobFolder

    folder = root / "jobs" / f"ftjob-{name}"
    folder.mkdir(parents=True)
    settings = {"n_epochs": 2, "batch_size": 4, "learning_rate_multiplier": 1.0}
    recipe = {
        "id": folder.name,
        "created_at": 1,
        "model": "tiny",
        "base": {"name": "tiny", "sha256": digest, "path": None},
        "trainer": "lora",
        "method": {"type": "supervised"},
        "hyperparameters": settings | more.pop("hyperparameters", {}),
        "seed": 7,
        "max_tokens": 256,
        "device": "cpu",
        "dtype": None,
        "threads": 1,
    } | more
    (folder / "job.json").write_text(json.dumps(recipe), encoding="utf-8")
    for file, content in (("train", rows), ("validation", valid)):
        if content is not None:
            lines = [
                x if isinstance(x, str) else json.dumps(x, ensure_ascii=False) for x in content
            ]
            text = "".join(line + "\n" for line in lines)
            (folder / f"{file}.jsonl").write_text(text, encoding="utf-8")
    return JobFolder(folder)


def write_gguf(path: Path, *, seed: int = 3, architecture: str = "llama", template: str = TEMPLATE):
    """The tiny model as a GGUF file in fp32, as llama.cpp's converter lays it out.

    GGUF has no empty arrays, so there is one merge, of two letters that no text here has.
    """
    import gguf
    from tokenizers import pre_tokenizers

    from tunectl.server.lora_gguf import NAMES, permute

    model = tiny_llama(seed)
    writer = gguf.GGUFWriter(str(path), architecture)
    writer.add_context_length(512)
    writer.add_embedding_length(32)
    writer.add_block_count(2)
    writer.add_feed_forward_length(64)
    writer.add_head_count(4)
    writer.add_head_count_kv(2)
    writer.add_rope_dimension_count(8)
    writer.add_rope_freq_base(10000.0)
    writer.add_layer_norm_rms_eps(model.config.rms_norm_eps)
    writer.add_vocab_size(model.config.vocab_size)
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    pair = letters[-2] + letters[-1]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list([*SPECIAL, *letters, pair])
    normal = gguf.TokenType.NORMAL
    writer.add_token_types([gguf.TokenType.CONTROL] * 3 + [normal] * (len(letters) + 1))
    writer.add_token_merges([f"{letters[-2]} {letters[-1]}"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_pad_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_add_bos_token(False)
    if template:
        writer.add_chat_template(template)
    names = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}
    parts = {"input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm"} | NAMES
    for name, tensor in model.state_dict().items():
        value = tensor.numpy()
        layer = name.removesuffix(".weight")
        if layer not in names:
            number, part = layer.split(".")[2], layer.split(".")[-1]
            if part in {"q_proj", "k_proj"}:
                value = permute(value, 4 if part == "q_proj" else 2)
            layer = f"blk.{number}.{parts[part]}"
        writer.add_tensor(f"{names.get(layer, layer)}.weight", value)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
