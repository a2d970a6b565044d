"""A study by form: fields that become a plan, its price while one changes them, runs that can be stopped, and what they
show. Without a person the same plan goes through the same functions."""

from labkit.lesson.study.form import StudyForm as StudyForm
from labkit.lesson.study.form import price_in_words as price_in_words
from labkit.lesson.study.preview import show_report as show_report
