"""Lesson 12, PPO for language models.

    figures                    PPO's models and what flows between them, numbers over tokens
    token_table                one answer of a rollout, token by token, to step through
    live_ppo                   PPO, one iteration at a time; settings may change in between
    dashboard                  PPO's curves while it trains, with sliders that act between iterations
    injected_faults            what makes PPO go wrong: small changes of its code while a block runs, settings, a reward model
    wrong_runs                 runs trained with each fault, stored, drawn to be diagnosed
    sanity_checks              checks before the first update, each of which finds faults
    exercises_ppo              exercises on PPO
    exercises_update           exercise on tensors: PPO's whole update
    exercises_diagnosis        exercises on diagnosis
    quiz                       questions
"""
