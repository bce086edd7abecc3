"""A machine that only remembers: it copies the answer to the most similar prompt, and shows which split leaks.

Proves: rare words decide what is similar; on its own training prompts it is as good as their answers; a random split of raw
rows overstates what it is worth on later users by far, a split by user does not; later users are in no training set.
"""

from dataclasses import replace

import pytest

from rlhf_lite.course.lesson_08 import copying
from rlhf_lite.course.lesson_08.copying import copying_score, measure_leak, most_similar, people
from rlhf_lite.course.lesson_08.submissions import new_submission, receive
from rlhf_lite.tinyworld.judge import judge
from rlhf_lite.tinyworld.prompts import draw_requests


def submissions(*prompts):
    (request,) = draw_requests("one", 1)
    return [new_submission(replace(request, prompt=prompt), "user-1") for prompt in prompts]


def test_rare_words_decide():
    known = submissions("write about a kite", "write about a ball now", "write about a drum", "of zebras")
    asked = submissions("write about a zebras", "a ball")
    assert most_similar(asked, known) == [3, 1]


def test_on_what_it_knows_it_is_as_good_as_the_answers():
    some = people(receive("known", 100))[:30]
    known = {one.prompt: one for one in some}
    once = list(known.values())
    best = sum(judge(one.request, one.request.good).gold for one in once) / len(once)
    assert copying_score(once, once) == pytest.approx(best)


def test_people_are_no_programs_and_write_english():
    assert all(one.user.startswith("user") and not one.chinese for one in people(receive(1, 300)))


@pytest.mark.parametrize("cleaned, least_gap", [(False, 0.2), (True, 0.0)])
def test_a_random_split_flatters_and_a_split_by_user_does_not(cleaned, least_gap):
    leak = measure_leak(0, cleaned=cleaned)
    assert leak.at_random - leak.later_users > least_gap
    assert abs(leak.by_user - leak.later_users) < 0.1


def test_training_knows_no_user_on_whom_it_is_tested(monkeypatch):
    calls = []
    monkeypatch.setattr(copying, "copying_score", lambda train, test: calls.append((train, test)) or 0.0)
    measure_leak(1, cleaned=False, count=300)
    (_, random_test), (train, by_user), (again, later) = calls
    users = [{one.user for one in some} for some in (train, by_user, later)]
    assert again == train and not users[0] & users[1] and not users[0] & users[2] and not users[1] & users[2]
    assert {one.user for one in random_test} & users[0]
