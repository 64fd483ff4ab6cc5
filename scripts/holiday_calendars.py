#!/usr/bin/env python3
"""Writes the holiday calendars that the domain reads, from the PyPI packages `holidays` and `pycountry`.

Run by hand, never by CI, when a new year should be covered or a country changed its holidays:

    python3 -m venv /tmp/holidays && /tmp/holidays/bin/pip install holidays==0.109 pycountry==26.2.16
    /tmp/holidays/bin/python scripts/holiday_calendars.py > crates/domain/src/holidays/calendars.txt

Only facts are taken: which local date is a public holiday, its English name (else its own), and the names of countries
and regions. The format stands at the head of what it writes. Regions are written as what differs from their country.
"""

import sys
from importlib.metadata import version

import holidays
import pycountry

FIRST, LAST = 2025, 2035
YEARS = range(FIRST, LAST + 1)

# Where ISO 3166 has a form that nobody says.
SHORT = {
    "BN": "Brunei", "CD": "Congo (Kinshasa)", "CG": "Congo (Brazzaville)", "FK": "Falkland Islands",
    "FM": "Micronesia", "LA": "Laos", "MF": "Saint Martin", "PS": "Palestine", "RU": "Russia", "SX": "Sint Maarten",
    "SY": "Syria", "VA": "Vatican City", "VG": "British Virgin Islands", "VI": "US Virgin Islands",
}

HEAD = f"""\
# Public holidays {FIRST} to {LAST}, written by scripts/holiday_calendars.py; do not edit.
# Source: PyPI holidays {version("holidays")} (MIT licence); names of countries and regions: PyPI pycountry {version("pycountry")}
# (from Debian's iso-codes, ISO 3166).
# A line without a tab begins a calendar: its code and its name. A region (code with a hyphen) has the days of its
# country and what its own lines add (+) or take away (-). Other lines: the name of a holiday, a tab, its dates: one
# month and day for every year, or one word per year from {FIRST} on: dates joined by commas, or - in a year without it.
"""


def language(code):
    spoken = holidays.list_localized_countries(include_aliases=False).get(code, [])
    for wanted in ("en_US", "en_GB"):
        if wanted in spoken:
            return wanted
    english = [one for one in spoken if one.startswith("en")]
    return english[0] if english else None


def days(code, region=None):
    """Name -> year -> dates of a calendar."""
    found = {}
    calendar = holidays.country_holidays(code, subdiv=region, years=YEARS, language=language(code))
    for day in sorted(calendar):
        if FIRST <= day.year <= LAST:
            for name in calendar.get_list(day):
                name = " ".join(name.replace("|", " ").split())
                found.setdefault(name, {}).setdefault(day.year, []).append(day)
    return found


def dates(by_year):
    words = [",".join(f"{day:%m%d}" for day in by_year.get(year, [])) or "-" for year in YEARS]
    return words[0] if len(set(words)) == 1 else " ".join(words)


def without(these, others):
    """What of these is not in the others."""
    left = {}
    for name, by_year in these.items():
        for year, found in by_year.items():
            rest = [day for day in found if day not in others.get(name, {}).get(year, [])]
            if rest:
                left.setdefault(name, {})[year] = rest
    return left


def country_name(code):
    found = pycountry.countries.get(alpha_2=code)
    if code in SHORT:
        return SHORT[code]
    return getattr(found, "common_name", found.name) if found else None


def region_name(code, region, aliases):
    found = pycountry.subdivisions.get(code=f"{code}-{region}")
    if found:
        return found.name.split(" [")[0].rstrip("*")
    return next((alias for alias, own in aliases.items() if own == region), region)


def main():
    out = [HEAD.rstrip("\n")]
    calendars = 0
    for code, regions in sorted(holidays.list_supported_countries(include_aliases=False).items()):
        name = country_name(code)
        national = days(code)
        if len(code) != 2 or not name or not national:
            continue
        calendars += 1
        out.append(f"{code} {name}")
        out += [f"{holiday}\t{dates(by_year)}" for holiday, by_year in national.items()]
        aliases = holidays.country_holidays(code).subdivisions_aliases
        for region in regions:
            own = days(code, region)
            more, less = without(own, national), without(national, own)
            if more or less:
                calendars += 1
                out.append(f"{code}-{region.replace(' ', '_')} {region_name(code, region, aliases)}")
                out += [f"+{holiday}\t{dates(by_year)}" for holiday, by_year in more.items()]
                out += [f"-{holiday}\t{dates(by_year)}" for holiday, by_year in less.items()]
    print("\n".join(out))
    print(f"{calendars} calendars", file=sys.stderr)


if __name__ == "__main__":
    main()
