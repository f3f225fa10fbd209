"""The codes that the Italian state gives to persons (DM 23 December 1976; STP and ENI), as evidence in PID-3."""

import datetime
import re

# Ministry of Economy and Finance, and the OIDs of codice fiscale, STP and ENI.
ASSIGNERS = {
    "MEF", "2.16.840.1.113883.2.9.4.3.2", "2.16.840.1.113883.2.9.4.3.17", "2.16.840.1.113883.2.9.4.3.18",
}
FORM = re.compile(r"[A-Z]{6}[0-9LMNPQRSTUV]{2}[A-Z][0-9LMNPQRSTUV]{2}[A-Z][0-9LMNPQRSTUV]{3}[A-Z]")
OMOCODE = str.maketrans("LMNPQRSTUV", "0123456789")
ODD = dict(zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", [
    1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23,
])) | dict(zip("0123456789", [1, 0, 5, 7, 9, 13, 15, 17, 19, 21]))
EVEN = {sign: value for value, sign in enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZ")} | {str(n): n for n in range(10)}
TODAY = datetime.date(2026, 1, 15)


def normal(text):
    return re.sub("[a-z]", lambda letter: letter.group().upper(), text.strip())


def has_form(text):
    """True where only the check character or the date may be wrong."""
    return bool(FORM.fullmatch(normal(text)))


def is_valid(text):
    """True for a valid code of sixteen characters. Eleven digits alone are no evidence."""
    code = normal(text)
    if re.fullmatch("(STP|ENI)[0-9]{13}", code):
        return True
    if not FORM.fullmatch(code):
        return False
    total = sum((EVEN if place % 2 else ODD)[sign] for place, sign in enumerate(code[:15]))
    if chr(ord("A") + total % 26) != code[15] or code[8] not in "ABCDEHLMPRST":
        return False
    year, day = (int(code[place:place + 2].translate(OMOCODE)) for place in (6, 9))
    month = "ABCDEHLMPRST".index(code[8]) + 1
    for century in (2000, 1900):
        try:
            born = datetime.date(century + year, month, day - 40 if day > 40 else day)
        except ValueError:
            continue
        if born <= TODAY and TODAY.year - born.year <= 110:
            return True
    return False
