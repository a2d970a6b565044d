"""What a teacher gets from `labkit course build OUT`: editions, notes, a syllabus, a bundle for a room without network.

discussion   questions to talk about, by lesson
glossary     what to know beforehand, the field's terms
lesson       one lesson as the notes want it: header, limits, questions, exercises, seconds
mistakes     the code of a typical wrong answer
notes        an instructor's page for each lesson
schedule     six sessions out of the lessons' working minutes
syllabus     prerequisites, schedule, rubric, glossary
bundle       all that it takes without a network
written      what was built before is replaced, what a person changed is not
build        the command
"""
