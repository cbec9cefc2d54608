"""Numbers that prove themselves, and that none of them is ever repeated."""

import re
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tunectl.data.dataset import DataSpec, read
from tunectl.data.sensitive import checksums
from tunectl.data.sensitive.personal import personal_data
from tunectl.data.targets import Level

digit = st.integers(0, 9).map(str)


def digits(count):
    return st.lists(digit, min_size=count, max_size=count).map("".join)


@pytest.mark.parametrize(
    ("check", "right"),
    [
        (checksums.is_pesel, "44051401359"),
        (checksums.is_pesel, "02070803628"),
        (checksums.is_nip, "5260250995"),
        (checksums.is_regon, "123456785"),
        (checksums.is_regon, "12345678512347"),
        (checksums.is_inn, "7707083893"),
        (checksums.is_inn, "500100732259"),
        (checksums.is_snils, "11223344595"),
        (checksums.is_card, "4539578763621486"),
        (checksums.is_card, "378282246310005"),
        (checksums.is_iban, "PL61109010140000071219812874"),
        (checksums.is_iban, "GB29NWBK60161331926819"),
        (checksums.is_polish_document, "ABA300000"),
        (checksums.is_polish_document, "ZS0000177"),
    ],
)
def test_published_examples_prove_themselves_and_no_neighbour_does(check, right):
    assert check(right)
    wrong = right[:-1] + str((int(right[-1]) + 1) % 10)
    assert not check(wrong)
    assert not check(right[:-1])
    assert not check(right + "0")


@given(st.dates(date(1800, 1, 1), date(2199, 12, 31)), digits(4))
def test_a_pesel_is_made_of_a_date_and_its_check_digit(born, serial):
    month = born.month + {18: 80, 19: 0, 20: 20, 21: 40}[born.year // 100]
    head = f"{born.year % 100:02}{month:02}{born.day:02}{serial}"
    valid = [n for n in "0123456789" if checksums.is_pesel(head + n)]
    assert len(valid) == 1
    assert not checksums.is_pesel(f"{head[:2]}13{head[4:]}{valid[0]}")


@given(digits(24))
def test_an_iban_has_one_pair_of_check_digits(account):
    valid = [n for n in range(2, 99) if checksums.is_iban(f"PL{n:02}{account}")]
    assert len(valid) == 1


@given(digits(15))
def test_a_card_has_one_check_digit(head):
    valid = [n for n in "0123456789" if checksums.is_card(f"4{head[1:]}{n}")]
    assert len(valid) <= 1


@given(st.text(alphabet="0123456789 -.+()@aPLŻ№/", max_size=60))
def test_any_text_can_be_looked_at(text):
    for what, at in personal_data(text):
        assert what
        assert 0 <= at < len(text)


def kinds(text):
    return [what for what, _ in personal_data(text)]


@pytest.mark.parametrize(
    "text",
    [
        "1700000000 sekund, 5260250995 wierszy",  # a NIP only where it is called one
        "nr 4111 1111 1111 1111",  # a published test card
        "2024-05-01 12:30:59, 10.000.000, 1 000 000 000",
        "pi = 3.14159265358979",
        "/zamowienia/44051401358/",
        "kontakt@acme.pl, no-reply@sklep.pl, jan@example.org",
        "10.0.0.1 172.16.0.1 192.168.1.1 127.0.0.1 255.255.255.255 999.1.1.1",
        "version 12.4.1.9",
    ],
)
def test_numbers_of_every_day_are_nobodys(text):
    assert kinds(text) == []


@pytest.mark.parametrize(
    "number", ["8 (916) 123-45-67", "8(916)123-45-67", "8 916 123 45 67", "8-916-123-45-67"]
)
def test_a_russian_mobile_needs_no_word_beside_it(number):
    assert kinds(f"Запишите: {number}, вечером") == ["a phone number"]


def test_a_russian_hotline_is_nobodys():
    assert kinds("8 (800) 555-35-35, заказ 8-916-12") == []


def test_each_number_is_told_once():
    text = "PESEL 44051401359, konto PL61 1090 1014 0000 0712 1981 2874, tel. +48 601 234 567"
    assert sorted(kinds(text)) == ["a PESEL", "a phone number", "an IBAN"]


SAMPLES = {
    "44051401359": "PESEL 44051401359",
    "5260250995": "NIP 5260250995",
    "61109010140000071219812874": "PL61109010140000071219812874",
    "4539578763621486": "karta 4539578763621486",
    "500100732259": "ИНН 500100732259",
    "anna.kowalska": "anna.kowalska@wp.pl",
    "601234567": "tel. +48601234567",
    "a8Fk2Lq9Zx7Vb3Nm5Tr1": "ghp_a8Fk2Lq9Zx7Vb3Nm5Tr1Yw4Ue6Io0PpQsX2e",
    "zX8u2Kq9Lm": "hasło: zX8u2Kq9Lm!",
    "zI8u2Kq9": "postgresql://anna:zI8u2Kq9@db.acme.pl/baza",
}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.sampled_from(sorted(SAMPLES)), min_size=1, max_size=3), st.booleans())
def test_no_diagnostic_repeats_personal_data_or_a_secret(folder, jsonl, chat, chosen, in_key):
    said = " ".join(SAMPLES[one] for one in chosen)
    row = chat(said, said, **({"extra": said} if in_key else {}))
    (folder / "a.jsonl").write_text(jsonl([row, row]), encoding="utf-8")
    _, problems = read(DataSpec(source="a.jsonl"), folder, level=Level.ALL)
    assert {"personal-data", "secret", "password"} & {one.code for one in problems}
    for one in problems:
        shown = f"{one.summary} {one.detail} {one.hint} {one.source}"
        shown += one.source.text if one.source else ""
        for value in chosen:
            assert value not in shown
            # Nor a part of a number that is long enough to be one.
            assert not [part for part in re.findall(r"\d{5,}", shown) if part in value]
