"""All lessons with their exercises and quizzes, and the overview of what is done."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import ipywidgets as widgets

from .checks import RIGHT, Exercise, feedback
from .languages import tr
from .lesson_00 import exercises as exercises_00
from .lesson_00 import quiz as quiz_00
from .lesson_01 import exercises as exercises_01
from .lesson_01 import quiz as quiz_01
from .lesson_02 import exercises as exercises_02
from .lesson_02 import exercises_encoding as exercises_02_encoding
from .lesson_02 import quiz as quiz_02
from .lesson_03 import exercises as exercises_03
from .lesson_03 import quiz as quiz_03
from .lesson_04 import exercises as exercises_04
from .lesson_04 import quiz as quiz_04
from .lesson_05 import exercises as exercises_05
from .lesson_05 import exercises_sizes as exercises_05_sizes
from .lesson_05 import quiz as quiz_05
from .lesson_06 import exercises_scaling as exercises_06_scaling
from .lesson_06 import exercises_text as exercises_06_text
from .lesson_06 import exercises_training as exercises_06_training
from .lesson_06 import quiz as quiz_06
from .lesson_07 import exercises_masking as exercises_07_masking
from .lesson_07 import exercises_prompting as exercises_07_prompting
from .lesson_07 import quiz as quiz_07
from .lesson_08 import exercises_cleaning as exercises_08_cleaning
from .lesson_08 import exercises_labelers as exercises_08_labelers
from .lesson_08 import quiz as quiz_08
from .lesson_09 import exercises as exercises_09
from .lesson_09 import quiz as quiz_09
from .lesson_10 import exercises as exercises_10
from .lesson_10 import exercises_measures as exercises_10_measures
from .lesson_10 import quiz as quiz_10
from .lesson_11 import exercises_policy_gradient as exercises_11_policy_gradient
from .lesson_11 import exercises_shots as exercises_11_shots
from .lesson_11 import quiz as quiz_11
from .lesson_12 import (
    exercises_diagnosis as exercises_12_diagnosis,
)
from .lesson_12 import (
    exercises_ppo as exercises_12_ppo,
)
from .lesson_12 import (
    exercises_update as exercises_12_update,
)
from .lesson_12 import (
    quiz as quiz_12,
)
from .lesson_13 import (
    exercises_measuring as exercises_13_measuring,
)
from .lesson_13 import (
    exercises_objective as exercises_13_objective,
)
from .lesson_13 import (
    exercises_rollout as exercises_13_rollout,
)
from .lesson_13 import (
    exercises_updates as exercises_13_updates,
)
from .lesson_13 import (
    quiz as quiz_13,
)
from .lesson_14 import exercises_comparing as exercises_14_comparing
from .lesson_14 import exercises_judging as exercises_14_judging
from .lesson_14 import quiz as quiz_14
from .lesson_15 import exercises_dialogues as exercises_15_dialogues
from .lesson_15 import exercises_filter as exercises_15_filter
from .lesson_15 import quiz as quiz_15
from .lesson_16 import exercises_compute as exercises_16_compute
from .lesson_16 import exercises_memory as exercises_16_memory
from .lesson_16 import quiz as quiz_16
from .progress import load_progress, record_exercise
from .quiz import Question, show_quiz
from .safe_text import safe_html
from .static_fallback import show_with_fallback


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """One lesson's exercises and questions."""

    number: str
    title: str
    exercises: Sequence[Exercise]
    questions: Sequence[Question]

    def check(self, attempt: Callable[..., Any]) -> None:
        """Check an attempt at the exercise whose name the function has; print the feedback, and store what is solved."""
        exercise = next((each for each in self.exercises if each.name == getattr(attempt, "__name__", None)), None)
        if exercise is None:
            names = ", ".join(each.name for each in self.exercises)
            print(tr("Nothing to check: give the function itself, without brackets, under its name ({names}).", names=names))
            return
        message = feedback(attempt, exercise)
        print(message)
        if message == tr(RIGHT):
            record_exercise(self.number, exercise.name)

    def quiz(self) -> None:
        """Display the quiz."""
        show_quiz(self.number, self.questions)


LESSONS = {
    lesson.number: lesson
    for lesson in (
        Lesson(number="00", title="Start here", exercises=exercises_00.EXERCISES, questions=quiz_00.QUESTIONS),
        Lesson(number="01", title="Next-token prediction", exercises=exercises_01.EXERCISES, questions=quiz_01.QUESTIONS),
        Lesson(
            number="02", title="Tokenization", questions=quiz_02.QUESTIONS,
            exercises=exercises_02.EXERCISES + exercises_02_encoding.EXERCISES,
        ),
        Lesson(number="03", title="Seq2seq and attention", exercises=exercises_03.EXERCISES, questions=quiz_03.QUESTIONS),
        Lesson(number="04", title="Transformer", exercises=exercises_04.EXERCISES, questions=quiz_04.QUESTIONS),
        Lesson(
            number="05", title="GPT", questions=quiz_05.QUESTIONS,
            exercises=exercises_05.EXERCISES + exercises_05_sizes.EXERCISES,
        ),
        Lesson(
            number="06", title="Pretraining", questions=quiz_06.QUESTIONS,
            exercises=exercises_06_text.EXERCISES + exercises_06_training.EXERCISES + exercises_06_scaling.EXERCISES,
        ),
        Lesson(
            number="07", title="BERT and prompting", questions=quiz_07.QUESTIONS,
            exercises=exercises_07_masking.EXERCISES + exercises_07_prompting.EXERCISES,
        ),
        Lesson(
            number="08", title="Instruction data", questions=quiz_08.QUESTIONS,
            exercises=exercises_08_cleaning.EXERCISES + exercises_08_labelers.EXERCISES,
        ),
        Lesson(number="09", title="Supervised fine-tuning", exercises=exercises_09.EXERCISES, questions=quiz_09.QUESTIONS),
        Lesson(
            number="10", title="Reward model", questions=quiz_10.QUESTIONS,
            exercises=exercises_10.EXERCISES + exercises_10_measures.EXERCISES,
        ),
        Lesson(
            number="11", title="Policy gradients", questions=quiz_11.QUESTIONS,
            exercises=exercises_11_policy_gradient.EXERCISES + exercises_11_shots.EXERCISES,
        ),
        Lesson(
            number="12", title="PPO for language models", questions=quiz_12.QUESTIONS,
            exercises=exercises_12_ppo.EXERCISES + exercises_12_update.EXERCISES + exercises_12_diagnosis.EXERCISES,
        ),
        Lesson(
            number="13", title="PPO-ptx", questions=quiz_13.QUESTIONS,
            exercises=exercises_13_objective.EXERCISES + exercises_13_rollout.EXERCISES + exercises_13_updates.EXERCISES
            + exercises_13_measuring.EXERCISES,
        ),
        Lesson(
            number="14", title="Evaluation", questions=quiz_14.QUESTIONS,
            exercises=exercises_14_comparing.EXERCISES + exercises_14_judging.EXERCISES,
        ),
        Lesson(
            number="15", title="Chat", questions=quiz_15.QUESTIONS,
            exercises=exercises_15_dialogues.EXERCISES + exercises_15_filter.EXERCISES,
        ),
        Lesson(
            number="16", title="Scaling up", questions=quiz_16.QUESTIONS,
            exercises=exercises_16_memory.EXERCISES + exercises_16_compute.EXERCISES,
        ),
    )
}  # fmt: skip


def overview_html() -> str:
    """Write which exercises and questions are done, one row per lesson; titles are marked by words and signs, not by colour."""
    done = load_progress()
    rows = []
    for number, lesson in LESSONS.items():
        solved, answers = done["exercises"].get(number, []), done["quizzes"].get(number, {})
        exercises = ", ".join(f"{'✓' if each.name in solved else '–'}&nbsp;{each.name}" for each in lesson.exercises)
        right = sum(answers.get(str(n)) == question.right for n, question in enumerate(lesson.questions))
        answered, total = min(len(answers), len(lesson.questions)), len(lesson.questions)
        quiz = tr("{n} of {total} answered, {right} right", n=answered, total=total, right=right)
        rows.append([f"{number} {safe_html(tr(lesson.title))}", exercises, quiz])
    cells = ("".join(f'<td style="text-align: left">{cell}</td>' for cell in row) for row in rows)
    titles = (tr("lesson"), tr("exercises (✓ solved)"), tr("quiz"))
    head = "".join(f'<th style="text-align: left">{title}</th>' for title in titles)
    return f"<table><tr>{head}</tr>{''.join(f'<tr>{row}</tr>' for row in cells)}</table>"


def progress() -> None:
    """Display what the reader has done in all lessons; what is stored with a lesson is the same for everybody."""
    fallback = tr("Run this cell to see which exercises and quizzes you have done.")
    show_with_fallback(widgets.HTML(overview_html()), {"text/plain": fallback})
