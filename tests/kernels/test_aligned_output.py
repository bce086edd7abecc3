"""Rows added to the output layer for a GPU change no logit."""

import torch
import torch.nn.functional as F

from rlhf_lite.kernels.aligned_output import aligned, use_aligned_output


def test_rows_added_for_a_gpu_change_no_logit():
    hidden = torch.randn(5, 8)
    for rows, padded in ((11, 64), (64, 64), (72, 72), (50257, 50304)):
        weight = torch.randn(rows, 8)
        assert len(aligned(weight)) == padded
        torch.testing.assert_close(F.linear(hidden, aligned(weight))[:, :rows], F.linear(hidden, weight))


def test_a_model_keeps_its_logits_and_gradients(make_gpt):
    tokens, found = torch.randint(11, (2, 5)), []
    for change in (lambda model: None, use_aligned_output):
        model = make_gpt()
        change(model)
        logits = model(tokens)
        (logits**2).sum().backward()
        found.append([logits, *(p.grad for p in model.parameters())])
    for plain, other in zip(*found, strict=True):
        torch.testing.assert_close(other, plain, atol=1e-4, rtol=1e-4)
