# Records what Google's library says of some ten thousand addresses, for the differential tests of src/domain/party/tests.rs.
#
# Provenance: every address is generated here from a fixed seed or is an example number of the library's own metadata
# (fictitious or unassigned); none was collected. The answers come from the PyPI package `phonenumbers` 9.0.43
# (David Drysdale's port of Google's libphonenumber; code and metadata Apache-2.0), region VN for addresses without a plus.
#
# Recorded once; to record again:  pip install phonenumbers==9.0.43 && python3 tests/data/numbers.py
import csv
import pathlib
import random

import phonenumbers as google

WANTED_VERSION = "9.0.43"
TYPES = {
    google.PhoneNumberType.FIXED_LINE: "fixed",
    google.PhoneNumberType.MOBILE: "mobile",
    google.PhoneNumberType.FIXED_LINE_OR_MOBILE: "fixed_or_mobile",
    google.PhoneNumberType.TOLL_FREE: "toll_free",
    google.PhoneNumberType.PREMIUM_RATE: "premium",
    google.PhoneNumberType.SHARED_COST: "shared_cost",
    google.PhoneNumberType.VOIP: "voip",
    google.PhoneNumberType.PERSONAL_NUMBER: "personal",
    google.PhoneNumberType.PAGER: "pager",
    google.PhoneNumberType.UAN: "uan",
    google.PhoneNumberType.VOICEMAIL: "voicemail",
}
VIETNAMESE_FORMS = ["", "0", "84", "+84", "0084"]
OLD_MOBILE = "120 121 122 123 124 125 126 127 128 129 162 163 164 165 166 167 168 169 186 188 199".split()

random.seed(84)


def tail(length):
    return "".join(random.choice("0123456789") for _ in range(length))


def vietnamese():
    """Every four-digit start with nine digits, and every start at which the plan changes its mind."""
    for start in range(10_000):
        # Every three-digit start in all its forms; the starts between in one.
        forms = VIETNAMESE_FORMS if start % 10 == 0 else random.sample(VIETNAMESE_FORMS, 1)
        for form in forms:
            yield f"{form}{start:04}{tail(5)}"
    for area in range(200, 300):
        for form in VIETNAMESE_FORMS:
            yield f"{form}{area}{tail(7)}"
    for old in OLD_MOBILE:
        for form in VIETNAMESE_FORMS:
            yield f"{form}{old}{tail(7)}"
    for service in ["1800", "1900", "1801", "1901", "1201", "1202", "1203", "1228", "1210", "1213", "1214", "140", "160"]:
        for length in range(2, 9):
            for form in VIETNAMESE_FORMS:
                yield f"{form}{service}{tail(length)}"
    for shared in ["199", "799", "69", "672", "65", "84"]:
        for length in range(3, 9):
            for form in VIETNAMESE_FORMS:
                yield f"{form}{shared}{tail(length)}"
    for short in ["111", "112", "113", "114", "115", "156", "5656", "1414", "1441", "199", "198", "9090", "8088", "19001"]:
        for form in VIETNAMESE_FORMS:
            yield form + short


def foreign():
    """Example numbers of every region and type, each once spoiled in a digit and once in its length."""
    examples = []
    for region in sorted(google.SUPPORTED_REGIONS):
        for kind in TYPES:
            examples.append(google.example_number_for_type(region, kind))
    for code in sorted(google.COUNTRY_CODES_FOR_NON_GEO_REGIONS):
        examples.append(google.example_number_for_non_geo_entity(code))
    for example in examples:
        if example is None:
            continue
        digits = google.format_number(example, google.PhoneNumberFormat.E164)
        yield digits
        if random.random() < 0.4:
            place = random.randrange(3, len(digits))
            yield digits[:place] + tail(1) + digits[place + 1 :]
        if random.random() < 0.2:
            yield random.choice([digits[:-1], digits + tail(1), digits[1:], "00" + digits[1:]])


def noise():
    """Digits of any length, with and without a plus."""
    for _ in range(800):
        yield random.choice(["", "", "0", "+", "00", "000"]) + tail(random.randint(1, 17))


def answer(address):
    try:
        number = google.parse(address, "VN")
    except google.NumberParseException:
        return 0, "", ""
    if not google.is_valid_number(number):
        return 0, "", ""
    kind = TYPES.get(google.number_type(number), "unknown")
    return 1, google.format_number(number, google.PhoneNumberFormat.E164).removeprefix("+"), kind


def main():
    if google.__version__ != WANTED_VERSION:
        raise SystemExit(f"phonenumbers is {google.__version__}; the record was made with {WANTED_VERSION}")
    addresses = sorted({*vietnamese(), *foreign(), *noise()})
    with pathlib.Path(__file__).with_suffix(".csv").open("w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["address", "is_valid", "e164", "type"])
        for address in addresses:
            rows.writerow([address, *answer(address)])


main()
