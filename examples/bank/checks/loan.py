#!/usr/bin/python3
"""The calculator calculates: a loan whose instalment is known, and one that is asked for wrongly."""

import json
import os
import sys
from http import HTTPStatus
from http.client import HTTPConnection

EXPECTED = {
    "amount=200000&percent=3&years=30": (HTTPStatus.OK, {"each_month": 843.21}),
    "amount=much&percent=3&years=30": (HTTPStatus.BAD_REQUEST, {"error": "amount, percent and years are numbers"}),
}


def answer(query: str) -> tuple[int, object]:
    """Status and content."""
    connection = HTTPConnection(os.environ["REPAVE_ADDRESS"], timeout=5)
    connection.request("GET", f"/loan?{query}")
    response = connection.getresponse()
    return response.status, json.load(response)


answers = {query: answer(query) for query in EXPECTED}
for query, (status, content) in answers.items():
    print(query, status, content)
sys.exit(0 if answers == EXPECTED else 1)
