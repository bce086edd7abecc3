"""Lesson 02, tokenization.

    exercises           exercises with their checks and solutions: bytes, pairs, merges
    exercises_encoding  exercises with their checks and solutions: encoding, streamed text, bits per byte
    quiz                questions
    token_strip         tokens as boxes in a row
    wrong_tokenizers    ways of applying merges that lose no text and mislead the model
    gpt2_vocabulary     GPT-2's own merges, where a machine has them
    tokenizer_study     four tokenizers and one small model: bits per byte over seeds
    figures             cuts after more and more merges; bits per byte by text and by computation
    merge_stepper       a slider over merges that re-cuts a text, and a guess at the next merge
"""
