"""What a lesson's cells touch: sliders with two lives, sentences filled with results, exercises that answer."""

from labkit.lesson.exercises import answer as answer
from labkit.lesson.hints import hints as hints
from labkit.lesson.own import PictureSlider as PictureSlider
from labkit.lesson.predictions import forget_predictions as forget_predictions
from labkit.lesson.predictions import predict as predict
from labkit.lesson.results import keep as keep
from labkit.lesson.results import say as say
from labkit.lesson.results import say_recorded as say_recorded
from labkit.lesson.show import progress as progress
from labkit.lesson.show import show as show
from labkit.lesson.show import table as table
from labkit.lesson.show import table_text as table_text
from labkit.lesson.sliders import Slider as Slider
from labkit.lesson.so_far import predictions_so_far as predictions_so_far
from labkit.lesson.start import start as start
