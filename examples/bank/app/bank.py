"""A bank's calculator of loans: it keeps nothing, and says which release and which OpenSSL answered."""

import json
import os
import ssl
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

PORT = 8080
MONTHS_A_YEAR = 12


def instalment(amount: float, percent: float, years: int) -> float:
    """What is paid each month, so that after these years nothing is owed; ``percent`` is the interest of a year."""
    months = years * MONTHS_A_YEAR
    rate = percent / 100 / MONTHS_A_YEAR
    return amount / months if rate == 0 else amount * rate / (1 - (1 + rate) ** -months)


def served_by() -> dict[str, str]:
    """Who answers."""
    return {
        "release": os.environ.get("REPAVE_RELEASE", "none"),
        "openssl": ssl.OPENSSL_VERSION,
        "branch": os.environ.get("BRANCH", "nowhere"),
    }


class Bank(BaseHTTPRequestHandler):
    """``/loan?amount=&percent=&years=``, ``/version`` and ``/healthz``, all of them JSON."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer, or say what was asked wrongly."""
        asked = urlsplit(self.path)
        if asked.path == "/healthz":
            self.answer(HTTPStatus.OK, {"health": "well"})
        elif asked.path == "/version":
            self.answer(HTTPStatus.OK, served_by())
        elif asked.path == "/loan":
            self.loan({name: values[0] for name, values in parse_qs(asked.query).items()})
        else:
            self.answer(HTTPStatus.NOT_FOUND, {"error": "ask for /loan, /version or /healthz"})

    def loan(self, query: dict[str, str]) -> None:
        """The instalment of one loan."""
        try:
            each_month = instalment(float(query["amount"]), float(query["percent"]), int(query["years"]))
        except (KeyError, ValueError, ArithmeticError):
            self.answer(HTTPStatus.BAD_REQUEST, {"error": "amount, percent and years are numbers"})
        else:
            self.answer(HTTPStatus.OK, {"each_month": round(each_month, 2)})

    def answer(self, status: HTTPStatus, content: object) -> None:
        """One JSON document."""
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    ThreadingHTTPServer(("", PORT), Bank).serve_forever()
