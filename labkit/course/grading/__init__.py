"""Grading what a class hands in, without trusting any of it.

submissions   a folder -> the students' notebooks and predictions, read with care
asked         a lesson's edition -> its exercises and questions
checks        one exercise of one student: run in a sandbox, judged out here
sandbox       what the sandbox shows, and what it forbids (seccomp)
watching      its process: time, memory, output
answerer      the program inside
values        what it sends back, decoded without trust
variation     an exercise's inputs, a little different
rows          what is said of one student and one lesson
grade         the class, some submissions side by side, resumable
report        grades.csv and the summary
"""
