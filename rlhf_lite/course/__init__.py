"""What lessons share: figures with alt text, and answers of several models side by side.

Lessons import this package; the library never does.
"""
