"""Validates each HL7 v2 message of a folder strictly with hl7apy.

    validate.py FOLDER

Each `*.hl7` file is one message. It is parsed and validated by the standard's structures, data types, lengths and tables
of its own version; hl7apy's warnings fail it too, but for those of `PASSED`. Prints what failed and a count; exits with 1
where anything did, or where the folder has no message.
"""

import re
import sys
import tempfile
from pathlib import Path

from hl7apy.consts import VALIDATION_LEVEL
from hl7apy.core import Message
from hl7apy.parser import get_message_info, parse_message, parse_segments

# Warnings where hl7apy is wrong, or that say what is not ours to mend. Each with its reason.
PASSED = [
    # Table 0396 has `HL7nnnn` for HL7's own tables: a pattern, which hl7apy takes for a word.
    re.compile(r"Value HL7\d{4} not in table HL70396 "),
    # Table 0396 is open: a laboratory's own code systems stand in it by agreement, and reports name them as they came.
    re.compile(r"Value \S+ not in table HL70396 in element (OBR_4|OBX_3|OBX_5)\."),
    # Types of universal identifiers (0301), echoed from the message that is acknowledged.
    re.compile(r"Value \S+ not in table HL70301 in element MSH_[3-6]\."),
    # Flags (0078) as the laboratory sent them: of later versions, or in words.
    re.compile(r"Value .* not in table HL70078 in element OBX\.OBX_8"),
    # Table 0203 is open, and HL7 Italia's for the codice fiscale.
    re.compile(r"Value NNITA not in table HL70203 in element PID_3\.CX_5"),
]

# hl7apy has no 2.7.1; MSH, MSA and ERR are those of 2.7.
STANDS_FOR = {"2.7.1": "2.7"}

CHARSETS = {"8859/1": "iso-8859-1", "8859/15": "iso-8859-15"}


def text_of(body):
    """The message as text, by its MSH-18 (component separators play no part in it)."""
    header = body.split(b"\r", 1)[0]
    fields = header.split(header[3:4])
    label = fields[17].decode("ascii") if len(fields) > 17 else ""
    text = body.decode(CHARSETS.get(label, "utf-8"))
    version = fields[11].decode("ascii") if len(fields) > 11 else ""
    if version in STANDS_FOR:
        separator = header[3:4].decode("ascii")
        text = text.replace(separator + version, separator + STANDS_FOR[version], 1)
    return text


def messages_of(text):
    """The message, or one for each of its persons: hl7apy begins no second PATIENT_RESULT at a second PID (v2.5.1 §7.3.1)."""
    segments = text.rstrip("\r").split("\r")
    starts = [index for index, segment in enumerate(segments) if segment.startswith("PID")]
    if len(starts) < 2:
        return [text]
    ends = starts[1:] + [len(segments)]
    header = segments[: starts[0]]
    return ["\r".join(header + segments[start:end]) + "\r" for start, end in zip(starts, ends)]


def with_short_values(text):
    """With TX, FT and ED values of OBX-5 shortened: hl7apy does not look at OBX-2, and holds all of them to ST's length."""
    segments = text.split("\r")
    for index, segment in enumerate(segments):
        fields = segment.split("|")
        if fields[0] == "OBX" and len(fields) > 5 and fields[2] in ("TX", "FT", "ED"):
            fields[5] = "^".join(part[:32] for part in fields[5].split("^"))
            segments[index] = "|".join(fields)
    return "\r".join(segments)


def parsed(text):
    """The message by its structure; where MSH-9 does not name one (2.3), which hl7apy then cannot find, by its type."""
    encoding, structure, version = get_message_info(text)
    if version != "2.3":
        return parse_message(text, validation_level=VALIDATION_LEVEL.STRICT, find_groups=True)
    message = Message(structure.split("_")[0], version=version, validation_level=VALIDATION_LEVEL.STRICT)
    message.encoding_chars = encoding
    message.children = parse_segments(text, version, encoding, VALIDATION_LEVEL.STRICT, message.reference, True)
    return message


def problems(body, report):
    """What is wrong with a message, in hl7apy's words."""
    found = []
    report.write_text("")
    try:
        for text in messages_of(with_short_values(text_of(body))):
            message = parsed(text)
            message.validate(report_file=str(report))
            found += report.read_text().splitlines()
    except Exception as error:  # hl7apy raises a class of its own for each rule, and plain ones for values.
        found = [f"{type(error).__name__}: {error}"] + report.read_text().splitlines()
    return [line for line in found if not any(passed.search(line) for passed in PASSED)]


def main(folder):
    files = sorted(Path(folder).glob("*.hl7"))
    failed = 0
    with tempfile.TemporaryDirectory() as temporary:
        report = Path(temporary) / "report"
        for file in files:
            found = problems(file.read_bytes(), report)
            failed += bool(found)
            for problem in found:
                print(f"{file.name}: {problem[:200]}")
    print(f"{len(files)} messages, {failed} failed")
    return 1 if failed or not files else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
