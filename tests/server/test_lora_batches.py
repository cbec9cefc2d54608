import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.server.tiny_model import tiny_llama
from tunectl.server.trainers.batches import Schedule, lay_out, split
from tunectl.server.trainers.encode import IGNORED, Example
from tunectl.server.trainers.loss import keeps_logits, summed_loss
from tunectl.server.trainers.training import learning_rate

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning")

schedules = st.builds(
    Schedule,
    examples=st.integers(1, 40),
    batch_size=st.integers(1, 9),
    epochs=st.integers(1, 4),
    seed=st.integers(0, 2**31 - 1),
)


@settings(deadline=None)
@given(schedules)
def test_each_epoch_sees_each_example_once(schedule):
    for epoch in range(schedule.epochs):
        steps = range(epoch * schedule.per_epoch, (epoch + 1) * schedule.per_epoch)
        seen = [index for step in steps for index in schedule.batch(step)]
        assert sorted(seen) == list(range(schedule.examples))
    assert schedule.steps == math.ceil(schedule.examples / schedule.batch_size) * schedule.epochs


@settings(deadline=None)
@given(schedules)
def test_the_order_depends_on_seed_and_epoch_alone(schedule):
    again = Schedule(schedule.examples, schedule.batch_size, schedule.epochs, schedule.seed)
    last = schedule.steps - 1
    assert again.batch(last) == schedule.batch(last)


@settings(deadline=None)
@given(st.lists(st.integers(1, 300), min_size=1, max_size=12), st.integers(1, 1000))
def test_pieces_cover_the_batch_and_keep_to_the_budget(lengths, budget):
    pieces = split(lengths, budget)
    assert sorted(at for piece in pieces for at in piece) == list(range(len(lengths)))
    for piece in pieces:
        padded = max(lengths[at] for at in piece) * len(piece)
        assert padded <= budget or len(piece) == 1


def test_examples_of_one_length_stay_together():
    assert split([80, 80, 80], 2048) == [[0, 1, 2]]


def test_the_loss_of_pieces_adds_up_to_the_loss_of_the_padded_batch_with_all_logits():
    import torch

    torch.manual_seed(0)
    model = tiny_llama()
    examples = []
    for length in (5, 40, 9, 33):
        ids = tuple(torch.randint(3, 250, (length,)).tolist())
        examples.append(Example(ids, (IGNORED,) * 3 + ids[3:]))
    assert keeps_logits(model)
    pieces = split([len(e.ids) for e in examples], 64)
    assert len(pieces) > 1
    ours = 0.0
    for piece in pieces:
        ids, labels = lay_out([examples[at] for at in piece], 2, torch.device("cpu"))
        loss, _ = summed_loss(model, ids, labels, keep=True)
        ours += float(loss.detach())
    width = 40
    ids = torch.tensor([list(e.ids) + [2] * (width - len(e.ids)) for e in examples])
    labels = torch.tensor([list(e.labels) + [IGNORED] * (width - len(e.ids)) for e in examples])
    mask = torch.tensor([[1] * len(e.ids) + [0] * (width - len(e.ids)) for e in examples])
    theirs = model(input_ids=ids, attention_mask=mask, labels=labels).loss
    learned = sum(e.learned for e in examples)
    assert ours / learned == pytest.approx(float(theirs.detach()), abs=1e-5)


def test_the_rate_rises_to_its_peak_then_falls_and_is_never_zero():
    rates = [learning_rate(step, 40, 1.0) for step in range(40)]
    assert max(rates) == rates[2] == 1.0
    assert rates[:2] == [pytest.approx(1 / 3), pytest.approx(2 / 3)]
    assert all(later < earlier for earlier, later in pairwise(rates[2:]))
    assert min(rates) > 0
