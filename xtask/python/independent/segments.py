"""A body as messages, segments, fields and text (v2.5.1 §2), cut by PyPI `hl7`."""

import functools
import re

import hl7

# Unicode's white space. Python's own `strip` takes the control characters 0x1C to 0x1F too, which are none.
BLANK = "\t\n\v\f\r \x85\xa0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u2028\u2029\u202f\u205f\u3000"
NAME = re.compile(r"[A-Z][A-Z0-9]{2}(?![A-Za-z0-9])")


class Refusal(Exception):
    """The message must not be accepted."""


class Segment:
    """One segment as `hl7` parses it: fields, repetitions, components, subcomponents."""

    def __init__(self, name, parsed, signs):
        self.name, self.parsed, self.signs = name, parsed, signs

    def repetitions(self, number):
        field = self.parsed[number] if number < len(self.parsed) else [""]
        return [Part(repetition, self.signs) for repetition in field]

    def field(self, number):
        return self.repetitions(number)[0]


class Part:
    """A repetition, component or subcomponent. Text deeper than what the data type has is taken as it stands."""

    def __init__(self, node, signs):
        self.node, self.signs = node, signs

    def child(self, number, container):
        # `hl7` leaves out the levels that a text has no separator of.
        nodes = self.node if isinstance(self.node, container) else [self.node]
        return Part(nodes[number - 1] if number <= len(nodes) else "", self.signs)

    def component(self, number):
        return self.child(number, hl7.Repetition)

    def components(self):
        count = len(self.node) if isinstance(self.node, hl7.Repetition) else 1
        return [self.component(number) for number in range(1, count + 1)]

    def sub(self, number):
        return self.child(number, hl7.Component)

    def subs(self):
        count = len(self.node) if isinstance(self.node, hl7.Component) else 1
        return [self.sub(number) for number in range(1, count + 1)]

    def raw(self):
        return str(self.node).strip(BLANK)

    def text(self):
        raw = self.raw()
        # "" is 'explicitly empty' (§2.5.3.2); a message is a whole snapshot, so that it is absent.
        return None if raw in ("", '""') else unescape(raw, self.signs)


def unescape(text, signs):
    """§2.7. `hl7`'s own leaves out \\P\\ and bytes of UTF-8, and has underscores for highlighting."""
    escape = signs.get("escape")
    if not escape or escape not in text:
        return text
    out, held, at = [], b"", 0

    def release():
        nonlocal held
        # Bytes in hexadecimal are one run of characters: UTF-8, else ISO-8859-1.
        try:
            out.append(held.decode("utf-8"))
        except UnicodeDecodeError:
            out.append(held.decode("latin-1"))
        held = b""

    while at < len(text):
        end = text.find(escape, at + 1) if text[at] == escape else -1
        sequence = text[at + 1:end] if end > 0 else None
        if sequence and re.fullmatch("X([0-9A-Fa-f]{2})+", sequence):
            held += bytes.fromhex(sequence[1:])
            at = end + 1
            continue
        release()
        known = meaning(sequence, signs)
        # What is unknown or never closed stands as it was written.
        out.append(text[at] if known is None else known)
        at = at + 1 if known is None else end + 1
    release()
    return "".join(out)


def meaning(sequence, signs):
    letters = {"F": "field", "S": "component", "T": "subcomponent", "R": "repetition", "E": "escape", "P": "truncation"}
    if sequence in letters:
        return signs.get(letters[sequence])
    if sequence in ("H", "N"):
        return ""
    return "\n" if sequence is not None and sequence.lower() in (".br", ".sp") else None


@functools.lru_cache(maxsize=2_000)
def parse(head, line):
    """One segment; the message around it is the least that `hl7` takes, and the last line guards blanks at the end."""
    message = hl7.parse(f"{head}\r{line}\rZZZ")
    return message[1]


def lines_of(body):
    for line in re.split(rb"\r\n|\r|\n", body):
        # What MLLP and editors leave around a line.
        while line[:1] in (b"\x0b", b"\x1c") or line[:3] == b"\xef\xbb\xbf":
            line = line[1:] if line[:1] in (b"\x0b", b"\x1c") else line[3:]
        yield line.rstrip(b"\x0b\x1c")


def messages(body):
    """The messages of a body (§2.10.3), each as its lines."""
    found = None
    for line in lines_of(body):
        name = NAME.match(line[:4].decode("latin-1"))
        name = name and name.group()
        if name == "MSH":
            if found:
                yield found
            found = [line]
        elif name in ("FHS", "BHS", "BTS", "FTS"):
            if found:
                yield found
            found = None
        elif found and line:
            found.append(line)
    if found:
        yield found


def charset(lines):
    """MSH-18 (table 0211); without a name UTF-8 where the bytes are, else ISO-8859-1."""
    header = lines[0]
    fields = header.split(header[3:4] or b"|")
    label = (fields[17] if len(fields) > 17 else b"").split(header[5:6] or b"~")[0].strip().upper().decode("latin-1")
    try:
        return [line.decode("utf-8") for line in lines]
    except UnicodeDecodeError:
        pass
    # Windows-1252 is ISO-8859-1 with signs for control characters; where it has none, the control character stands.
    if label in ("", '""', "ASCII", "8859/1", "ISO-8859-1", "ISO8859/1"):
        single = {byte: bytes([byte]).decode("cp1252", errors="ignore") or chr(byte) for byte in range(256)}
        return ["".join(single[byte] for byte in line) for line in lines]
    if label in ("8859/15", "ISO-8859-15", "ISO8859/15"):
        return [line.decode("iso8859-15") for line in lines]
    raise Refusal("bytes that are not of the charset")


def segments(lines):
    lines = charset(lines)
    if "\0" in "".join(lines):
        raise Refusal("NUL")
    header = lines[0]
    signs = header[3:4] + header[4:].split(header[3:4] or " ")[0]
    if not 3 <= len(signs) <= 6 or len(set(signs)) < len(signs) or re.search(r"[^!-/:-@\[-`{-~]", signs):
        raise Refusal("separators")
    names = ("field", "component", "repetition", "escape", "subcomponent", "truncation")
    signs = dict(zip(names, signs))
    # `hl7` takes the usual sign for one that the message does without (§2.5.4): one that stands nowhere is declared.
    declared = "".join(signs.get(name, spare) for name, spare in zip(names[1:5], "\x01\x02\x03\x04"))
    head = f"MSH{signs['field']}{declared}{signs['field']}"
    found = []
    for line in lines:
        name = NAME.match(line)
        if not name or line[3:4] not in ("", signs["field"]):
            raise Refusal("a line that is no segment")
        if name.group() in ("DSC", "ADD"):
            raise Refusal("continued elsewhere")
        found.append(Segment(name.group(), parse(head, line), signs))
    return found
