"""What an application has been told that signs people in, as the test passes it,
and a person who does what the pages ask for."""

import os

import requests

dialect = os.environ["DIALECT"]
issuer = os.environ["ISSUER"]  # exactly as tokens and metadata say it
base = os.environ["BASE"]
authorize = os.environ["AUTHORIZE"]
secret = os.environ["SECRET"]

planner, redirect = "planner", "https://planner.example/callback"
veteran, veteran_redirect = "veteran", "http://localhost"
pocket, pocket_redirect = "pocket", "http://127.0.0.1:49152/callback"  # any port

# What the product's clients send beside what the libraries do.
parameters = {"audience": "https://notes.example"} if dialect == "auth0" else {}


def person(address, decision="allow"):
    """The address to which the browser of a person was sent who opened this one."""
    response = requests.get(os.environ["PERSON"], params={"open": address, "decision": decision})
    assert response.status_code == 200, response.text
    return response.text


def good(session):
    """Calls the API."""
    response = session.get(base + "/notes")
    assert response.status_code == 200, response.text
    assert response.json() == {"notes": ["buy bread"]}
