"""A small web shop: it shows its goods, and which release and which OpenSSL served the page."""

import json
import os
import ssl
from pathlib import Path

from flask import Flask, Response, abort, jsonify, render_template

GOODS = json.loads((Path(__file__).parent / "goods.json").read_text(encoding="utf-8"))

app = Flask(__name__)


def served_by() -> dict[str, str]:
    """What a person, or a load generator, wants to know about who answered."""
    return {
        "release": os.environ.get("REPAVE_RELEASE", "none"),
        "instance": os.environ.get("REPAVE_INSTANCE", "none"),
        "zone": os.environ.get("REPAVE_ZONE", "none"),
        "openssl": ssl.OPENSSL_VERSION,
        "greeting": os.environ.get("GREETING", "Good morning"),
    }


@app.after_request
def name_release(response: Response) -> Response:
    """Every answer says which release gave it."""
    response.headers["X-Release"] = os.environ.get("REPAVE_RELEASE", "none")
    return response


@app.get("/")
def front_page() -> str:
    """The goods."""
    return render_template("shop.html", goods=GOODS, by=served_by())


@app.get("/goods/<int:number>")
def one_of_the_goods(number: int) -> str:
    """One of them."""
    chosen = [goods for goods in GOODS if goods["number"] == number]
    if not chosen:
        abort(404)
    return render_template("shop.html", goods=chosen, by=served_by())


@app.get("/version")
def version() -> Response:
    """Who answers, for programs."""
    return jsonify(served_by())


@app.get("/healthz")
def healthz() -> tuple[str, int]:
    """Well when it can show what it sells."""
    return ("well", 200) if GOODS else ("nothing to sell", 503)
