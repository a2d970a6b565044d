"""Published models on ImageNet, or on any images in class folders: how often they are right, how sure that is, and
which of two flip rules the weights of an Adventurer were made for.

>>> from labkit.evaluate import as_text, evaluate_published
>>> print(as_text(evaluate_published("adventurer_tiny_patch16_224", "imagenet/val")))  # a folder for each class
"""

from labkit.evaluate.loop import evaluate
from labkit.evaluate.published import evaluate_published
from labkit.evaluate.scores import Comparison, Scores, compare
from labkit.evaluate.words import as_text

__all__ = ["Comparison", "Scores", "as_text", "compare", "evaluate", "evaluate_published"]
