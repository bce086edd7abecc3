"""Lesson 11, policy gradients.

    figures                    lines with a target, the clipped objective, the trust region
    arms                       four arms with hidden scores, for the reader to pull
    shots                      a game of three shots, small enough to list every episode
    exercises_policy_gradient  exercises on one choice: REINFORCE, baselines, the clip, the best policy
    exercises_shots            exercises on several choices: the loss, and the wrong line
    published_faults           five losses, each wrong in one line, as published code was
    target_sliders             a slider for kl_coef: reference, best policy, learned policy
    quiz                       questions
"""
