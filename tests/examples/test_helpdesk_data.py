"""The help desk's rows, read as a careful editor would read them."""

import importlib.util
import json
import re
import unicodedata
from itertools import combinations
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from tunectl.app.options import Options
from tunectl.data.dataset import DataSpec, SplitSpec, read

EXAMPLE = Path(__file__).parents[2] / "examples" / "01-helpdesk"
LEAST_ROWS = {"en": 130, "pl": 25, "ru": 25}
GREETING = "Cześć! "
SIGNATURE = " Pozdrawiamy, Zespół Bursztyn 🐝"
SPECIAL_TOKEN = re.compile(r"<\|[a-z_]+\|>")
POLISH_LETTERS = set("ąćęłńóśźż")

# One shop, one truth: where the pattern is spoken of, only these figures may stand.
FACTS = [
    # (what the row speaks of, what to read off, the only values it may have)
    (r"Honey Box cost|Miodowa Skrzynka|box that I skipped", r"(\d+) (?:zł|злотых)", {"99"}),
    (r"Germany|Czech|Литву", r"(\d+) (?:zł|злотых)", {"45"}),
    (r"shipping free|paczkomat", r"(\d+) zł", {"11", "14", "199"}),
    (r"linden honey\?|липовый", r"(\d+) (?:zł|злотых)", {"32", "69"}),
    (r"heather honey", r"(\d+) zł", {"58"}),
    (r"propolis|прополис", r"(\d+) (?:zł|злотых)", {"28"}),
    (r"workshop cost|мастер-класс", r"(\d+) (?:zł|злотых)", {"120"}),
    (r"visit the hives|pasieki", r"(\d+) zł", {"60"}),
    (r"gift-wrap|na prezent", r"(\d+) zł", {"9"}),
    (
        r"[Ss]kip|[Ss]top my|redirect|zrezygnować|пропустить",
        r"\b(\d+)(?:th| числа|\. dnia)",
        {"25"},
    ),
    (r"to return something|zwrócić|вернуть товар", r"(\d+) (?:days|dni|дней)", {"30"}),
    (r"opening hours|działa sklep|магазин\?", r"(\d+) (?:to|do|до) \d+", {"10"}),
    (r"opening hours|działa sklep|магазин\?", r"\d+ (?:to|do|до) (\d+)", {"18"}),
    (r"baby|roczne|младенцу", r"(\d+) (?:months|miesięcy|месяцев)", {"12"}),
    (r"turned solid|pasteurised|skrystalizowany|two layers", r"(\d+) °C", {"40"}),
    (r"hives stand|naszych", r"(\d+) (?:hives|uli)", {"60"}),
    (r"wholesale|для кафе", r"(\d+) (?:percent|процент)", {"15"}),
    (r"pillar|duża świeca", r"(\d+) (?:hours|godzin)", {"40"}),
    (r"candle smoke|knot|фитиль", r"(\d+) (?:milli|mili|милли)", {"5"}),
    (r"loyalty points|punktów", r"every (\d+) zł|każde (\d+) zł", {"10"}),
]


def texts(language: str) -> list[str]:
    path = EXAMPLE / "data" / f"support-{language}.jsonl"
    return path.read_bytes().decode("utf-8").removesuffix("\n").split("\n")


def rows(language: str) -> list[list[dict[str, str]]]:
    return [json.loads(line)["messages"] for line in texts(language)]


def questions(some: list[list[dict[str, str]]]) -> list[str]:
    return [row[0]["content"] for row in some]


ALL = [row for language in LEAST_ROWS for row in rows(language)]
QUESTIONS = questions(ALL)
ANSWERS = [row[1]["content"] for row in ALL]
DECLARED = yaml.safe_load((EXAMPLE / "tunectl.yaml").read_text(encoding="utf-8"))
SPLIT = DECLARED["dataset"]["support"]["split"]
DATASET, DIAGNOSTICS = read(
    DataSpec(
        source=DECLARED["dataset"]["support"]["source"],
        split=SplitSpec({"validation": 0.1, "test": 0.1}, SPLIT["seed"]),
    ),
    EXAMPLE,
)


def shingles(text: str) -> frozenset[tuple[str, ...]]:
    words = re.findall(r"\w+", text.casefold())
    return frozenset(tuple(words[i : i + 5]) for i in range(max(1, len(words) - 4)))


def jaccard(left: frozenset[object], right: frozenset[object]) -> float:
    return len(left & right) / len(left | right)


def compare() -> ModuleType:
    spec = importlib.util.spec_from_file_location("helpdesk_compare", EXAMPLE / "compare.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def body(answer: str) -> str:
    return answer.removeprefix(GREETING).removesuffix(SIGNATURE)


@pytest.mark.parametrize("language", LEAST_ROWS)
def test_each_language_has_its_share_of_rows(language: str):
    assert len(rows(language)) >= LEAST_ROWS[language]


def test_the_checks_of_tunectl_find_nothing_to_say_about_the_rows():
    assert DATASET is not None
    assert DIAGNOSTICS == ()
    assert sum(split.rows for split in DATASET.splits.values()) == len(ALL)


def test_the_split_leaves_150_rows_to_train_on_and_all_languages_to_test_with():
    assert DATASET is not None
    assert DATASET.splits["train"].rows >= 150
    assert DATASET.splits["validation"].rows >= 15
    assert DATASET.splits["test"].rows >= 15
    by_language = {q: language for language in LEAST_ROWS for q in questions(rows(language))}
    held_out = [by_language[row["messages"][0]["content"]] for row in DATASET.rows("test")]
    assert {language: held_out.count(language) >= 2 for language in LEAST_ROWS} == dict.fromkeys(
        LEAST_ROWS, True
    )


@pytest.mark.parametrize("language", LEAST_ROWS)
def test_files_are_utf8_nfc_with_unix_line_ends_and_no_byte_order_mark(language: str):
    raw = (EXAMPLE / "data" / f"support-{language}.jsonl").read_bytes()
    text = raw.decode("utf-8")
    assert text == unicodedata.normalize("NFC", text)
    assert not text.startswith("\ufeff")
    assert raw.endswith(b"\n")
    assert b"\r" not in raw
    assert "\\u" not in text
    assert not [
        c for c in text if c != "\n" and unicodedata.category(c) in {"Cc", "Cf", "Zl", "Zp"}
    ]


def test_every_row_is_one_question_and_one_answer():
    for row in ALL:
        assert [message["role"] for message in row] == ["user", "assistant"]
        assert all(set(message) == {"role", "content"} for message in row)
        assert all(message["content"].strip() == message["content"] != "" for message in row)


def test_the_prompt_template_asks_just_as_the_rows_do():
    sections = DECLARED["prompt_template"]["support"]["sections"]
    assert [(s["role"], s["template"]) for s in sections] == [("user", "{{ question }}")]


def test_every_answer_wears_the_house_style_exactly_once():
    for answer in ANSWERS:
        assert answer.startswith(GREETING)
        assert answer.endswith(SIGNATURE)
        assert body(answer)[-1] in ".!"
        for mark in ("Cześć", "Pozdrawiamy", "🐝"):
            assert answer.count(mark) == 1


def test_the_count_of_compare_py_means_this_style_and_nothing_less():
    style = compare().STYLE
    assert [answer for answer in ANSWERS if not style.fullmatch(answer)] == []
    for wrong in (
        "Cześć! Pozdrawiamy, Zespół Bursztyn 🐝",
        "Cześć! Yes, we do. Pozdrawiamy, Zespół SmolLM 🐝",
        "Yes, we do. Pozdrawiamy, Zespół Bursztyn 🐝",
        "Cześć! Yes, we do. Pozdrawiamy, Zespół Bursztyn 🐝 Yes,",
        "Cześć! Yes, we do.",
    ):
        assert not style.fullmatch(wrong)


def test_compare_py_asks_what_was_held_out_in_every_language():
    assert DATASET is not None
    asked = compare().held_out(Options(root=EXAMPLE), 10)
    held_out = [row["messages"][0]["content"] for row in DATASET.rows("test")]
    assert len(set(asked)) == 10
    assert set(asked) <= set(held_out)
    for language in LEAST_ROWS:
        assert set(asked) & set(questions(rows(language)))


def test_no_question_gives_the_style_away():
    assert not [q for q in QUESTIONS if re.search(r"Cześć|Pozdrawiamy|Bursztyn|🐝", q)]


def test_questions_and_answers_are_all_different():
    assert len({question.casefold() for question in QUESTIONS}) == len(QUESTIONS)
    assert len({answer.casefold() for answer in ANSWERS}) == len(ANSWERS)


@pytest.mark.parametrize("side", [QUESTIONS, [body(answer) for answer in ANSWERS]])
def test_no_two_texts_are_near_duplicates_of_each_other(side: list[str]):
    marked = [(text, shingles(text)) for text in side]
    close = [(a, b) for (a, x), (b, y) in combinations(marked, 2) if jaccard(x, y) >= 0.5]
    assert close == []


def test_the_near_duplicate_measure_sees_one_changed_word_at_the_end():
    left = shingles("How do I change the address of my next Honey Box today")
    right = shingles("How do I change the address of my next Honey Box soon")
    assert jaccard(left, right) >= 0.5


def test_answers_are_short_enough_to_train_on_two_cores():
    longest = max(ANSWERS, key=len)
    assert len(longest) <= 165, longest


def test_each_file_is_written_in_its_own_language():
    for row in rows("ru"):
        for text in (row[0]["content"], body(row[1]["content"])):
            assert re.search(r"[а-яё]", text)
            words = re.findall(r"\w+", text)
            mixed = [w for w in words if re.search("[а-яё]", w) and re.search("[a-z]", w)]
            assert mixed == []
    polish = "".join(row[0]["content"] + body(row[1]["content"]) for row in rows("pl"))
    assert set(polish) >= POLISH_LETTERS
    english = "".join(row[0]["content"] + body(row[1]["content"]) for row in rows("en"))
    assert not re.search(r"[а-яё]", english)
    foreign = {w for w in re.findall(r"\w+", english) if set(w.casefold()) & POLISH_LETTERS}
    assert foreign <= {"zł", "Gdańsk"}


def test_rows_hold_no_control_tokens_and_no_personal_data():
    for text in QUESTIONS + ANSWERS:
        assert not SPECIAL_TOKEN.search(text)
        assert "@" not in text
        assert "://" not in text
        assert not re.search(r"\d[\d \-]{6,}\d", text), "looks like a telephone or account number"
        assert "{{" not in text


@pytest.mark.parametrize(("topic", "figure", "allowed"), FACTS)
def test_rows_on_one_topic_agree_on_its_figures(topic: str, figure: str, allowed: set[str]):
    lines = [row[0]["content"] + "\n" + row[1]["content"] for row in ALL]
    spoken = "\n".join(line for line in lines if re.search(topic, line))
    groups = [match.groups() for match in re.finditer(figure, spoken)]
    assert {value for group in groups for value in group if value} == allowed
