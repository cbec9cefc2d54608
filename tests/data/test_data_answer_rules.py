"""Rules of answers: whole, of the declared form, in the language of the rest; images."""

import base64

import pytest

from tunectl.core.errors import Exit, Severity
from tunectl.data.checks.answers import unclosed
from tunectl.data.checks.language import language_of
from tunectl.data.dataset import DataSpec, read
from tunectl.data.output import OutputSpec
from tunectl.data.targets import Target

LONG = (
    "To jest dłuższa odpowiedź, która opowiada o przesyłce numer {n} i kończy się tak, jak należy."
)
SOURCES = [
    "Dzień dobry, paczka numer {n} jest w drodze i dotrze do Państwa jutro przed południem.",
    "Reklamację numer {n} można złożyć w ciągu czternastu dni od dnia, w którym ją odebrano.",
    "Zwrot pieniędzy za zamówienie numer {n} trwa do pięciu dni, licząc od dnia, gdy do nas wróci.",
]


def polish(count, chat):
    return [chat(f"Co z numerem {n}?", SOURCES[n % 3].format(n=n * 37 + 11)) for n in range(count)]


def codes(problems):
    return {d.code for d in problems}


def test_the_one_answer_that_stops_in_a_sentence_is_found(read_rows, chat):
    rows = polish(40, chat)
    rows[17] = chat("Kiedy dotrze?", LONG.format(n=3)[:-6])
    found = [d for d in read_rows(rows)[1] if d.code == "cut-answer"]
    assert [(d.source.line, d.severity) for d in found] == [(18, Severity.WARNING)]


def test_where_answers_end_without_a_mark_nothing_is_cut(read_rows, chat):
    rows = [chat(f"Co z {n}?", SOURCES[n % 3].format(n=n)[:-1]) for n in range(40)]
    assert "cut-answer" not in codes(read_rows(rows)[1])


@pytest.mark.parametrize(
    ("answer", "cut"),
    [
        ("Oto kod:\n```python\nprint(1)\n", True),
        ("Oto kod:\n```python\nprint(1)\n```", False),
        ('{"answer": {"firstLine": "Call me', True),
        ('{"answer": 1}', False),
        ("{name} to zmienna", False),
        ("Lista: (a) tak, b) nie :)", False),
        (f"{'Bardzo długi tekst o wszystkim. ' * 4}Zobacz (na przykład tutaj", True),
        (f"{'Bardzo długi tekst o wszystkim. ' * 4}Zobacz (na przykład tutaj).", False),
    ],
)
def test_what_is_opened_and_not_closed_is_cut(answer, cut):
    assert bool(unclosed(answer)) is cut


@pytest.mark.parametrize(
    ("output", "good", "bad"),
    [
        (OutputSpec("json"), '{"a": 1}', "a: 1"),
        (OutputSpec("json", {"type": "object", "required": ["a"]}), '{"a": 1}', '{"b": 1}'),
        (OutputSpec("regex", pattern=r"[A-Z]{2}-\d+"), "PL-12", "PL12"),
        (OutputSpec("one-of", choices=("tak", "nie")), " tak ", "może"),
    ],
)
def test_an_answer_that_is_not_what_was_declared_is_a_warning(output, good, bad, read_rows, chat):
    rows = [chat("a?", good), chat("b?", bad)]
    found = [d for d in read_rows(rows, output=output)[1] if d.code == "wrong-output"]
    assert [(d.source.line, d.severity) for d in found] == [(2, Severity.WARNING)]
    assert bad not in f"{found[0].summary}{found[0].detail}"


def test_a_message_of_a_schema_does_not_repeat_the_answer():
    judge = OutputSpec("json", {"properties": {"a": {"enum": [1]}}}).judge()
    assert judge('{"a": "Kowalski"}') == (
        "does not fit the declared schema (at `properties.a.enum` of the schema)"
    )


@pytest.mark.parametrize(
    "output", [OutputSpec("regex", pattern="("), OutputSpec("json", {"type": "nothing"})]
)
def test_a_declaration_that_cannot_hold_is_an_error(output, read_rows, chat):
    dataset, [found] = read_rows([chat("a?", "b")], output=output)
    assert dataset is None
    assert (found.code, found.exit) == ("bad-dataset", Exit.ERROR)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        (SOURCES[0], "pl"),
        ("The parcel is on its way and will be with you tomorrow before noon.", "en"),
        ("Посылка уже в пути, и вы получите её завтра до обеда, если не будет задержек.", "ru"),
        ("Das Paket ist auf dem Weg und wird morgen bei Ihnen sein, wie von uns geplant.", "de"),
        ("42", ""),
        ("SELECT a, b FROM c WHERE d = 1", ""),
        ("<<48/2=24>>24 x + y = z", ""),
    ],
)
def test_the_language_of_a_text_is_told_by_its_small_words(text, language):
    assert language_of(text) == language


ENGLISH = "The parcel is on its way and it will be with you before noon, as you have asked."


def test_a_stray_answer_in_another_language_is_found(read_rows, chat):
    rows = polish(40, chat)
    rows[20] = chat("Kiedy dotrze paczka?", ENGLISH)
    found = [d for d in read_rows(rows)[1] if d.code == "language-mix"]
    assert [(d.source.line, d.summary) for d in found] == [
        (21, "the answer is English, and most are Polish")
    ]


def test_a_task_of_translation_is_no_mix(read_rows, chat):
    rows = [
        chat(f"Przetłumacz: {SOURCES[n % 3].format(n=n)}", f"{ENGLISH} It is number {n}.")
        for n in range(40)
    ]
    assert "language-mix" not in codes(read_rows(rows)[1])


PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(60)).decode()
JPEG = base64.b64encode(b"\xff\xd8\xff\xe0" + bytes(60)).decode()


@pytest.fixture
def images_of(folder, jsonl):
    """Read one row for targets; what is said of its parts and images."""

    def run(row, *targets):
        (folder / "a.jsonl").write_text(jsonl([row]), encoding="utf-8")
        _, found = read(DataSpec(source="a.jsonl"), folder, targets=targets)
        return [d for d in found if d.code in ("images", "bad-content", "provider-rows")]

    return run


def pictured(*urls, **more):
    parts = [{"type": "image_url", "image_url": {"url": url, **more}} for url in urls]
    return {
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "Co to?"}, *parts]},
            {"role": "assistant", "content": "Kot."},
        ]
    }


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (pictured("https://a.pl/b.png"), ""),
        (pictured(f"data:image/png;base64,{PNG}", detail="low"), ""),
        (pictured("b.png"), "neither an address"),
        (pictured(f"data:image/png,{PNG}"), "without `;base64,`"),
        (pictured(f"data:image/gif;base64,{PNG}"), "`image/gif`"),
        (pictured(f"data:image/png;base64,{JPEG}"), "is image/jpeg and says it is image/png"),
        (pictured("data:image/png;base64,AAAA"), "does not begin"),
        (pictured("data:image/png;base64,%%%%"), "not base64"),
        (pictured("data:image/png;base64," + "A" * 14_000_000), "10 MB are the most"),
        (pictured("https://a.pl/b.png", detail="tiny"), "`detail`"),
        (pictured(*["https://a.pl/b.png"] * 11), "11 images; 10 are the most"),
    ],
)
def test_an_image_is_as_the_provider_takes_it_or_says_what_is_wrong(row, words, images_of):
    found = images_of(row, Target("openai"))
    assert len(found) == bool(words)
    assert all(words in d.summary for d in found)


LINKED = {"fileData": {"mimeType": "image/jpeg", "fileUri": "gs://b/ż.jpg"}}
FILM = {"fileData": {"mimeType": "video/mp4", "fileUri": "gs://b/film.mp4"}}


def of_gemini(part):
    return {
        "contents": [
            {"role": "user", "parts": [{"text": "Co to?"}, part]},
            {"role": "model", "parts": [{"text": "Kot."}]},
        ]
    }


def of_nova(block):
    return {
        "schemaVersion": "bedrock-conversation-2024",
        "messages": [
            {"role": "user", "content": [{"text": "Co to?"}, block]},
            {"role": "assistant", "content": [{"text": "Kot."}]},
        ],
    }


def in_bucket(kind, ending):
    return of_nova(
        {kind: {"format": ending, "source": {"s3Location": {"uri": f"s3://b/k.{ending}"}}}}
    )


@pytest.mark.parametrize(
    ("row", "provider"),
    [
        (of_gemini(LINKED), "vertex"),
        (of_gemini(FILM), "vertex"),
        (in_bucket("image", "png"), "bedrock"),
        (in_bucket("video", "mp4"), "bedrock"),
        (pictured("https://a.pl/b.png"), "fireworks"),
    ],
)
def test_what_one_provider_takes_is_wrong_for_openai_alone(row, provider, images_of):
    assert images_of(row) == []
    assert images_of(row, Target(provider, "some-model")) == []
    wrong = images_of(row, Target("openai"))
    assert {"`openai`" in d.summary for d in wrong} == (
        set() if provider == "fireworks" else {True}
    )


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (pictured("b.png"), "neither an address"),
        (pictured(f"data:image/png,{PNG}"), "without `;base64,`"),
        (pictured("data:image/png;base64,%%%%"), "not base64"),
        (pictured(7), "has no `{"),
    ],
)
def test_an_image_that_nobody_can_read_is_wrong_without_a_provider(row, words, images_of):
    [found] = images_of(row)
    assert words in found.summary


def test_a_part_that_is_no_object_is_wrong_without_a_provider(images_of):
    row = {
        "messages": [{"role": "user", "content": ["Co to?"]}, {"role": "assistant", "content": "k"}]
    }
    assert ["no object" in d.summary for d in images_of(row)] == [True]


def test_what_is_known_of_claude_is_not_held_against_other_models_of_bedrock(images_of):
    row = pictured(f"data:image/png;base64,{PNG}")
    assert images_of(row, Target("bedrock", "amazon.nova-lite-v1:0")) == []
    [found] = images_of(row, Target("bedrock", "anthropic.claude-3-haiku-20240307-v1:0"))
    assert "`bedrock` takes no images" in found.summary
