"""A message's order groups as reports (v2.5.1 §7.3.1; `docs/contracts.md`, 'What is stored')."""

import re

from . import fields, times
from .segments import BLANK, Refusal, messages, segments

OF_REPORT = {  # OBR-25, table 0123 with what later versions add; A as partial
    "O": "registered", "I": "registered", "S": "registered", "N": "registered", "A": "preliminary",
    "P": "preliminary", "R": "preliminary", "M": "preliminary", "F": "final", "C": "corrected", "X": "cancelled",
}
OF_OBSERVATION = {  # OBX-11, table 0085
    "I": "registered", "P": "preliminary", "R": "preliminary", "S": "preliminary", "F": "final", "U": "final",
    "V": "final", "C": "corrected", "A": "corrected", "B": "corrected", "X": "cancelled", "D": "entered-in-error", "W": "entered-in-error",
}
NOT_YET = {"registered", "preliminary"}
WITHDRAWN = ("cancelled", "entered-in-error")


def read(body):
    """The messages of a body: the reports of each, or why it must be refused."""
    found = []
    for lines in messages(body):
        try:
            found.append(message(segments(lines)))
        except Refusal as refusal:
            found.append(str(refusal))
    return found


def message(found):
    header = found[0]
    processing = header_of(header)
    reports = {}
    for group in groups(found):
        report = of_group(group, header)
        report["processingId"] = processing
        identity = (report["number"], report["test"])
        reports[identity] = merge(reports[identity], report) if identity in reports else report
    if not reports:
        raise Refusal("no order")
    for report in reports.values():
        finish(report)
    return list(reports.values())


def header_of(msh):
    kind, event = msh.field(9).component(1).raw(), msh.field(9).component(2).raw()
    if (kind, event) not in (("ORU", ""), ("ORU", "R01"), ("ORU_R01", "")):
        raise Refusal("no result message")
    if msh.field(10).text() is None:
        raise Refusal("no control id")
    version = msh.field(12).component(1)
    if version.text() and not re.fullmatch(r"2\.[3-8](\.[0-9])?", version.raw()):
        raise Refusal("version")
    processing = msh.field(11).component(1)
    if processing.raw().upper() not in ("P", "T", "D"):
        raise Refusal("processing id")
    return processing.raw().upper()


def groups(found):
    """Each OBR with its person, its ORC and what stands below it."""
    patient, order, out = None, None, []
    # From v2.7 on a person has observations of their own before the orders (v2.8 §7.3.1).
    of_person = found[0].field(12).component(1).raw()[:3] in ("2.7", "2.8")

    def begin(orc=None, obr=None):
        nonlocal order
        order = {"orc": orc, "obr": obr, "patient": patient, "below": []}
        if obr:
            out.append(order)

    for segment in found[1:]:
        if segment.name in ("PID", "ORC") and order and not order["obr"]:
            raise Refusal("ORC without OBR")
        if segment.name == "PID":
            if patient and not patient["orders"]:
                raise Refusal("PID without OBR")
            patient, order = {"pid": segment, "said": [], "orders": 0}, None
        elif segment.name == "ORC":
            begin(orc=segment)
        elif segment.name == "OBR":
            if not patient:
                raise Refusal("nobody")
            if order and not order["obr"]:
                order["obr"] = segment
                out.append(order)
            else:
                begin(obr=segment)
            patient["orders"] += 1
        elif segment.name == "OBX" and of_person and patient and not order:
            patient["said"].append(segment)
        elif segment.name in ("OBX", "SPM"):
            if not order or not order["obr"]:
                raise Refusal("before any OBR")
            order["below"].append(segment)
        elif segment.name == "NTE":
            if order:
                order["below"].append(segment)
            elif patient:
                patient["said"].append(segment)
    if order and not order["obr"] or patient and not patient["orders"]:
        raise Refusal("an order that is not whole")
    return out


def of_group(group, msh):
    obr, orc = group["obr"], group["orc"]
    below = observations(group["below"])
    spm = below["spm"]
    status = status_of(obr, below["results"])
    for observation in below["observations"]:
        observation["status"] = observation["status"] or status
    specimen = specimen_of(spm, obr)
    placed = [segment.field(2).component(1).text() for segment in (obr, orc) if segment]
    numbers = [segment.field(3).component(1).text() for segment in (obr, orc) if segment] + [specimen["id"]] + placed
    number = next((number for number in numbers if number), None)
    test = fields.coding(obr.field(4), (fields.LOINC,))
    if any(not text or not text.strip(BLANK) for text in (number, test[0])):
        raise Refusal("no number or no test")
    issued = obr.field(22).component(1).text() or msh.field(7).component(1).text()
    return {
        "number": number, "test": test[0], "testSystem": test[1], "testDisplay": test[2], "status": status, "specimen": specimen,
        "issuedAt": time(issued, "issued"), "patient": group["patient"], "observations": below["observations"],
        "attachments": below["attachments"], "notes": below["notes"], "document": below["document"],
        "order": next((number for number in placed if number), None),
    }


def time(text, what):
    """A time from which something follows: an unreadable one refuses."""
    if text is None:
        return None
    instant = times.instant(text.strip(BLANK))
    if instant is None:
        raise Refusal(f"{what}: no time")
    return instant


def specimen_of(spm, obr):
    def either(of_spm, of_obr):
        own = spm and spm.field(of_spm).component(1).sub(1).text()
        return own or obr.field(of_obr).component(1).text()

    numbers = [spm.field(2).component(component).sub(1).text() for component in (2, 1)] if spm else []
    if spm:
        code, _, words = fields.coding(spm.field(4), (fields.SNOMED,))
        kind = code or words
    else:
        # OBR-15 (§4.5.3.15, SPS) is where it was before there was SPM.
        texts = [part.text() for part in obr.field(15).component(1).subs()]
        kind = next((text for text in texts if text), None)
    received = either(18, 14)
    return {
        "id": next((number for number in numbers if number), None), "type": kind,
        "collectedAt": time(either(17, 7), "collected"),
        # When it came to the laboratory decides nothing: an unreadable one is absent.
        "receivedAt": received and times.instant(received.strip(BLANK)),
    }


def observations(below):
    out = {"observations": [], "attachments": [], "results": [], "notes": [], "spm": None, "document": None}
    noted = None
    for segment in below:
        if segment.name == "SPM":
            out["spm"], noted = out["spm"] or segment, None
        elif segment.name == "NTE":
            text = fields.lines(segment.repetitions(3))
            (noted["notes"] if noted else out["notes"]).extend([text] if text is not None else [])
        else:
            noted = observe(segment, out)
    return out


def observe(obx, out):
    letter = (obx.field(11).component(1).text() or "").upper()
    if letter and letter not in OF_OBSERVATION and letter not in ("N", "O"):
        raise Refusal("OBX-11")
    status = OF_OBSERVATION.get(letter)
    code, system, words = fields.coding(obx.field(3), (fields.LOINC,))
    # Behind a specimen an OBX speaks of it (§7.3.1); OBX-29 (v2.8, table 0936) says it by name.
    asked = bool(out["spm"]) or letter in ("N", "O") or obx.field(29).raw() in ("QST", "SCI")
    asked = asked or (code or "").strip(BLANK) in fields.ASK_AT_ORDER
    if not asked and status:
        out["results"].append(status)
    if fields.kind_of(obx) == "ED":
        parts = [part for part in obx.repetitions(5) if part.raw() not in ("", '""')]
        out["attachments"] += [fields.document(part) for part in parts]
        if not asked:
            out["document"] = out["document"] or observation_of((code, system, words), status=status)
        return None
    if not code:
        raise Refusal("an observation without a code")
    unit = fields.coding(obx.field(6))
    found = [
        observation_of(
            (code, system, words), value=value, valueCode=value_code, valueSystem=value_system,
            unit=unit[0] or unit[2], range=obx.field(7).text(), interpretation=fields.interpretation(obx),
            status=status, askAtOrder=asked,
        )
        for value_code, value_system, value in fields.values(obx)
    ]
    out["observations"] += found
    return found[0]


def observation_of(test, **more):
    names = ("value", "valueCode", "valueSystem", "unit", "range", "interpretation", "status")
    empty = dict.fromkeys(names) | {"askAtOrder": False, "notes": []}
    return dict(zip(("code", "system", "display"), test)) | empty | more


def status_of(obr, results):
    """OBR-25 with the results below it: what is not final tells nobody, what is withdrawn whole is withdrawn."""
    letter = (obr.field(25).component(1).text() or "").upper()
    if letter and letter not in OF_REPORT:
        raise Refusal("OBR-25")
    stated, kinds = OF_REPORT.get(letter), set(results)
    for withdrawn in ("entered-in-error", "cancelled"):
        if kinds == {withdrawn}:
            return withdrawn
    if stated in ("final", "corrected", None) and kinds & NOT_YET:
        return "registered" if stated is None and kinds == {"registered"} else "preliminary"
    if stated in ("final", None) and "corrected" in kinds:
        return "corrected"
    return stated or "final"


def merge(report, more):
    """A further group of the same report: what it adds is added; the less far status, the later issue time."""
    one, other = (fields.person(each["patient"]["pid"]) for each in (report, more))
    if one != other and (not one["fiscalCode"] or one["fiscalCode"] != other["fiscalCode"]):
        # Withdrawn from one person and given to another in one message: it is the other's.
        standing = [each for each in (report, more) if each["status"] not in WITHDRAWN]
        if len(standing) != 1:
            raise Refusal("one number, two persons")
        return standing[0]
    both = {report["status"], more["status"]}
    if both & NOT_YET:
        report["status"] = "registered" if both == {"registered"} else "preliminary"
    else:
        order = ("corrected", "final", "entered-in-error", "cancelled")
        report["status"] = next(status for status in order if status in both)
    report["issuedAt"] = max(filter(None, (report["issuedAt"], more["issuedAt"])), default=None)
    for name, value in more["specimen"].items():
        report["specimen"][name] = report["specimen"][name] or value
    for name in ("order", "document"):
        report[name] = report[name] or more[name]
    for name in ("observations", "attachments", "notes"):
        report[name] += more[name]
    return report


def finish(report):
    patient = report["patient"]
    found, document = report["observations"], report.pop("document")
    if document and not found:
        # A document is a result too (§7.4.2.5), which only a person can read.
        test = {"code": report["test"], "system": report["testSystem"], "display": report["testDisplay"]}
        found.append(document if document["code"] else document | test)
    del report["testDisplay"]
    if report["status"] not in (*WITHDRAWN, "registered") and not found:
        raise Refusal("no result")
    said = observations(patient["said"])
    if found:
        # What is said of the person is no result, and stands in for none.
        found += [observation | {"askAtOrder": True} for observation in said["observations"]]
    report["attachments"] += said["attachments"]
    notes = said["notes"] + report.pop("notes")
    report["note"] = "\n".join(notes) or None
    report["patient"] = fields.person(patient["pid"])
    for observation in found:
        observation["note"] = "\n".join(observation.pop("notes")) or None
        observation["status"] = observation["status"] or report["status"]
