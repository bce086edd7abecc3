"""Wrong attempts at the exercises in `exercises_compute`, each to be refused with a hint of its own, and right ones."""

import numpy as np
import torch

from rlhf_lite.course.lesson_16.exercises_compute import tokens_each, training_days


def _not_itself(d_model, d_ff):
    return 2 * d_ff


def _no_mask(d_model, d_ff):
    return d_ff


def _one_matrix(d_model, d_ff):
    return d_ff - 1


def _scores_only(d_model, d_ff):
    return 4 * d_ff - 1


def _width(d_model, d_ff):
    return 2 * d_model - 1


def _four_times_width(d_model, d_ff):
    return 8 * d_model - 1


def _searched(d_model, d_ff):
    t = 1
    while 2 * (t + 1) * d_model < 4 * d_model * d_ff:
        t += 1
    return t


def _as_a_float(d_model, d_ff):
    return np.float64(4 * d_model * d_ff) / (2 * d_model) - 1


def _reads(n_parameters, tokens, gpus, peak_tflops, utilisation):
    return training_days(n_parameters, tokens, gpus, peak_tflops, utilisation) / 3


def _at_peak(n_parameters, tokens, gpus, peak_tflops, utilisation):
    return training_days(n_parameters, tokens, gpus, peak_tflops, 1)


def _turned_round(n_parameters, tokens, gpus, peak_tflops, utilisation):
    return training_days(n_parameters, tokens, gpus, peak_tflops, 1 / utilisation)


def _one_gpu(n_parameters, tokens, gpus, peak_tflops, utilisation):
    return training_days(n_parameters, tokens, 1, peak_tflops, utilisation)


def _hours(n_parameters, tokens, gpus, peak_tflops, utilisation):
    return 24 * training_days(n_parameters, tokens, gpus, peak_tflops, utilisation)


def _seconds(n_parameters, tokens, gpus, peak_tflops, utilisation):
    return 86_400 * training_days(n_parameters, tokens, gpus, peak_tflops, utilisation)


def _no_tera(n_parameters, tokens, gpus, peak_tflops, utilisation):
    return 1e12 * training_days(n_parameters, tokens, gpus, peak_tflops, utilisation)


def _peta(n_parameters, tokens, gpus, peak_tflops, utilisation):
    return training_days(n_parameters, tokens, gpus, 1000 * peak_tflops, utilisation)


def _always_half(n_parameters, tokens, gpus, peak_tflops, utilisation):
    return training_days(n_parameters, tokens, gpus, peak_tflops, 0.5)


def _by_pf_days(n_parameters, tokens, gpus, peak_tflops, utilisation):
    return 6 * n_parameters * tokens / 8.64e19 / (gpus * peak_tflops / 1000 * utilisation)


def _as_a_tensor(n_parameters, tokens, gpus, peak_tflops, utilisation):
    seconds = torch.tensor(6.0, dtype=torch.float64) * n_parameters * tokens / gpus / (peak_tflops * 1e12) / utilisation
    return seconds / 3600 / 24


def _two_flops(pf_days, n_parameters, examples, epochs):
    return 3 * tokens_each(pf_days, n_parameters, examples, epochs)


def _one_epoch(pf_days, n_parameters, examples, epochs):
    return tokens_each(pf_days, n_parameters, examples, 1)


def _times_epochs(pf_days, n_parameters, examples, epochs):
    return tokens_each(pf_days, n_parameters, examples, 1 / epochs)


def _all_tokens(pf_days, n_parameters, examples, epochs):
    return tokens_each(pf_days, n_parameters, 1, 1)


def _an_hour(pf_days, n_parameters, examples, epochs):
    return tokens_each(pf_days / 24, n_parameters, examples, epochs)


def _in_steps(pf_days, n_parameters, examples, epochs):
    flops_per_token = 6 * n_parameters
    return np.array(pf_days * 8.64e19) / flops_per_token / examples / epochs


def _backwards(pf_days, n_parameters, examples, epochs):
    one_token = 6 * n_parameters * examples * epochs / (1e15 * 24 * 3600)
    return torch.tensor(pf_days / one_token, dtype=torch.float64)


def _gradients(weights, parts):
    return [2 * inputs.T @ (inputs @ weights - targets) for inputs, targets in parts]


def _rows(parts):
    return [len(targets) for _, targets in parts]


def _mean_of_means(weights, parts):
    return sum(g / n for g, n in zip(_gradients(weights, parts), _rows(parts), strict=True)) / len(parts)


def _sum_of_means(weights, parts):
    return sum(g / n for g, n in zip(_gradients(weights, parts), _rows(parts), strict=True))


def _plain_sum(weights, parts):
    return sum(_gradients(weights, parts))


def _last_part(weights, parts):
    return _gradients(weights, parts)[-1] / sum(_rows(parts))


def _by_parts(weights, parts):
    return sum(_gradients(weights, parts)) / len(parts)


def _first_part(weights, parts):
    return _gradients(weights, parts)[0] / sum(_rows(parts))


def _by_hand(weights, parts):
    return (sum(_gradients(weights, parts)) / sum(_rows(parts))).tolist()


def _joined(weights, parts):
    leaf = weights.clone().requires_grad_()
    inputs, targets = torch.cat([x for x, _ in parts]), torch.cat([y for _, y in parts])
    return torch.autograd.grad(torch.nn.functional.mse_loss(inputs @ leaf, targets), leaf)[0].numpy()


WRONG = {
    "equal_context": (_not_itself, _no_mask, _one_matrix, _scores_only, _width, _four_times_width),
    "training_days": (
        _reads, _at_peak, _turned_round, _one_gpu, _hours, _seconds, _no_tera, _peta, _always_half,
    ),
    "tokens_each": (_two_flops, _one_epoch, _times_epochs, _all_tokens, _an_hour),
    "accumulate": (_mean_of_means, _sum_of_means, _plain_sum, _last_part, _by_parts, _first_part),
}  # fmt: skip
RIGHT = {
    "equal_context": (_searched, _as_a_float),
    "training_days": (_by_pf_days, _as_a_tensor),
    "tokens_each": (_in_steps, _backwards),
    "accumulate": (_by_hand, _joined),
}
