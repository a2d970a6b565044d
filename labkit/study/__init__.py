"""A study: one question, one thing that varies, several seeds; its plan, its runs, what they show, and a report.

    study = Study(question="Do smaller patches help?", factor="patch_size", values=(16, 8, 4), same={"steps": 150})
    findings = carry_out(study, Path("studies"))
    write_report(findings, Path("studies/report"))

The runs are those of a sweep (labkit.sweep): the same folder, the same numbers, the same small file.
"""

from labkit.study.cost import Foreseen as Foreseen
from labkit.study.cost import foresee as foresee
from labkit.study.factors import FACTORS as FACTORS
from labkit.study.factors import values_from as values_from
from labkit.study.file import as_toml as as_toml
from labkit.study.file import read_study as read_study
from labkit.study.findings import Comparison as Comparison
from labkit.study.findings import Findings as Findings
from labkit.study.findings import Place as Place
from labkit.study.findings import findings_of as findings_of
from labkit.study.plan import Study as Study
from labkit.study.questions import READY as READY
from labkit.study.report import write_report as write_report
from labkit.study.words import answer_in_words as answer_in_words
from labkit.study.words import limits as limits
from labkit.study.words import verdict_in_words as verdict_in_words
from labkit.study.work import carry_out as carry_out
