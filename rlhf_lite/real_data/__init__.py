"""A reader's own rows and the hub's, checked row by row.

    dialogues        texts, messages and transcripts, checked and brought into one form
    layouts          which rows become demonstrations, comparisons and prompts
    row_files        JSON lines, JSON arrays, parquet and plain text
    splits           de-duplication, the cap per user, splits by user
    score_functions  a reader's own score of texts
    hub_datasets     hh-rlhf, TL;DR and plain text from the Hugging Face hub, as our own files
"""
