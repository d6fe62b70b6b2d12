"""A token, calls with it, and its renewal, with Python's own library:

    python3 recipe.py call    one call
    python3 recipe.py job     a scheduled job: one batch, and a status for the scheduler
    python3 recipe.py sync    a data sync: page after page with one token

TOKEN_URL, API_URL, CLIENT_ID, CLIENT_SECRET and, where it is needed, SCOPE come from
the environment.
"""

import datetime
import json
import os
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request


class Stop(Exception):
    """A person has to mend something."""


class Later(Exception):
    """It is nobody's fault; come back."""


class Tokens:
    """One token for all threads: one of them asks, the others wait for it."""

    def __init__(self):
        self.lock = threading.Lock()
        self.value, self.renew_at = None, 0.0

    def get(self, bad=None):
        """Returns one that lives, and is not the one that the API called bad."""
        with self.lock:
            if self.value is None or self.value == bad or time.monotonic() >= self.renew_at:
                began = time.monotonic()
                answer = self.ask()
                lives = float(answer.get("expires_in") or 300)
                self.value, self.renew_at = answer["access_token"], began + lives * 0.8  # a fifth is left then
            return self.value

    @staticmethod
    def ask():
        form = {
            "grant_type": "client_credentials",
            "client_id": os.environ["CLIENT_ID"],
            "client_secret": os.environ["CLIENT_SECRET"],
        }
        if os.environ.get("SCOPE"):
            form["scope"] = os.environ["SCOPE"]
        status, body = send(urllib.request.Request(os.environ["TOKEN_URL"], urllib.parse.urlencode(form).encode()))
        try:
            answer = json.loads(body)
        except ValueError:  # a page of some proxy is no answer
            answer = {}
        if status != 200 or not answer.get("access_token"):
            raise Stop(f"no token: status {status}, {answer.get('error')}: {answer.get('error_description')}")
        return answer


tokens = Tokens()


def api(method, path, body=None):
    """Makes a call and returns what its answer holds."""

    def call(token):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(os.environ["API_URL"] + path, data, method=method)
        request.add_header("Content-Type", "application/json")
        request.add_unredirected_header("Authorization", f"Bearer {token}")  # a redirect does not take it along
        return send(request)

    used = tokens.get()
    status, answer = call(used)
    if status == 401:  # the token is bad: another one, once. A 403 is not about the token
        status, answer = call(tokens.get(bad=used))
    if not 200 <= status < 300:
        raise Stop(f"{method} {path}: status {status}")
    return json.loads(answer)


def send(request):
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        if error.code == 429 or error.code >= 500:
            wait = error.headers.get("Retry-After", "some")
            raise Later(f"{request.full_url} is busy ({error.code}), for {wait} seconds") from None
        return error.code, error.read()
    except OSError as error:
        raise Later(f"{request.full_url} does not answer: {error}") from None


def one_call():
    print(json.dumps(api("GET", "/moves?limit=1")))


def job():
    measured = {"account_id": "account-001", "measured_on": datetime.date.today().isoformat(), "weight_kg": 70.5}
    print("stored", api("POST", "/biometrics", measured)["id"])


def sync():
    offset, total = 0, 1
    while offset < total:
        page = api("GET", f"/moves?limit=50&offset={offset}")
        for move in page["items"]:
            print(json.dumps(move))
        offset, total = offset + 50, page["total"]


if __name__ == "__main__":
    try:
        uses = {"call": one_call, "job": job, "sync": sync}
        if sys.argv[1:] not in [[name] for name in uses]:
            raise Stop("say call, job or sync")
        uses[sys.argv[1]]()
    except (Stop, Later) as error:
        print(f"recipe: {error}", file=sys.stderr)
        sys.exit(75 if isinstance(error, Later) else 1)  # 75 is EX_TEMPFAIL: the scheduler comes back
