"""One command: a released GPT-2 through all stages on people's comparisons.

    preference_data     people's comparisons as the data of a run: checked, counted, split by prompt
    reward_model_judge  models compared by a second reward model, which no training saw
    recipe              the command
"""
