"""Attempts at the exercises in `exercises_sizes`: wrong ones, each refused with a hint of its own, and right ones."""

import numpy as np

from rlhf_lite.course.lesson_05.exercises_sizes import count_parameters, tokens_read


def _as_if_cached(prompt, new, cached):
    return prompt + new - 1


def _as_if_never_cached(prompt, new, cached):
    return sum(prompt + written for written in range(new))


def _reads_the_last_too(prompt, new, cached):
    return tokens_read(prompt, new + 1, cached) if cached else sum(prompt + written for written in range(1, new + 1))


def _final_length_every_time(prompt, new, cached):
    return prompt + new - 1 if cached else new * (prompt + new - 1)


def _forgets_the_prompt(prompt, new, cached):
    return new if cached else sum(prompt + written for written in range(new))


def _output_layer_again(n_layers, d_model, vocab_size, context_length):
    return count_parameters(n_layers, d_model, 2 * vocab_size, context_length)


def _no_positions_table(n_layers, d_model, vocab_size, context_length):
    return count_parameters(n_layers, d_model, vocab_size, 0)


def _three_in_attention(n_layers, d_model, vocab_size, context_length):
    return count_parameters(n_layers, d_model, vocab_size, context_length) - n_layers * d_model**2


def _widens_only(n_layers, d_model, vocab_size, context_length):
    return count_parameters(n_layers, d_model, vocab_size, context_length) - n_layers * 4 * d_model**2


def _one_layer(n_layers, d_model, vocab_size, context_length):
    return count_parameters(1, d_model, vocab_size, context_length)


def _no_square(n_layers, d_model, vocab_size, context_length):
    return 12 * n_layers * d_model + (vocab_size + context_length) * d_model


def _those_that_fit(rows):
    return [name for name, (heads, width) in rows.items() if width % heads == 0]


def _other_way_round(rows):
    return [name for name, (heads, width) in rows.items() if heads % width != 0]


def _odd_ones(rows):
    return [name for name, (_, width) in rows.items() if width % 128 != 0]


def _first_only(rows):
    return next(([name] for name, (heads, width) in rows.items() if width % heads), [])


def _cube(n_layers, d_model, vocab_size, context_length):
    return 6 * n_layers * d_model**3 + (vocab_size + context_length) * d_model


def _even_widths(rows):
    return [name for name, (heads, width) in rows.items() if width % heads or width // heads % 2]


def _read_by_formula(prompt, new, cached):
    return prompt + new - 1 if cached else prompt * new + new * (new - 1) // 2


def _read_by_loop(prompt, new, cached):
    read, length = 0, prompt
    for written in range(new):
        read += 1 if cached and written else length
        length += 1
    return np.int64(read)


def _by_the_formula(n_layers, d_model, vocab_size, context_length):
    return 12 * n_layers * d_model * d_model + d_model * (vocab_size + context_length)


def _by_shapes(n_layers, d_model, vocab_size, context_length):
    shapes = [(d_model, d_model)] * 4 + [(d_model, 4 * d_model), (4 * d_model, d_model)]
    return float(n_layers * sum(np.prod(shape) for shape in shapes) + np.prod((vocab_size + context_length, d_model)))


def _misprints_by_loop(rows):
    found = ()
    for name in rows:
        heads, width = rows[name]
        if heads * (width // heads) != width:
            found += (name,)
    return found


def _misprints_by_numpy(rows):
    names = np.array(list(rows))
    heads, widths = np.array(list(rows.values())).T
    return names[widths % heads > 0]


WRONG = {
    "tokens_read": (_as_if_cached, _as_if_never_cached, _reads_the_last_too, _final_length_every_time, _forgets_the_prompt),
    "count_parameters": (
        _output_layer_again, _no_positions_table, _three_in_attention, _widens_only, _one_layer, _no_square, _cube,
    ),
    "misprints": (_those_that_fit, _other_way_round, _odd_ones, _first_only, _even_widths),
}  # fmt: skip
RIGHT = {
    "tokens_read": (_read_by_formula, _read_by_loop),
    "count_parameters": (_by_the_formula, _by_shapes),
    "misprints": (_misprints_by_loop, _misprints_by_numpy),
}
