"""Which run of the gallery is hidden behind which letter, and what one would see of each."""

RUNS = {
    "A": "16 epochs", "B": "targets shuffled", "C": "rate x 100", "D": "leak, 16 copies", "E": "targets not shifted",
    "F": "normal",
}  # fmt: skip
"""Letter of a curve in the lesson's figure -> name of the run in the gallery."""
FEATURES = {
    "normal": "training and held-out loss fall together, well below the bigram entropy",
    "rate x 100": "both losses get stuck near the unigram entropy at once, and move again when the rate has come down",
    "targets not shifted": "the training loss falls to nearly 0 within 100 steps, and the held-out loss rises above ln V",
    "targets shuffled": "both losses come to rest at the unigram entropy, and never go below it",
    "leak, 16 copies": "the held-out loss ends clearly below the smoothed training loss, though both texts should cost the same",
    "16 epochs": "the training loss ends far below the held-out loss, which has stopped falling",
}
"""Name of a run -> what its curves look like."""
