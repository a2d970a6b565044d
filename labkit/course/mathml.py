"""Formulas as MathML, made when the page is built, so that the browser needs no script and no network.

latex2mathml lets unknown commands and wrong arities through in silence; what it returns is parsed and checked here.
"""

import xml.etree.ElementTree as ET

from latex2mathml.converter import convert

NAMESPACE = "http://www.w3.org/1998/Math/MathML"
ARITY = {"mfrac": 2, "mroot": 2, "msub": 2, "msup": 2, "munder": 2, "mover": 2, "msubsup": 3, "munderover": 3}
LIMITS = {"msub": "munder", "msup": "mover", "msubsup": "munderover"}
WITH_LIMITS = {"\u2211", "\u220f", "max", "min", "sup", "inf", "lim"}


def to_mathml(latex: str, *, display: bool) -> str:
    """The formula as a `<math>` element, with its LaTeX as alternative text; a ValueError names one that fails."""
    bare = latex.replace(r"\{", "").replace(r"\}", "")
    if bare.count("{") != bare.count("}"):
        raise ValueError(_refusal(latex, "its braces do not match"))
    try:
        root = ET.fromstring(convert(latex, display="block" if display else "inline"))
    except Exception as error:  # the converter has a dozen error types without a common one, the parser another
        reason = str(error) or type(error).__name__
        raise ValueError(_refusal(latex, reason)) from error
    for element in root.iter():
        element.tag = element.tag.removeprefix(f"{{{NAMESPACE}}}")
    for element in root.iter():
        _check(element, latex)
    _join_letters(root)
    if display:
        _move_limits(root)
    root.set("alttext", latex.strip())
    root.set("xmlns", NAMESPACE)
    return ET.tostring(root, encoding="unicode")


def _check(element: ET.Element, latex: str) -> None:
    if "\\" in (element.text or ""):
        raise ValueError(_refusal(latex, f"unknown command {element.text}"))
    if len(element) != ARITY.get(element.tag, len(element)):
        raise ValueError(_refusal(latex, f"a part of a {element.tag} is missing"))
    if element.tag == "mo" and not element.text:
        raise ValueError(_refusal(latex, "an operator without a sign"))


def _refusal(latex: str, reason: str) -> str:
    return f"the formula `{latex.strip()}` cannot be turned into MathML ({reason}): the page would show it wrongly"


def _join_letters(root: ET.Element) -> None:
    """Upright letters one by one become one word, as they are read."""
    for row in root.iter("mrow"):
        if len(row) > 1 and all(item.tag == "mi" and item.get("mathvariant") == "normal" for item in row):
            word = "".join(item.text or "" for item in row)
            row[:] = [ET.Element("mi")]
            row[0].text = word


def _move_limits(root: ET.Element) -> None:
    """In a displayed formula the limits of a sum stand under and over it."""
    for element in root.iter():
        if element.tag in LIMITS and element[0].text in WITH_LIMITS:
            element.tag = LIMITS[element.tag]
