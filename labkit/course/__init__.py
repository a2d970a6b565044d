"""The course as a whole: editions from sources, headless re-runs, web pages that need no kernel.

A lesson is written once, as text, in `notebooks/source/NN_slug.py`.

    editions    source -> student and solved notebooks, checked on the way
    rerun       solved notebooks -> executed notebooks and report.json
    pages       executed notebooks -> a folder of HTML that works with the network off
"""
