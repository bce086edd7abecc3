"""A reader's own rows and the hub's, checked row by row.

    row_files     JSON lines and parquet as demonstrations, comparisons and prompts
    splits        de-duplication, the cap per user, splits by user
    hub_datasets  hh-rlhf, TL;DR and plain text from the Hugging Face hub, as our own files
"""
