# ruff: noqa
# %% [markdown]
# ## Drive it yourself
#
# A dashboard shows a run while it trains. Six numbers, and the answer to one prompt: the one of 48 held-out prompts that SFT answers worst.
# Four sliders change the run *between* iterations. Where you moved one, a dotted line with a number crosses all curves.
#
# - **Score** is the reward model's. **Gold score** is the judge's, on held-out prompts; nothing is trained on it.
# - **Entropy** says how unsure the policy is about its next token. **Clip fraction** says how many ratios went too far.
#
# *Start*, *Pause* and *Step* do what they say. *Reset* begins again from the SFT model, with the sliders as they are; the run before stays as a dashed line.
# By keyboard: Tab to a button and press Space; Tab to a slider and use the arrow keys. An iteration takes about three seconds on one core.
#
# **Predict.** Let it run to iteration 8, then move the KL coefficient to 0. What will the KL do? The score? The gold score? And when you move it to 0.2 afterwards?

# %% tags=["nbval-ignore-output"]
from rlhf_lite.course.dashboard import show_dashboard

live = show_dashboard(models, iterations=3)

# %%
print("iterations trained just now:", live.done >= 3)
print("in the first one the policy was its reference:", abs(live.history[0]["kl"]) < 1e-3)
print("an answer was kept before training and after each iteration:", len(live.answers) == live.done + 1)

# %% [markdown]
# The stored picture is such a run. At [1] the KL coefficient went from 0.05 to 0, at [2] from 0 to 0.2. How far did each number move?

# %%
from statistics import fmean

from rlhf_lite.course.dashboard import recorded_run

history, changes, prompt, texts = recorded_run()
parts = {"kl_coef 0.05": history[5:8], "kl_coef 0": history[13:16], "kl_coef 0.2": history[21:24]}
for name, rows in parts.items():
    means = {key: fmean(row[key] for row in rows) for key in ("score", "gold", "kl")}
    print(f"{name:<13} last three iterations: " + ", ".join(f"{key} {value:.2f}" for key, value in means.items()))
print("prompt:", prompt)
for done in (0, 8, 16, 24):
    print(f"  after {done:>2} iterations: {texts[done]}")

# %% [markdown]
# Without the penalty the policy walks away, the score goes on rising, and the judge finds the answers worse. With a strong penalty it comes back, and the gold score is higher than ever.
# One run proves little, since each draws other answers; the section below has three seeds of each, and lesson 13 drives this to the end.
#
# And look at the one answer. The rude remark went early and never came back: whoever is rude loses score on every prompt. The thing itself was right for a while, and in the end it is wrong again, while the gold score is at its best. A mean can rise while one example gets worse; so look at both.
#
# **Break it and see.** *Reset*, set the learning rate to 0.002, *Start*. Which curve tells you first that something is wrong?
#
# ## Six runs that went wrong
#
# Code for reinforcement learning seldom stops with an error. It trains on, a little worse, and the curves look like learning. Here are six runs of the same recipe (21 iterations of 64 answers, from the SFT model, three seeds each). In each, **one small thing in the code was wrong**, a line or two. They were really trained so.
#
# | fault | what was done |
# |---|---|
# | `mask off by one` | the mask of sampled tokens lies one place too late |
# | `KL off` | leaving the SFT model costs nothing |
# | `dropout on` | a tenth of the activations is dropped at random in each pass |
# | `reward on padding` | the score is put at the end of the padded row, not at the end of the answer |
# | `no whitening` | advantages are used as they come |
# | `wrong temperature` | answers are drawn at temperature 0.7, but scored at 1 |
#
# **Predict** first: which of the six will show most? Which one will hardly show at all? Write down one sign for each before you look.
#
# Then look. A letter a run; grey is where the three *sound* runs lie. Two more numbers may help: **explained variance** (1 means that the value model foresees all returns, 0 that it is no better than their mean) and the **gradient norm** (how long the policy's gradient is).

# %% tags=["nbval-ignore-output"]
from rlhf_lite.course.wrong_runs import show_wrong_runs

show_wrong_runs()

# %%
from rlhf_lite.course.faults import FAULTS

print("the names:", ", ".join(FAULTS))

# %% [markdown]
# ### Exercise: diagnose
#
# *Hard, 20 minutes.* Which run has which fault? Put the names into the dictionary. The check says, letter by letter, what speaks against a wrong guess.

# %%
def diagnose(run: str) -> str:
    """Return the name of the fault of run "A" to "F". Begin with: found = {"A": "...", ...}."""
    ...


lesson.check(diagnose)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def diagnose(run: str) -> str:
#     found = {"A": "dropout on", "B": "KL off", "C": "reward on padding", "D": "mask off by one", "E": "wrong temperature",
#              "F": "no whitening"}
#     return found[run]
# ```
#
# - **A, dropout on.** In iteration 1 the policy still *is* its reference, so its KL must be 0. Here it is far from 0: each pass drops other activations, so the same weights give other log-probs each time. Nearly half of the ratios count as too far before anything is learnt. The policy falls apart.
# - **B, KL off.** The KL climbs out of the grey range, the score stays in it, and the gold score falls. The reward model is pleased, the judge is not.
# - **C, reward on padding.** Explained variance stays below 0: the value model expects scores that never arrive. Why does the score rise a little at first? The value model starts as a copy of the reward model, so its values carry the reward model's taste. As it learns that nothing comes, the taste fades.
# - **D, mask off by one.** A mean KL far below 0 is impossible, so something else is summed: one token of padding an answer. Nobody samples it; the policy makes it less likely and is paid for that as if it had come closer to the reference.
# - **E, wrong temperature.** In iteration 1, where nothing is learnt yet, the score is already better than in the sound runs. Only the sampling can be different. Afterwards the run hardly differs: it learns a little later, and ends as well.
# - **F, no whitening.** Only the gradient norm shows it: as the value model gets better, advantages get smaller, and whitening would have stretched them again. Adam evens out the size of steps, and a constant shift is what the value model takes away anyway. In this recipe the judge finds nothing worse.
#
# </details>
#
# What gives each run away, as the mean of three seeds, from the first iteration to the last:

# %%
from rlhf_lite.course.wrong_runs import RUNS, first_and_last, stored_runs

sound = stored_runs("sound")
signs = {"A": ("kl", "clip_fraction"), "B": ("kl", "gold"), "C": ("explained_variance", "score"), "D": ("kl",),
         "E": ("score", "gold"), "F": ("grad_norm", "gold")}  # fmt: skip
for letter, keys in signs.items():
    for key in keys:
        print(f"{letter}: {first_and_last(key, stored_runs(RUNS[letter]), sound)}")

# %% [markdown]
# Two of the six would have passed unseen: E and F end with the same gold score as the sound runs. That is the usual fate of a fault in such code. It is not found by looking at results. So check earlier.
#
# ### Check before you train
#
# Before the first update every number is known. The policy *is* its reference: KL 0, ratio 1. The rewards of an answer sum to its score. Advantages have deviation 1. These checks cost one rollout, and curves need not be read at all.
#
# One check is less known. Whoever samples from a distribution meets, on average, a surprise equal to its **entropy**. If the surprise of the sampled tokens is smaller, they were drawn from a sharper distribution than the one that scores them; if it is larger, tokens are counted that nobody drew.
#
# ### Exercise: surprise minus entropy
#
# *Medium, 10 minutes.* Surprise is −log p of the token drawn; entropy is the mean surprise under the distribution itself, −Σ p log p. A token with probability 0 adds nothing.

# %%
def surprise_minus_entropy(distributions: list[list[float]], drawn: list[int]) -> float:
    """Return mean surprise minus mean entropy. Example: ([[0.5, 0.5]], [1]) -> 0.0."""
    ...


lesson.check(surprise_minus_entropy)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def surprise_minus_entropy(distributions: list[list[float]], drawn: list[int]) -> float:
#     surprise = -sum(log(p[token]) for p, token in zip(distributions, drawn)) / len(drawn)
#     entropy = -sum(q * log(q) for p in distributions for q in p if q > 0) / len(drawn)
#     return surprise - entropy
# ```
#
# with `from math import log`.
#
# </details>
#
# Now all checks, live, on the sound code and on each fault: 64 answers of the untouched SFT model. The *price of a nat* takes the base model as reference for once, since from itself the policy has no distance.
#
# **Predict.** Which fault passes all checks but one? Is there one that none of them finds?

# %% tags=["nbval-ignore-output"]
from rlhf_lite.course.faults import SOUND
from rlhf_lite.course.step_zero import failed, step_zero, step_zero_html

found = {fault.name: step_zero(models, fault) for fault in (SOUND, *FAULTS.values())}
step_zero_html(found)

# %%
for name, numbers in found.items():
    print(f"{name:<18} fails: {', '.join(failed(numbers)) or 'nothing'}")

# %% [markdown]
# Each fault is found before a single update, even the ones that the curves hide. Here is what was changed in the library, line by line:

# %%
for fault in FAULTS.values():
    for edit in fault.edits:
        before, after = edit.lines()
        print(f"{fault.name}, in {edit.function.__name__}\n  - {before}\n  + {after}")

# %% [markdown]
# ### Exercise: repair the mask
#
# *Easy, 5 minutes.* In the faulty run the mask was `response_mask[:-1]`. Place t of all other numbers speaks of token t + 1.

# %%
def next_token_mask(response_mask: list[bool]) -> list[bool]:
    """Turn a mask over T tokens into one over T - 1 places. Example: [False, True, True] -> [True, True]."""
    ...


lesson.check(next_token_mask)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def next_token_mask(response_mask: list[bool]) -> list[bool]:
#     return response_mask[1:]
# ```
#
# </details>
#
# ### Exercise: repair the reward
#
# *Medium, 10 minutes.* In the faulty run each row's score was put into its last place. But rows are padded to the longest answer.

# %%
def place_scores(scores: list[float], mask: list[list[bool]]) -> list[list[float]]:
    """Return a row of rewards an answer. Example: ([0.5], [[False, True, True, False]]) -> [[0.0, 0.0, 0.5, 0.0]]."""
    ...


lesson.check(place_scores)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def place_scores(scores: list[float], mask: list[list[bool]]) -> list[list[float]]:
#     rows = []
#     for score, kept in zip(scores, mask):
#         last = max(t for t, keep in enumerate(kept) if keep)
#         rows.append([score if t == last else 0.0 for t in range(len(kept))])
#     return rows
# ```
#
# </details>
#
# In the library, `train_ppo` makes three of these checks itself before it learns anything: KL 0 on every token, rewards that sum to the score over the sampled tokens, ratio 1. For the wrong runs they had to be switched off. Watch one of them speak:

# %%
from rlhf_lite import ppo
from rlhf_lite.course.faults import injected

untouched_check = ppo.check_first_rollout
with injected(FAULTS["reward on padding"]):
    faulty = ppo.collect_rollout(sft, sft, value_model, score_fn, prompts, config, generator=seeded_generator("check"), **ids)
try:
    untouched_check(faulty, config.kl_coef)
except RuntimeError as error:
    print("the check stops the run:", "rewards from scores" in str(error))
