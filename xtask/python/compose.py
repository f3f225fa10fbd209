"""Validates a Compose file, given as JSON, by the Compose specification's own schema.

The schema is the copy that check-jsonschema carries; the validator is jsonschema-rs.
"""

import json
import sys
from importlib.metadata import distribution

import jsonschema_rs


def main() -> int:
    # By its place: the package itself, which needs others, is not imported.
    file = distribution("check-jsonschema").locate_file("check_jsonschema/builtin_schemas/vendor/compose-spec.json")
    validator = jsonschema_rs.validator_for(json.loads(file.read_text("utf-8")))
    with open(sys.argv[1], encoding="utf-8") as file:
        compose = json.load(file)
    faults = list(validator.iter_errors(compose))
    for fault in faults:
        print("/" + "/".join(str(part) for part in fault.instance_path), fault.message, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
