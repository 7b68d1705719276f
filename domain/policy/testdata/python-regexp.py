"""Writes python-regexp.json: what re.match of Python says about random expressions.

Run with Python 3.8, whose dialect policy bundles are written in:
    python3.8 python-regexp.py > python-regexp.json
Each line is an expression, a text, and whether it matches; null if the expression is wrong.
"""
import json
import random
import re
import warnings

warnings.simplefilter("ignore")
random.seed(20261130)

ATOMS = [
    "a", "b", "Z", "0", ".", r"\w", r"\W", r"\d", r"\D", r"\s", r"\S", r"\b", r"\B", "^", "$", r"\A", r"\Z",
    "[a-z]", "[^a]", r"[\w-]", r"[^\W\d]", r"[\S]", r"[\Wa]", "[]a]", "[^]]", "[[:alpha:]]", r"[\b]", r"[\]\\]", "[a-]",
    r"\n", r"\t", r"\x61", r"\u00e9", r"\.", r"\-", r"\0", r"\141", "\u00e9", "\u0661", "_", "-", "/", "+", " ", "#", "{", "}", "]",
    "(a)", "(?:b)", "(?P<n>a)", "(?P=n)", r"\1", r"\2", "(?=a)", "(?!a)", "(?<=a)", "(?<!a)", "(?#c)", "|",
    "(?i)", "(?i:A)", "(?s)", "(?m)", "(?x)", "(?x: a b )", "(?a)", r"(?a:\w)", "(?-i:a)", "(?i-s:a)", "(?s-i:.)", "(?u)",
    "(?(1)a|b)", "(a|b)", "(a|)", r"(?m:$)", r"(?i:\u00c9)", "\n", "{,}", "{}", "{1}", "{,2}", "{1,}", "{0,2}", "{x}", "{1,x}", "{02}",
]
REPEATS = ["", "", "", "", "*", "+", "?", "*?", "{2}", "{1,3}", "{,2}", "{,}", "{1,}"]
LETTERS = "aabbAZ0_-/. \n\t\x1c\u00e9\u00c9\u0661\u00a0\u017f]{}+#"


def expression():
    return "".join(random.choice(ATOMS) + random.choice(REPEATS) for _ in range(random.randint(1, 4)))


def text():
    return "".join(random.choice(LETTERS) for _ in range(random.randint(0, 4)))


def answer(pattern, subject):
    try:
        return re.match(pattern, subject) is not None
    except (re.error, RuntimeError, ValueError, OverflowError):
        return None


seen, lines = set(), []
while len(lines) < 6000:
    pattern = expression()
    if pattern in seen:
        continue
    seen.add(pattern)
    wrong = answer(pattern, "") is None
    if wrong and random.random() < 0.9:
        continue
    for _ in range(1 if wrong else 3):
        subject = text()
        lines.append(json.dumps([pattern, subject, answer(pattern, subject)]))
print("[\n" + ",\n".join(lines) + "\n]")
