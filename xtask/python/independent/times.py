"""Times of HL7 (v2.5.1 §2.A.22, DTM): `YYYY[MM[DD[HH[MM[SS[.S…]]]]]][±ZZZZ]`."""

import datetime
import re
import zoneinfo

# Where the laboratory of the comparison stands.
ZONE = zoneinfo.ZoneInfo("America/New_York")
FORM = re.compile(
    r"([0-9]{4})(?:([0-9]{2})(?:([0-9]{2})(?:([0-9]{2})(?:([0-9]{2})(?:([0-9]{2})(?:\.([0-9]+))?)?)?)?)?)?"
    r"(?:([+-])([0-9]{2})([0-9]{2}))?"
)


def instant(text):
    """The instant in UTC with nine digits of its second's fraction; None where it is no time.

    What is not written is its first instant. A time that came twice is the first, one that never came is as long after.
    """
    found = FORM.fullmatch(text)
    if not found:
        return None
    year, month, day, hour, minute, second, fraction, sign, hours, minutes = found.groups()
    try:
        date = datetime.date(int(year), int(month or 1), int(day or 1))
        local = datetime.datetime.combine(date, datetime.time(int(hour or 0), int(minute or 0), int(second or 0)))
        if sign:
            if int(hours) > 14 or int(minutes) > 59:
                return None
            offset = datetime.timedelta(hours=int(hours), minutes=int(minutes))
            zone = datetime.timezone(-offset if sign == "-" else offset)
        else:
            zone = ZONE
        utc = local.replace(tzinfo=zone).astimezone(datetime.timezone.utc)
    except ValueError:
        return None
    except OverflowError:
        return "beyond"
    return utc.replace(tzinfo=None).isoformat() + "." + (fraction or "")[:9].ljust(9, "0")


def written(text):
    """The same of a time as a report serialises it."""
    if text is None:
        return None
    seconds, _, fraction = text.rstrip("Z").partition(".")
    return f"{seconds}.{fraction.ljust(9, '0')}" if re.match("[0-9]{4}-", seconds) else "beyond"


def birth_date(text):
    """The day as written, whatever zone follows; None of a year or a month alone, and of what is no date."""
    if text is None or len(text.encode()) > 8 and instant(text) is None:
        return None
    day = re.match("([0-9]{4})([0-9]{2})([0-9]{2})", text)
    try:
        datetime.date(*map(int, day.groups()))
    except (AttributeError, ValueError):
        return None
    return "-".join(day.groups())
