"""Knowledge bases: which documents they have, what is lowered, what is refused before a plan."""

import hashlib

import pytest

from tests.config.making import loaded, project, resources, write
from tunectl.config.kept import Asked, ProjectCache
from tunectl.config.load import load
from tunectl.core.errors import ConfigError, StaleError
from tunectl.core.resource import Expiry, Recreate
from tunectl.core.value import Address, Ref

HEAD = """
project: pomoc
providers:
  local: {trainer: simulated}
  openai: {}
  azure: {type: openai, profile: azure, base_url: "https://a.openai.azure.com/openai/v1/",
          key_env: AZURE_KEY}
  claude: {type: anthropic}
"""
REMOTE = """
knowledge_base:
  manual: {provider: openai, sources: [docs/*.md]}
"""
LOCAL = REMOTE.replace("openai", "local")
TEXT = "# Zwroty\n\nZażółć gęślą jaźń; возврат за 30 дней.\n"


def sha(content):
    return hashlib.sha256(content if isinstance(content, bytes) else content.encode()).hexdigest()


def declared(root, text=REMOTE, **documents):
    documents = documents or {"docs/zwroty.md": TEXT, "docs/b.md": "Drugi.\n"}
    made = project(root, HEAD + text)
    for name, content in documents.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return made


def of(root, text, **documents):
    return resources(declared(root, text, **documents))["knowledge_base.manual"]


def refusals(root, text, **documents):
    with pytest.raises(ConfigError) as told:
        loaded(declared(root, text, **documents))
    return told.value.diagnostics


def test_a_remote_one_has_an_upload_for_each_document(tmp_path):
    found = resources(declared(tmp_path))
    made = found["knowledge_base.manual"]
    upload = found['upload.manual["docs/zwroty.md/openai/document"]']
    assert made.spec["documents"] == {"docs/b.md": sha("Drugi.\n"), "docs/zwroty.md": sha(TEXT)}
    assert made.spec["files"]["docs/zwroty.md"] == Ref(upload.address, ("file_id",))
    assert made.inputs == {"files"}
    assert upload.spec == {
        "document": "docs/zwroty.md",
        "sha256": sha(TEXT),
        "bytes": len(TEXT.encode()),
        "format": "document",
    }
    assert upload.immutable == set(upload.spec)
    assert upload.parent == made.address
    assert upload.recreate is Recreate.FREELY


def test_a_local_one_has_none_and_all_its_settings(tmp_path):
    found = resources(declared(tmp_path, LOCAL))
    assert not [address for address in found if address.startswith("upload")]
    made = found["knowledge_base.manual"]
    assert made.spec == {
        "documents": {"docs/b.md": sha("Drugi.\n"), "docs/zwroty.md": sha(TEXT)},
        "name": "manual",
        "chunking": {"size": 400, "overlap": 50},
        "embedding": {"model": "multilingual-e5-small"},
        "retrieval": {"top_k": 5, "min_score": 0.0, "mode": "hybrid"},
    }
    assert made.destroy_first
    assert "name" in made.immutable


def test_a_remote_one_says_only_what_is_said(tmp_path):
    assert set(of(tmp_path, REMOTE).spec) == {"documents", "files", "retrieval"}


def test_a_document_of_two_patterns_counts_once(tmp_path):
    text = REMOTE.replace("[docs/*.md]", "[docs/*.md, docs/zwroty.md, docs/z*.md]")
    assert len(of(tmp_path, text).spec["documents"]) == 2


def test_one_source_may_stand_without_a_list(tmp_path):
    assert len(of(tmp_path, REMOTE.replace("[docs/*.md]", "docs/*.md")).spec["documents"]) == 2


@pytest.mark.parametrize(
    "content",
    [TEXT.encode(), b"\xef\xbb\xbf" + TEXT.encode(), TEXT.encode("utf-16")],
    ids=["plain", "mark", "utf-16"],
)
def test_a_document_is_its_text_however_it_is_stored(tmp_path, content):
    made = of(tmp_path, REMOTE, **{"docs/a.md": content})
    assert made.spec["documents"] == {"docs/a.md": sha(TEXT)}


def test_each_of_several_has_its_own_uploads(tmp_path):
    text = """
knowledge_base:
  manual: {provider: openai, for_each: [pl, ru], sources: ["docs/${each.key}/*.md"]}
"""
    documents = {"docs/pl/a.md": "Polski\n", "docs/ru/a.md": "Русский\n"}
    found = resources(declared(tmp_path, text, **documents))
    assert 'upload.manual["pl/docs/pl/a.md/openai/document"]' in found
    assert 'upload.manual["ru/docs/ru/a.md/openai/document"]' in found


def test_a_dataset_and_a_knowledge_base_may_have_one_name(tmp_path):
    text = REMOTE + "dataset:\n  manual: {source: data/rows.jsonl}\n"
    text += "tuning_job:\n  manual: {provider: openai, data: dataset.manual, "
    text += "base_model: gpt-4.1-mini-2025-04-14}\n"
    found = resources(declared(tmp_path, text))
    assert 'upload.manual["train/openai/chat"]' in found
    assert 'upload.manual["docs/b.md/openai/document"]' in found


def test_its_end_without_use_is_its_own(tmp_path):
    text = REMOTE.replace("[docs/*.md]", "[docs/*.md], expires_when_idle: 30d, expires_after: 90d")
    made = of(tmp_path, text)
    assert made.spec["expires_when_idle"] == 30 * 86_400
    assert made.expires == Expiry(after=90 * 86_400, idle=30 * 86_400)


def test_what_the_service_cannot_change_is_immutable_or_waits(tmp_path):
    made = of(tmp_path, REMOTE.replace("openai,", "openai, description: Zasady,"))
    assert "chunking" in made.immutable
    assert made.deferred == {"description"}


def test_uploads_move_with_it(tmp_path):
    text = REMOTE.replace("manual:", "handbook:")
    text += "moved: [{from: knowledge_base.manual, to: knowledge_base.handbook}]\n"
    moved = loaded(declared(tmp_path, text)).project.moved
    assert {(str(m.before), str(m.after)) for m in moved} == {
        ("knowledge_base.manual", "knowledge_base.handbook"),
        *(
            (
                f'upload.manual["{name}/openai/document"]',
                f'upload.handbook["{name}/openai/document"]',
            )
            for name in ("docs/b.md", "docs/zwroty.md")
        ),
    }


REFUSED = [
    ("docs/*.txt", {}, "no-match", "no file matches `docs/*.txt`"),
    ("docs/nic.md", {}, "no-such-file", "there is no file `docs/nic.md`"),
    ("docs", {}, "is-a-directory", "`docs` is a folder"),
    ("../obce.md", {}, "outside-project", "`../obce.md` lies outside the project"),
    ("/etc/hosts", {}, "outside-project", "`/etc/hosts` lies outside the project"),
    ("https://acme.pl/a.md", {}, "remote-source", "`https` is not known"),
    ("docs/a.pdf", {"docs/a.pdf": b"%PDF"}, "document-format", "`docs/a.pdf` is no text"),
    ("docs/LICENSE", {"docs/LICENSE": b"x"}, "document-format", "`docs/LICENSE` has no ending"),
    ("docs/a.txt", {"docs/a.txt": b"a\nb\0c"}, "document-binary", "`docs/a.txt` is binary"),
    (
        "docs/a.txt",
        {"docs/a.txt": "Zażółć\ngęślą jaźń".encode("cp1250")},
        "not-utf8",
        "`docs/a.txt` is not UTF-8",
    ),
]


@pytest.mark.parametrize(("source", "documents", "code", "said"), REFUSED)
def test_a_source_that_gives_no_documents_is_told_where_it_stands(
    tmp_path, source, documents, code, said
):
    documents = {"docs/b.md": "Drugi.\n", **documents}
    text = REMOTE.replace("docs/*.md", source)
    [made] = [d for d in refusals(tmp_path, text, **documents) if d.severity.value == "error"]
    assert made.code == code
    assert said in made.summary
    assert made.hint
    assert made.address == "knowledge_base.manual"


def test_the_line_that_is_no_text_is_told_with_a_guess(tmp_path):
    documents = {"docs/a.md": b"Dobry\nza\xbf\xf3\xb3\xe6 g\xea\x9cl\xb9\n"}
    [made] = refusals(tmp_path, REMOTE, **documents)
    assert (made.source.file, made.source.line) == ("docs/a.md", 2)
    assert "iconv -f cp1250 -t utf-8" in made.hint


def test_a_link_that_leads_out_of_the_project_is_refused(tmp_path):
    root = tmp_path / "projekt"
    root.mkdir()
    (tmp_path / "tajne.md").write_text("tajne", encoding="utf-8")
    (root / "docs").mkdir()
    (root / "docs" / "link.md").symlink_to(tmp_path / "tajne.md")
    [made] = refusals(root, REMOTE, **{"docs/b.md": "Drugi.\n"})
    assert made.code == "outside-project"


def test_many_broken_documents_are_counted(tmp_path):
    documents = {f"docs/{n:02}.md": b"\xff\xfe\0" for n in range(30)}
    assert len(refusals(tmp_path, REMOTE, **documents)) == 21


LIMITS = [
    ("openai", "chunking: {size: 50}", "OpenAI takes 100 to 4096 tokens"),
    ("openai", "chunking: {size: 5000}", "OpenAI takes 100 to 4096 tokens"),
    ("openai", "embedding: text-embedding-3-large", "OpenAI chooses the embedding model itself"),
    ("openai", "retrieval: {mode: keywords}", "OpenAI has its own way to search"),
    ("openai", "expires_when_idle: 36h", "OpenAI takes 1 to 365 whole days"),
    ("openai", "expires_when_idle: 400d", "OpenAI takes 1 to 365 whole days"),
    ("local", "expires_when_idle: 3d", "deletes nothing by itself"),
    ("local", "embedding: multilingual-e5", "has no embedding model `multilingual-e5`"),
    ("openai", "chunking: {size: 200, overlap: 101}", "an overlap of 101"),
]


@pytest.mark.parametrize(("provider", "field", "said"), LIMITS)
def test_what_the_service_does_not_take_is_refused(tmp_path, provider, field, said):
    text = REMOTE.replace("openai,", f"{provider}, {field},")
    [made] = refusals(tmp_path, text)
    assert said in made.summary
    assert made.source.line == 11


@pytest.mark.parametrize("provider", ["azure", "claude"])
def test_a_provider_without_knowledge_bases_names_those_that_have_them(tmp_path, provider):
    [made] = refusals(tmp_path, REMOTE.replace("openai", provider))
    assert made.code == "no-knowledge-bases"
    assert f"provider `{provider}` can have none" in made.summary
    assert "`local`" in made.hint
    assert "`openai`" in made.hint
    assert ("/search" in made.detail) is (provider == "azure")
    if provider == "claude":
        assert "Claude is given what a local one finds" in made.hint


class TestAProjectThatIsKept:
    def asked(self, root, folder):
        cache = ProjectCache(folder)
        load(root, environ={}, kept=cache)
        return cache, Asked(root=root, environ={}, env="default")

    def test_is_given_again_while_its_documents_are_the_same(self, tmp_path):
        root = declared(tmp_path / "p", LOCAL)
        cache, asked = self.asked(root, tmp_path / "cache")
        again = cache.get(asked)
        assert again is not None
        assert again.project == load(root, environ={}).project

    @pytest.mark.parametrize("edit", ["changed", "added", "removed"])
    def test_is_loaded_again_when_a_document_is_not(self, tmp_path, edit):
        root = declared(tmp_path / "p", LOCAL)
        cache, asked = self.asked(root, tmp_path / "cache")
        if edit == "removed":
            (root / "docs" / "b.md").unlink()
        else:
            write(root, "docs/b.md" if edit == "changed" else "docs/c.md", "Inny.\n")
        assert cache.get(asked) is None


def test_the_bytes_of_a_document_are_given_while_they_are_those_that_were_planned(tmp_path):
    from tunectl.app.uploading import DatasetReader

    root = declared(tmp_path)
    reader = DatasetReader({}, root)
    spec = {"document": "docs/zwroty.md", "sha256": sha(TEXT)}
    with reader.open(spec) as stream:
        assert stream.read() == TEXT.encode()
    (root / "docs" / "zwroty.md").write_text("inny", encoding="utf-8")
    with pytest.raises(StaleError, match=r"`docs/zwroty\.md` changed"):
        reader.open(spec)
    (root / "docs" / "zwroty.md").unlink()
    with pytest.raises(StaleError, match=r"there is no file `docs/zwroty\.md`"):
        reader.open(spec)


def test_a_name_with_the_signs_of_a_pattern_is_a_name(tmp_path):
    from tunectl.app.uploading import DatasetReader

    root = declared(tmp_path, REMOTE, **{"docs/a[1].md": TEXT})
    made = resources(root)["knowledge_base.manual"]
    assert made.address == Address.of("knowledge_base", "manual")
    assert [*made.spec["documents"]] == ["docs/a[1].md"]
    with DatasetReader({}, root).open({"document": "docs/a[1].md", "sha256": sha(TEXT)}) as stream:
        assert stream.read() == TEXT.encode()


def test_empty_documents_are_warned_of_by_name(tmp_path):
    documents = {"docs/zwroty.md": TEXT, "docs/puste.md": " \n\u00a0\t\n", "docs/nic.md": ""}
    found = loaded(declared(tmp_path, LOCAL, **documents)).project.warnings
    [said] = [one for one in found if one.code == "empty-document"]
    assert said.summary.startswith("`docs/nic.md`, `docs/puste.md` are empty")
    assert said.address == "knowledge_base.manual"
