"""Questions to discuss after each lesson, by its number. None has an answer that can be looked up in the lesson."""

DISCUSSION: dict[str, tuple[str, ...]] = {
    "00": (
        "Two people in the room measured different rates on machines of the same kind. What could explain it, and what "
        "would you measure to tell the explanations apart?",
        "The calibration predicts a time. How far off may a prediction be and still be of use to somebody who has to "
        "decide whether to start a run tonight?",
        "Why is it worth predicting before running, even for somebody who expects to be wrong?",
        "A colleague says that pairs of tokens grow too fast, so small patches are hopeless. Which step of that "
        "argument would you want to see measured?",
    ),
    "01": (
        "Cutting into patches loses nothing. In which sense does it still throw something away that a convolution "
        "would keep for free?",
        "Reading order is a convention. Which other orders could one use, and for which models would the choice "
        "matter?",
        "Would you call the tokens of an image a sequence, a set, or a grid? What does each word make you expect of a "
        "model?",
        "A text has words before anybody cuts it. Does an image have natural tokens? What would you accept as "
        "evidence?",
    ),
    "02": (
        "A code that is best for getting pixels back need not be best for telling photographs apart. Describe two "
        "images that differ little in pixels and much in meaning, and the other way round.",
        "Somebody shows that large patches must lose pixels, and concludes that this is why small patches win. What is "
        "missing in the argument, and which experiment would supply it?",
        "Counting numbers and counting bits may rank codes differently. When would each be the right currency?",
        "The codes were fitted on some photographs and judged on others. What would have come out without that "
        "separation, and who would have profited from it?",
        "Training changed what the embedding keeps. Is there a sense in which a model should want to lose information?",
    ),
    "03": (
        "FLOPs, seconds and bytes may rank two layers differently. Which of them should a paper report, and "
        "to whom does each matter?",
        "An exponent was read off measurements over a limited range. What could change it beyond that range, and would "
        "you bet on the extrapolation?",
        "A fused kernel does the same arithmetic and needs less memory. Why did it take the field years to use one, "
        "and what does that say about counting FLOPs?",
        "If a graphics card is idle half of the time on short sequences, who pays for the other half when two "
        "architectures are compared?",
    ),
    "04": (
        "The same layer can be written as a recurrence and as a masked table of pairs. Which of the two would you call "
        "its definition, and why would anybody want the other?",
        "A causal reader of an image has to start somewhere. Which images would suffer most from reading in one "
        "direction, and could you build a test set that shows it?",
        "Flips and averages mend what a causal reader cannot see. Is that an elegant design or a repair? What would "
        "you measure to decide?",
        "All weights here are random. Which of the lesson's claims survive training for certain, and which might not?",
        "A state of fixed size must forget. Is that a weakness in images of many tokens, or a useful pressure?",
    ),
    "05": (
        "What does *not shown* mean, and how would you explain to a newspaper that it is not the same as *no "
        "difference*?",
        "One learning rate served both patch sizes. Whom does that favour, and what would a fairer comparison cost?",
        "Seeds vary the training, not the photographs. What claim would need more photographs, and what claim would "
        "need only more seeds?",
        "A baseline that sees only the spectrum does surprisingly well. How does that change what you think the model "
        "has learned?",
        "When is it honest to stop after the first seed?",
    ),
    "06": (
        "Two patch sizes are ordered differently at a short and at a long budget. Which order is *the* result, and "
        "how should a title be phrased?",
        "A sweep tests many pairs. Somebody picks the one comparison that came out and reports it alone. What went "
        "wrong, and how could a reader notice?",
        "Digits turn the order round. Which property of the data would you blame first, and how would you test it?",
        "If compute were free, would you always choose single pixels? Which of the recorded curves support your "
        "answer, and where do they end?",
    ),
    "07": (
        "When does a regularity deserve to be called a law? Write down a criterion, then apply it to the panels of the "
        "lesson.",
        "A free offset makes many curves straight. What would the authors of a paper have to report so that a reader "
        "could judge whether theirs was chosen fairly?",
        "Chi-square needs errors, and the paper prints none. Is it better to refuse the test or to ask how large the "
        "errors would have to be? What does each answer tell?",
        "A law with more freedom fits better and may foresee worse. Where have you met that outside of this course?",
        "Few points, a good fit and a bold extrapolation: what would make you spend money on it all the same?",
    ),
    "08": (
        "Equal steps, equal FLOPs, equal seconds, equal money: which equality is fair, and to whom?",
        "A front of single runs rewards luck. How would you draw a front that you would trust?",
        "The smallest patches stand on the front partly because nothing larger was run. Which experiment is missing, "
        "and why might nobody have made it?",
        "Two settings differ by less than the noise of the test set. What may a table that prints three decimals "
        "suggest to its readers, and whose task is it to prevent that?",
        "With a fixed budget for one model, when would you cut finer, widen the model, or enlarge the image?",
    ),
    "10": (
        "The model can read a photograph pixel by pixel on a laptop. What has been demonstrated by that, and what has "
        "not?",
        "Reading in pieces gives the same answer because a small state is carried on. Which models cannot do this, and "
        "what do they get in return?",
        "The paper's GPU-hours can be estimated from its FLOPs. Which part of such an estimate is arithmetic, and "
        "which is a guess?",
        "Who can repeat an experiment at the largest scale of the paper? What does that mean for how far the others "
        "should trust it?",
    ),
    "11": (
        "Exchange reports with another group. Underline each sentence that says more than the runs show, and rewrite "
        "it.",
        "Your study came out *not shown*. Is it worth publishing? What would a reader lose if nobody ever did?",
        "You have as much compute again. More seeds, more values, longer runs, or another task: what do you buy, and "
        "why that?",
        "You looked at the result and now have a better question. What may you do with the runs you already have?",
        "Write down beforehand which outcome would change your mind. Did your study contain it?",
    ),
}
