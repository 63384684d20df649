"""verify.py <message> <name> <record>: whether dkimpy takes the mail's signature for good, if the DNS has that one record."""

import json
import sys

import dkim

path, name, record = sys.argv[1:]
asked = []


def look_up(wanted, timeout=5):
    wanted = wanted.decode() if isinstance(wanted, bytes) else wanted
    asked.append(wanted.rstrip("."))
    return record.encode() if wanted.rstrip(".") == name else None


with open(path, "rb") as file:
    message = file.read()
verifier = dkim.DKIM(message, minkey=1024)
try:
    good = verifier.verify(dnsfunc=look_up)
except dkim.DKIMException:
    good = False
fields = [field.decode().lower() for field, _ in (verifier.signed_headers or [])]
print(json.dumps({"good": good, "asked": asked, "signed": fields}))
