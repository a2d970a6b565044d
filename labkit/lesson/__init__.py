"""What a lesson's cells touch: sliders with two lives, sentences filled with results, exercises that answer."""

from labkit.lesson.exercises import answer as answer
from labkit.lesson.predictions import ask as ask
from labkit.lesson.predictions import predict as predict
from labkit.lesson.results import keep as keep
from labkit.lesson.results import say as say
from labkit.lesson.results import say_recorded as say_recorded
from labkit.lesson.show import progress as progress
from labkit.lesson.show import show as show
from labkit.lesson.show import table as table
from labkit.lesson.sliders import Slider as Slider
from labkit.lesson.start import start as start
