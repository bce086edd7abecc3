"""A run as a page with pictures.

    markdown    numbers, names and tables as Markdown
    plots       curves, win rates and calibration of a run
    run_report  report.md and report.json
"""
