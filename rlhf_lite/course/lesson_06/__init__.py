"""Lesson 06, pretraining.

    loss_curves         loss curves of sound and of faulty runs, over seeds
    scaling_law         sizes fitted, larger ones predicted, then measured
    fault_signs         which run is hidden behind which letter, and what one would see of each
    exercises_text      exercises with their checks and solutions: sources, packing, entropies of counts
    exercises_training  exercises with their checks and solutions: schedule, training step, which run is which
    exercises_scaling   exercises with their checks and solutions: a predicted loss, the cost of a run
    quiz                questions
    figures             loss curves with bands, who may look where, a law and what it foretold
    packing_viewer      a window of packed documents, and what each position may look at
    schedule_desk       a schedule of learning rates, and what runs with it did
    mixture_slider      weights of sources to move, and how often each is then read
"""
