"""Plausible wrong attempts at the exercises in `exercises`, each to be refused with a hint of its own."""

# ruff: noqa: B905

from rlhf_lite.course.lesson_09.exercises import counted_loss, lay_out, pad_and_mark


def _never_ends(prompt, answer):
    return lay_out(prompt, answer).removesuffix("<|end|>")


def _one_line(prompt, answer):
    return f"User: {prompt} Assistant: {answer.strip()}<|end|>"


def _keeps_spaces(prompt, answer):
    return f"User: {prompt}\nAssistant: {answer}<|end|>"


def _ends_twice(prompt, answer):
    return f"User: {prompt}<|end|>\nAssistant: {answer.strip()}<|end|>"


def _no_space(prompt, answer):
    return f"User: {prompt}\nAssistant:{answer.strip()}<|end|>"


def _marks_the_prompt(n_prompt, n_tokens, n_padded):
    return [place < n_prompt for place in range(n_padded)]


def _marks_padding(n_prompt, n_tokens, n_padded):
    return [place >= n_prompt for place in range(n_padded)]


def _leaves_out_the_end(n_prompt, n_tokens, n_padded):
    return [n_prompt <= place < n_tokens - 1 for place in range(n_padded)]


def _adds_the_prompt(n_prompt, n_tokens, n_padded):
    return [n_prompt <= place < n_prompt + n_tokens for place in range(n_padded)]


def _not_padded(n_prompt, n_tokens, n_padded):
    return [place >= n_prompt for place in range(n_tokens)]


def _not_shifted(log_probs, counts):
    kept = [log_prob for log_prob, counted in zip(log_probs, counts) if counted]
    return -sum(kept) / len(kept)


def _divides_by_all(log_probs, counts):
    return -sum(log_prob for log_prob, counted in zip(log_probs, counts[1:]) if counted) / len(log_probs)


def _wrong_sign(log_probs, counts):
    return -counted_loss(log_probs, counts)


def _sums(log_probs, counts):
    return counted_loss(log_probs, counts) * sum(counts[1:])


def _counts_everything(log_probs, counts):
    return -sum(log_probs) / len(log_probs)


def _pads_left(rows, n_prompts, pad_id):
    longest = max(map(len, rows))
    return [[pad_id] * (longest - len(row)) + row for row in rows], pad_and_mark(rows, n_prompts, pad_id)[1]


def _looks_for_padding(rows, n_prompts, pad_id):
    padded = pad_and_mark(rows, n_prompts, pad_id)[0]
    return padded, [[t >= n and token != pad_id for t, token in enumerate(row)] for row, n in zip(padded, n_prompts)]


def _forgets_padding_in_mask(rows, n_prompts, pad_id):
    padded = pad_and_mark(rows, n_prompts, pad_id)[0]
    return padded, [[t >= n for t in range(len(row))] for row, n in zip(padded, n_prompts)]


def _cuts_to_shortest(rows, n_prompts, pad_id):
    shortest = min(map(len, rows))
    return [row[:shortest] for row in rows], [[t >= n for t in range(shortest)] for n in n_prompts]


def _learns_the_prompt(rows, n_prompts, pad_id):
    return pad_and_mark(rows, [0] * len(rows), pad_id)


def _no_spaces_at_all(prompt, answer):
    return f"User: {prompt}\nAssistant: {''.join(answer.split())}<|end|>"


def _divides_by_marks(log_probs, counts):
    return -sum(log_prob for log_prob, counted in zip(log_probs, counts[1:]) if counted) / sum(counts)


def _pads_with_zero(rows, n_prompts, pad_id):
    return pad_and_mark(rows, n_prompts, 0)


def _first_row_is_longest(rows, n_prompts, pad_id):
    longest = len(rows[0])
    return [row + [pad_id] * (longest - len(row)) for row in rows], [
        [n <= place < len(row) for place in range(longest)] for row, n in zip(rows, n_prompts)
    ]


WRONG = {
    "lay_out": (_never_ends, _one_line, _keeps_spaces, _ends_twice, _no_space, _no_spaces_at_all),
    "answer_mask": (_marks_the_prompt, _marks_padding, _leaves_out_the_end, _adds_the_prompt, _not_padded),
    "counted_loss": (_not_shifted, _divides_by_all, _wrong_sign, _sums, _counts_everything, _divides_by_marks),
    "pad_and_mark": (
        _pads_left, _looks_for_padding, _forgets_padding_in_mask, _cuts_to_shortest, _learns_the_prompt, _pads_with_zero,
        _first_row_is_longest,
    ),
}  # fmt: skip
