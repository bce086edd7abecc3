"""Lesson 14, evaluation.

    comparing             paired and unpaired intervals, bootstrap with seeds outermost, verdicts, power, rank correlation
    faulty_judge          a judge with faults of known size, how they are found, and how far they are repaired
    gao                   Gao's two curves, fitted on part of the points and asked about the rest
    probing               wordings, false premises, and what is said of known, rare and invented towns
    figures               intervals, over-optimization, two reward models, points with names
    judge_mixer           three sliders for a judge's faults, on real answers
    best_of_n_slider      a slider for n: which of n answers the reward model picks, and what it is worth
    exercises_comparing   exercises on win rates, intervals, bootstrap and power
    exercises_judging     exercises on a judge's faults and on over-optimization
    quiz                  questions
"""
