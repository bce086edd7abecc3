"""Quiz of lesson 16."""

from ..quiz import Question

QUESTIONS = (
    Question(
        text="One billion parameters take 2 GB as weights of 2 bytes. How much does their training state take with Adam?",
        choices=(
            ("4 GB: weights and gradients.", "Adam's two moments and the float32 master weights are missing, the larger part."),
            (
                "About 16 GB, before any activation.",
                "2 for the weight, 2 for its gradient, 4 for the master weight, 8 for two moments: 16 bytes per parameter.",
            ),
            ("8 GB: all in float32.", "In float32 weights and gradients alone take 8 GB; two moments take 8 more."),
        ),
        right=1,
    ),
    Question(
        text="Mixed precision replaces plain float32. What gets smaller?",
        choices=(
            (
                "Activations, and the time of matrix products on processors built for it.",
                "Activations take half. The state stays at 16 bytes per parameter: master weights and moments are float32.",
            ),
            ("The training state: half.", "It is 16 bytes per parameter both ways: 4 + 4 + 8, or 2 + 2 + 4 + 8."),
            ("The number of FLOPs.", "As many products as before; each is cheaper."),
        ),
        right=0,
    ),
    Question(
        text="One conversation is sampled, token by token. Why does the GPU reach a small share of its peak?",
        choices=(
            ("Softmax is slow.", "It is a small part of the work."),
            ("The KV cache makes it compute more.", "The cache saves computing. Without it every token would be read again."),
            (
                "Each weight is fetched from memory for two FLOPs, and memory cannot fetch fast enough.",
                "The roofline: few FLOPs per byte means that bandwidth decides. Many conversations at once share each weight.",
            ),
        ),
        right=2,
    ),
    Question(
        text="A training state needs 3 TB. It is sharded over 64 GPUs instead of copied to each. What does that cost?",
        choices=(
            ("Accuracy: each GPU learns from a part of the model.", "The losses are those of one process, up to rounding."),
            (
                "Communication: each block's weights are gathered when they are needed.",
                "Every GPU computes with whole blocks, on sequences of its own. The weights travel over the network.",
            ),
            ("Nothing.", "Weights have to be gathered for every pass, and gradients scattered: a slow network can set the time."),
        ),
        right=1,
    ),
    Question(
        text="An article says that a training run cost 5 million dollars. What must you know before you believe it?",
        choices=(
            (
                "FLOPs, the processor, the share of its peak, the price per hour; and whether failed runs and people count.",
                "Price per processor-hour and utilisation differ by factors of three and more. The FLOPs are the sure part.",
            ),
            ("Only the number of parameters.", "Tokens count as much as parameters: 6 N D. And FLOPs are not yet dollars."),
            ("The learning rate.", "It changes what is learnt, not what a step costs."),
        ),
        right=0,
    ),
)
