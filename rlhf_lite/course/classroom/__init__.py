"""A room for teachers: copies with and without solutions, exports for nbgrader and otter, slides; in reading order.

    lesson_files       a lesson's notebook by its number
    exercise_cells     where a lesson's exercises stand, and their solutions
    teacher_notes      what a teacher reads beside a lesson
    copies             an instructor's copy with solutions, a students' copy without
    notebook_states    one submission judged in processes of its own, for other programs
    sheet_check        what a student sees below an exercise of a sheet
    sheets             a lesson's exercises as a sheet of their own
    nbgrader_export    such sheets as assignments of nbgrader
    otter_export       such sheets as assignments of otter
    slides             which figures and sentences make a slide
    slide_page         slides as one page that opens without a network
    commands           what `python -m rlhf_lite.course` runs
"""
