"""The customers, as the agent may see them. A real one would ask the CRM here."""

import json
from pathlib import Path
from typing import Any

CUSTOMERS = Path(__file__).with_name("customers.json")


def lookup_customer(email_or_number: str) -> dict[str, Any]:
    wanted = email_or_number.strip().casefold()
    for customer in json.loads(CUSTOMERS.read_text("utf-8")):
        if wanted in (customer["email"].casefold(), customer["number"].casefold()):
            return {"found": True, **customer}
    return {"found": False}
