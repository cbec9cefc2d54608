import pytest

from tests.server.tiny_model import tiny_llama
from tunectl.server.trainers.fused_lora import fuse_lora

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning")


def adapted(**more):
    import torch
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(5)
    config = LoraConfig(
        **{
            "r": 4,
            "lora_alpha": 8,
            "lora_dropout": 0.0,
            "target_modules": "all-linear",
            "task_type": "CAUSAL_LM",
        }
        | more
    )
    model = get_peft_model(tiny_llama(), config)
    torch.manual_seed(6)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.1)
    return model


def gradients(model):
    import torch

    ids = torch.arange(3, 43).view(2, 20)
    loss = model(input_ids=ids, labels=ids).loss
    loss.backward()
    named = model.named_parameters()
    return float(loss.detach()), {n: p.grad.clone() for n, p in named if p.requires_grad}


def test_the_fused_layer_has_the_loss_and_the_gradients_of_pefts_own():
    import torch

    plain, fused = adapted(), adapted()
    assert fuse_lora(fused) == 14
    loss, expected = gradients(plain)
    found_loss, found = gradients(fused)
    assert found_loss == pytest.approx(loss, abs=1e-6)
    assert found.keys() == expected.keys()
    for name, gradient in expected.items():
        torch.testing.assert_close(found[name], gradient, rtol=1e-4, atol=1e-6)


def test_layers_with_dropout_keep_pefts_own_forward_pass():
    assert fuse_lora(adapted(lora_dropout=0.1)) == 0


def test_a_disabled_adapter_leaves_the_base_as_it_is():
    import torch

    model = adapted()
    fuse_lora(model)
    ids = torch.arange(3, 23).view(1, 20)
    with torch.no_grad(), model.disable_adapter():
        off = model(input_ids=ids).logits
    with torch.no_grad():
        base = tiny_llama()(input_ids=ids).logits
        on = model(input_ids=ids).logits
    assert torch.equal(off, base)
    assert not torch.allclose(on, base)
