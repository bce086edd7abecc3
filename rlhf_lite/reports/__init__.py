"""What is compared at the end of a run, and the run as a page with pictures.

    comparison  answers of several models beside each other: cut, averaged, paired
    markdown    numbers, names and tables as Markdown
    plots       curves, win rates and calibration of a run
    run_report  report.md and report.json
"""
