"""Compares what schemas reads of mutated HL7 messages with what an independent reading of the same bytes says.

    python differential.py [--every N] [--seed S] [--jobs J] [--file NAME] [--show N] MUTANTS FOLDER

MUTANTS is the built example (`cargo build -p schemas --example mutants`), FOLDER holds the files. What is accepted must
be what `independent` reads: number, test, status, times, person, specimen, observations, documents. Exit 1 where
anything differs, where the reader panicked, or where so little was accepted that nothing was compared.
"""

import argparse
import base64
import collections
import json
import multiprocessing
import subprocess
import sys
import time

# Nothing is written beside the sources.
sys.dont_write_bytecode = True

from independent import reports, times  # noqa: E402

OBSERVATION = ("code", "system", "display", "value", "valueCode", "valueSystem", "unit", "range", "interpretation")
SHOWN = 200


def ours(report):
    """A report as schemas serialises it, in the shape of the independent reading."""
    patient, specimen = report["patient"], report.get("specimen", {})
    return {
        "number": report["reportNumber"], "test": report["test"]["code"], "testSystem": report["test"].get("system"),
        "status": report["status"], "processingId": report.get("processingId", "P"), "note": report.get("note"),
        "issuedAt": times.written(report["issuedAt"]), "order": report.get("order", {}).get("number"),
        "specimen": {name: specimen.get(name) for name in ("id", "type")}
        | {name: times.written(specimen.get(name)) for name in ("collectedAt", "receivedAt")},
        "patient": {
            name: patient.get(name) for name in ("fiscalCode", "family", "given", "phone", "birthDate", "sex")
        } | {"identifiers": {(one.get("system"), one["value"]) for one in patient.get("identifiers", [])}},
        "observations": [
            {name: one.get(name) for name in OBSERVATION} | {
                "status": one.get("status", report["status"]), "askAtOrder": one.get("askAtOrder", False),
                "note": one.get("note"),
            }
            for one in report.get("observations", [])
        ],
        "attachments": [base64.b64decode(one["data"]) for one in report.get("attachments", [])],
    }


def differences(mine, other, path=""):
    """Where two readings differ, with both."""
    if isinstance(mine, dict) and isinstance(other, dict):
        for name in mine.keys() | other.keys():
            yield from differences(mine.get(name), other.get(name), f"{path}/{name}")
    elif isinstance(mine, list) and isinstance(other, list) and len(mine) == len(other):
        for index, pair in enumerate(zip(mine, other)):
            yield from differences(*pair, f"{path}/{index}")
    elif mine != other:
        yield path, mine, other


def compare(line):
    """The differences of one mutant."""
    if line["panic"]:
        return [("", "a panic", "none")]
    body = base64.b64decode(line["bytes"])
    there = reports.read(body)
    if len(there) != len(line["messages"]):
        return [("messages", len(line["messages"]), len(there))]
    found = []
    for index, (message, other) in enumerate(zip(line["messages"], there)):
        if message["reports"] is None:
            continue
        if isinstance(other, str):
            found.append((f"message {index}", "accepted", f"to be refused: {other}"))
            continue
        mine = [ours(report) for report in message["reports"]]
        for report, twin in zip(mine, other):
            # Which of a person's numbers is taken is a choice; it is one of them where there is any.
            phones = twin["patient"].pop("phones")
            phone = report["patient"]["phone"]
            twin["patient"]["phone"] = phone if phone in (phones or {None}) else sorted(phones)
        found += differences(mine, other, f"message {index}")
    return found


def part(job):
    arguments, number = job
    command = [
        arguments.mutants, "--every", str(arguments.every), "--seed", str(arguments.seed), "--file", arguments.file,
        "--part", f"{number}/{arguments.jobs}", arguments.folder,
    ]
    counts, found = collections.Counter(), []
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        for line in map(json.loads, process.stdout):
            if "mutations" in line:
                counts.update(line)
                counts["whole"] += 1
                continue
            try:
                differs = compare(line)
            except Exception as error:  # the independent reading must not fail: shown with its mutant
                differs = [("independent", "", f"{type(error).__name__}: {error}")]
            counts["reports"] += sum(len(message["reports"] or []) for message in line["messages"] or [])
            if differs:
                counts["differing"] += 1
                found.append((line["file"], line["mutation"], differs, line["bytes"]))
    counts["failed"] += process.returncode != 0
    return counts, found[:SHOWN]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=multiprocessing.cpu_count())
    parser.add_argument("--file", default="", help="only files whose name contains this")
    parser.add_argument("--show", type=int, default=20, help="differences shown")
    parser.add_argument("--bytes", action="store_true", help="show the mutants too, in base64")
    parser.add_argument("mutants")
    parser.add_argument("folder")
    arguments = parser.parse_args()
    begin, counts, found = time.monotonic(), collections.Counter(), []
    with multiprocessing.Pool(arguments.jobs) as pool:
        for more, differing in pool.imap_unordered(part, [(arguments, n + 1) for n in range(arguments.jobs)]):
            counts += more
            found += differing
    for file, mutation, differs, body in found[: arguments.show]:
        print(f"{file}: {mutation}")
        for path, mine, other in differs[:5]:
            print(f"    {path}: schemas {mine!r:.300}, independent {other!r:.300}")
        if arguments.bytes:
            print(f"    {body}")
    names = ("mutations", "accepted", "refused", "panics", "reports", "differing")
    told = ", ".join(f"{counts[name]} {name}" for name in names)
    print(f"{told}; {time.monotonic() - begin:.0f} s")
    # A run that compared next to nothing proves nothing.
    is_whole = counts["whole"] == arguments.jobs and counts["accepted"] * 4 > counts["mutations"] > 0
    sys.exit(0 if is_whole and not counts["failed"] and not counts["differing"] else 1)


if __name__ == "__main__":
    main()
