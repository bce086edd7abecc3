"""A small synthetic world in which the whole of RLHF can be measured against a known truth.

In reading order: words (who and what exists, and what is true), sentences (what is said of it), exercises (tasks that are
solved by reading), corpus (texts to pretrain on), prompts (what users ask, and what a good answer needs), users (the stream
of prompts, and its cleaning), judge (the truth about an answer), labelers (forty people who demonstrate and rank), world
(all this as the pipeline sees it), own_data (the reader's files in its place), evaluation and study (what is measured in the
end), ablation (no single giveaway), measured (how measurements of several seeds are stored and read), abilities (what a base
model can do, and may forget), sft_epochs and sweeps (what epochs of fine-tuning and PPO's coefficients buy and cost), ship
and export (what `data/` holds), translation (a small English-Chinese corpus for the lessons on attention).
"""
