"""Plausible wrong attempts at the exercises in `exercises_dialogues`, each refused with a hint of its own; and right ones."""

import re

from rlhf_lite.course.lesson_15.exercises_dialogues import dialogue_loss, disarm, kept_messages, stop_at

MARKS = ("System:", "User:", "Assistant:")


def _nothing(text):
    return text


def _every_line(text):
    return "\n".join(f" {line}" for line in text.split("\n"))


def _deleted(text):
    return "\n".join(line for line in text.split("\n") if not line.startswith(MARKS))


def _without_system(text):
    return "\n".join(f" {line}" if line.startswith(MARKS[1:]) else line for line in text.split("\n"))


def _without_colon(text):
    return "\n".join(f" {line}" if line.startswith(("System", "User", "Assistant")) else line for line in text.split("\n"))


def _assistant_only(text):
    return text.replace("\nAssistant:", "\n Assistant:")


def _anywhere(text):
    return re.sub("(System|User|Assistant):", r" \1:", text)


def _after_a_line_end(text):
    return re.sub(r"\n(?=(System|User|Assistant):)", "\n ", text)


def _regular_expression(text):
    return re.sub(r"^(?=(System|User|Assistant):)", " ", text, flags=re.MULTILINE)


def _by_hand(text):
    lines = []
    for line in text.split("\n"):
        for mark in MARKS:
            if line.startswith(mark):
                line = " " + line
        lines.append(line)
    return "\n".join(lines)


def _not_shifted(log_probs, mask):
    return -log_probs[mask[:, :-1]].mean()


def _all_tokens(log_probs, mask):
    return -log_probs.mean()


def _minus(log_probs, mask):
    return -dialogue_loss(log_probs, mask)


def _sum(log_probs, mask):
    return -(log_probs * mask[:, 1:]).sum()


def _mean_of_means(log_probs, mask):
    learnt = mask[:, 1:].float()
    return -((log_probs * learnt).sum(1) / learnt.sum(1)).mean()


def _last_turn_only(log_probs, mask):
    last = mask[:, 1:].clone()
    for row in last:
        on = row.nonzero().flatten().tolist()
        for place in on[:-1]:
            if not all(row[place : on[-1]]):
                row[place] = False
    return -log_probs[last].mean()


def _over_all(log_probs, mask):
    return -(log_probs * mask[:, 1:]).mean()


def _product(log_probs, mask):
    learnt = mask[:, 1:].float()
    return (-(log_probs * learnt).sum() / learnt.sum()).item()


def _loops(log_probs, mask):
    found = [log_probs[b, t - 1] for b in range(len(mask)) for t in range(1, mask.shape[1]) if mask[b, t]]
    return -sum(found) / len(found)


def _one_by_one(lengths, room):
    kept, used = 0, 0
    for length in reversed(lengths):
        used += length
        if used > room:
            break
        kept += 1
    return kept


def _everything(lengths, room):
    return len(lengths)


def _last_only(lengths, room):
    return 1


def _strictly(lengths, room):
    return kept_messages(lengths, room - 1)


def _with_gaps(lengths, room):
    kept, used = 1, lengths[-1]
    for start in range(len(lengths) - 3, -1, -2):
        pair = lengths[start] + lengths[start + 1]
        if used + pair <= room:
            used, kept = used + pair, kept + 2
    return kept


def _longest_that_fits(lengths, room):
    fitting = (len(lengths) - start for start in range(0, len(lengths), 2) if sum(lengths[start:]) <= room)
    return next(fitting, 1)


def _while_it_fits(lengths, room):
    kept = 1
    while kept + 2 <= len(lengths) and sum(lengths[-kept - 2 :]) <= room:
        kept += 2
    return kept


def _without_end(ids, end_id, most):
    ids = ids[:most]
    return ids[: ids.index(end_id)] if end_id in ids else ids


def _no_stop(ids, end_id, most):
    return ids[:most]


def _no_limit(ids, end_id, most):
    return ids[: ids.index(end_id) + 1] if end_id in ids else ids


def _needs_an_end(ids, end_id, most):
    return ids[: ids.index(end_id) + 1][:most]


def _adds_an_end(ids, end_id, most):
    ids = stop_at(ids, end_id, most)
    return ids if ids[-1] == end_id else [*ids, end_id]


def _ends_taken_out(ids, end_id, most):
    return [i for i in ids if i != end_id][:most]


def _token_by_token(ids, end_id, most):
    answer = []
    for token in ids:
        if len(answer) == most:
            break
        answer.append(token)
        if token == end_id:
            break
    return tuple(answer)


def _cut_twice(ids, end_id, most):
    places = [i for i, token in enumerate(ids) if token == end_id]
    return ids[: min([most, *(place + 1 for place in places)])]


def _any_case(text):
    lines = text.split("\n")
    return "\n".join(f" {line}" if line.lower().startswith(("user:", "assistant:", "system:")) else line for line in lines)


WRONG = {
    "disarm": (
        _any_case, _nothing, _every_line, _deleted, _without_system, _without_colon, _assistant_only,
        _anywhere, _after_a_line_end,
    ),
    "dialogue_loss": (_not_shifted, _all_tokens, _minus, _sum, _mean_of_means, _last_turn_only),
    "kept_messages": (_one_by_one, _everything, _last_only, _strictly, _with_gaps),
    "stop_at": (_without_end, _no_stop, _no_limit, _needs_an_end, _adds_an_end, _ends_taken_out),
}
RIGHT = {
    "disarm": (disarm, _regular_expression, _by_hand),
    "dialogue_loss": (_product, _loops),
    "kept_messages": (_longest_that_fits, _while_it_fits),
    "stop_at": (_token_by_token, _cut_twice),
}
