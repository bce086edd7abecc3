"""A small synthetic world in which the whole of RLHF can be measured against a known truth.

    words         who and what exists, and what is true
    sentences     what is said of it
    school_tasks  tasks that are solved by reading
    drills        pages of copying, looking up and recalling
    corpus        texts to pretrain on
    prompts       what users ask, and what a good answer needs
    mistakes      answers with one thing wrong
    users         the stream of prompts, and its cleaning
    judge         the truth about an answer
    labelers      forty people who demonstrate and rank
    dialogues     several turns, some of which need what was said before
    abilities     what a model knows, reads, counts and copies when a user asks
    minimal_pairs whether a reward model sees substance, and manners
    baselines     what a cooler temperature and the best of four give without training
    evaluation    what models are measured by in the end
    world         all this as the pipeline sees it
    own_data      the reader's files in its place
    runs          the commands that train: all stages, or one
    translation   a small English-Chinese corpus for the lessons on attention
"""
