"""What the fields of an ORU^R01 say: person, codes, values (v2.5.1 §2.A, §3.4.2, §7.4.2)."""

import base64
import binascii
import csv
import pathlib
import re

from . import fiscal_code, times
from .segments import BLANK, Refusal

DATA = pathlib.Path(__file__).resolve().parents[3] / "schemas" / "data"
LOINC, SNOMED = "http://loinc.org", "http://snomed.info/sct"
SYSTEMS = {  # table 0396 and what senders write for it, the OIDs and URIs of both
    "ln": LOINC, "loinc": LOINC, "2.16.840.1.113883.6.1": LOINC, LOINC: LOINC,
    "sct": SNOMED, "snomed-ct": SNOMED, "snomed ct": SNOMED, "snomedct": SNOMED, "snomed": SNOMED,
    "2.16.840.1.113883.6.96": SNOMED, SNOMED: SNOMED,
}
CODED = {"CWE", "CE", "CNE", "CF"}


def table(name):
    with open(DATA / name, encoding="utf-8") as file:
        return {row[0]: row[1] for row in list(csv.reader(file))[1:]}


ASK_AT_ORDER = table("ask-at-order.csv")
WORDS = table("texts.csv")
FLAGS = {flag: meaning for flag, meaning in table("flags.csv").items() if meaning not in ("abnormal", "normal")} | WORDS
with open(DATA / "answers.csv", encoding="utf-8") as answers:
    ANSWERS = {code: (system, result) for code, system, result in list(csv.reader(answers))[1:]}


def lower(text):
    """In small letters, of ASCII alone: Python's own would take the Kelvin sign for a k."""
    return re.sub("[A-Z]", lambda letter: letter.group().lower(), text)


def folded(text):
    return " ".join(re.sub("[a-z]", lambda letter: letter.group().upper(), text).split())


def coding(part, preferred=()):
    """CWE and CE (§2.A): the first of the preferred systems, else the first with a code; as code, system, words."""
    at = part.component
    triples = triples_of(part)
    there = [triple for triple in triples if triple[0]]
    words = next((text for text in [at(9).text()] + [triple[1] for triple in triples] if text), None)
    for wanted in preferred:
        there.sort(key=lambda triple: triple[2] != wanted)
        if there and there[0][2] == wanted:
            break
    else:
        there.sort(key=triples.index)
    if not there:
        return None, None, words
    code, own, system = there[0]
    return code, system, own or words


def triples_of(part):
    at = part.component
    triples = [(at(n).text(), at(n + 1).text(), at(n + 2).text()) for n in (1, 4, 10)]
    return [(code, words, SYSTEMS.get(lower(system or ""), system)) for code, words, system in triples]


def result(code, words, system):
    """What a coding says of a result, by its code, else by its words."""
    if system == "HL70078":
        return FLAGS.get(folded(code or "")) or WORDS.get(folded(words or ""))
    home, means = ANSWERS.get((code or "").strip(BLANK), (None, None))
    foreign = {LOINC: "snomed", SNOMED: "loinc"}.get(system)
    return (means if home != foreign else None) or WORDS.get(folded(words or ""))


def contradictions(part, taken):
    """The codings of one value mean one thing (§2.A); one that says another result is a finding of its own."""
    said = result(taken[0], taken[2], taken[1])
    others = triples_of(part) + [(None, part.component(9).text(), None)]
    return [(code, system if code else None, words) for code, words, system in others
            if said and result(code, words, system) not in (None, said)]


def identifiers(pid):
    """PID-3; PID-2, PID-4 and PID-19 as before v2.3.1: for the person's code, the first two also where PID-3 is empty."""
    sure, mistyped, others = [], [], []
    for field in (3, 19, 2, 4):
        takes_others = field == 3 or field != 19 and not (sure or mistyped or others)
        for part in pid.repetitions(field):
            value, assigner = part.component(1).text(), part.component(4)
            if value is None:
                continue
            namespace, universal = assigner.sub(1).text(), assigner.sub(2).text()
            is_oid = universal and "." in universal and re.fullmatch("[0-9.]+", universal)
            one = (field, f"urn:oid:{universal}" if is_oid else namespace or universal, value)
            is_named = part.component(5).raw() == "NNITA" or fiscal_code.ASSIGNERS & {namespace, universal}
            if is_named or fiscal_code.is_valid(value):
                sure.append(one)
            elif fiscal_code.has_form(value):
                mistyped.append(one)
            elif takes_others:
                others.append(one)
    taken, left = (sure, mistyped) if sure else (mistyped, [])
    written = {fiscal_code.normal(value) for *_, value in taken}
    # Several that differ are none: nobody can say whose the report is.
    code = written.pop() if len(written) == 1 else None
    others += taken + left if taken and not code else [one for one in left if one[0] == 3]
    return code, {one[1:] for one in others}


def phones(pid):
    """Every number that the person has (XTN §2.A.89): 12 unformatted, 5 to 7 in parts, 1 as before v2.3.1.

    Which of them a message goes to is a choice; that it is one of them is what the standard says.
    """
    numbers = set()
    for part in (part for field in (13, 14, 40) for part in pid.repetitions(field)):
        use, equipment = part.component(2).raw().upper(), part.component(3).raw().upper()
        # Table 0201 and 0202: another person's, a pager's, a fax's or a computer's.
        if use in ("NET", "BPN", "EMR", "ASN") or equipment in ("FX", "MD", "BP", "INTERNET", "X.400"):
            continue
        legacy, country, area, local, whole = (part.component(number).text() for number in (1, 5, 6, 7, 12))
        country = "39" if country in ("IT", "ITA") else (country or "").lstrip("+0")
        prefix = f"+{country}" if country else ""
        if local:
            numbers |= {prefix + (area or "") + local, local if not area or local.startswith("+") else None}
        if whole:
            numbers |= {whole, prefix + whole}
        if legacy and "@" not in legacy:
            # TN (§2.A.75): what follows X, B or C is dialled afterwards.
            numbers.add(re.sub("^([^0-9]*[0-9][^XxBC]*)[XxBC].*", r"\1", legacy, flags=re.DOTALL).strip(BLANK))
    return numbers - {None}


def person(pid):
    order = {"L": 0, "A": 2, "N": 2, "S": 2, "BAD": 2}
    # XPN (§2.A.88): the legal name, else the first that is none of an alias; FN (§2.A.30): own surname without prefix.
    names = [
        (order.get(part.component(7).raw(), 1), part.component(1).sub(1).text() or part.component(1).sub(3).text(),
         part.component(2).text())
        for part in pid.repetitions(5)
    ]
    said = [name for name in names if name[1] or name[2]]
    _, family, given = min(said, key=lambda name: name[0]) if said else (None, None, None)
    code, others = identifiers(pid)
    named = [text for text in (code, family, given, *(value for _, value in others)) if text and text.strip(BLANK)]
    if not named:
        raise Refusal("nobody named")
    return {
        "fiscalCode": code, "family": family, "given": given, "identifiers": others, "phones": phones(pid),
        "birthDate": times.birth_date(pid.field(7).component(1).text()), "sex": pid.field(8).component(1).text(),
    }


def lines(parts):
    return "\n".join(text for text in (part.text() for part in parts) if text is not None) or None


def kind_of(obx):
    """OBX-2 (table 0125); without one, what names the system of its code is a code."""
    kind = obx.field(2).component(1).raw().upper()
    return "CWE" if kind in ("", '""') and obx.field(5).component(3).text() else kind


def values(obx):
    """OBX-5 by OBX-2 (table 0125): each repetition of a code is one finding, repetitions of text are its lines."""
    kind, parts = kind_of(obx), obx.repetitions(5)
    if kind in CODED:
        found = []
        for part in parts:
            if part.raw() not in ("", '""'):
                code, system, words = coding(part, (SNOMED, LOINC))
                found.append((code, system if code else None, words))
                found += contradictions(part, (code, system, words))
        return found or [(None, None, None)]
    if kind == "SN":
        numbers = ["".join(one.text() or "" for one in part.components()) for part in parts]
        return [(None, None, "\n".join(filter(None, numbers)) or None)]
    if kind == "TS":
        return [(None, None, parts[0].component(1).text())]
    # Separators at the end say nothing (§2.10).
    ends = [all(one.text() is None for one in part.components()[1:]) for part in parts]
    return [(None, None, lines(part.component(1) if alone else part for part, alone in zip(parts, ends)))]


def interpretation(obx):
    """OBX-8 (table 0078): the first flag that says a result, else the first; all where they contradict each other."""
    flags = [part.component(1).text() or part.component(2).text() for part in obx.repetitions(8)]
    flags = [flag for flag in flags if flag]
    says = [flag for flag in flags if folded(flag) in FLAGS]
    if len({FLAGS[folded(flag)] for flag in says}) > 1:
        return "\n".join(flags)
    return (says or flags or [None])[0]


def document(part):
    """ED (§2.A.24), as bytes."""
    encoding, data = part.component(4).raw().lower(), part.component(5).text()
    try:
        if not data:
            raise ValueError
        # Left out by some; a document that is no text can only have been sent as Base64.
        if encoding in ("base64", "", '""'):
            return base64.b64decode("".join(data.split()), validate=True)
        if encoding == "hex":
            return bytes.fromhex(data)
        if encoding == "a":
            return data.encode()
        raise ValueError
    except (ValueError, binascii.Error):
        raise Refusal("a document that is not what its encoding says") from None
