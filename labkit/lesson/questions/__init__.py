"""What lessons ask before they show: each question, its answers, and the misconception behind each wrong one."""

from labkit.lesson.questions.lesson_00 import QUESTIONS as LESSON_00
from labkit.lesson.questions.lesson_01 import QUESTIONS as LESSON_01
from labkit.lesson.questions.lesson_02 import QUESTIONS as LESSON_02
from labkit.lesson.questions.lesson_03 import QUESTIONS as LESSON_03
from labkit.lesson.questions.lesson_04 import QUESTIONS as LESSON_04
from labkit.lesson.questions.lesson_05 import QUESTIONS as LESSON_05
from labkit.lesson.questions.lesson_06 import QUESTIONS as LESSON_06
from labkit.lesson.questions.lesson_07 import QUESTIONS as LESSON_07
from labkit.lesson.questions.lesson_08 import QUESTIONS as LESSON_08
from labkit.lesson.questions.lesson_10 import QUESTIONS as LESSON_10
from labkit.lesson.questions.lesson_11 import QUESTIONS as LESSON_11
from labkit.lesson.questions.question import Misconception as Misconception
from labkit.lesson.questions.question import Question as Question

_EVERY = (
    *(LESSON_00, LESSON_01, LESSON_02, LESSON_03, LESSON_04, LESSON_05, LESSON_06, LESSON_07, LESSON_08),
    *(LESSON_10, LESSON_11),
)
QUESTIONS = {name: question for questions in _EVERY for name, question in questions.items()}
