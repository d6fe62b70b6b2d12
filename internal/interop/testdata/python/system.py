"""What a partner of one of the three systems has been told, as the server wrote
it into its file of exports, and a first call of the API."""

import os
from types import SimpleNamespace

name = os.environ["SYSTEM"]
style = os.environ["STYLE"]  # basic or body


def _environment(suffix):
    def of(variable):
        return os.environ.get(f"{name.upper()}_{variable}{suffix}")

    one = of("URL")
    return SimpleNamespace(
        token_url=f"{one}/oauth/token" if one else f"{of('AUTH_URL')}/oauth2/token",
        issuer=f"{one}/" if one else of("AUTH_URL"),  # exactly as tokens and metadata say it
        api=one or of("API_URL"),
        client_id=of("CLIENT_ID"),
        secret=of("CLIENT_SECRET"),
        parameters={"audience": of("AUDIENCE")} if one else {},
    )


staging = _environment("")
production = _environment("_PRODUCTION")
wrong_secret = SimpleNamespace(**{**vars(staging), "secret": "not_the_secret"})

first_call = {
    "timeback": SimpleNamespace(
        method="GET", path="/ims/oneroster/rostering/v1p2/courses", body=None,
        check=lambda data: len(data["courses"]) > 0),
    "fitness": SimpleNamespace(
        method="GET", path="/moves", body=None,
        check=lambda data: len(data["items"]) > 0),
    "studyteam": SimpleNamespace(
        method="POST", path="/api/something", body="Body of the request",
        check=lambda data: data["received"]["text"] == "Body of the request"),
}[name]

# Where there are scopes: one that opens the first call, in a spelling that
# libraries have to encode, and a call that needs another.
_rostering = "/ims/oneroster/rostering/v1p2"
narrowing = {
    "timeback": SimpleNamespace(
        scope="https://purl.imsglobal.org/spec/or/v1p2/scope/roster-core.readonly",
        closed=_rostering + "/demographics", needs="scope/roster-demographics.readonly"),
    "fitness": SimpleNamespace(scope="read:moves", closed="/accounts", needs="read:accounts"),
}.get(name)

# What a wrong secret is called.
refused_secret = "access_denied" if name == "studyteam" else "invalid_client"
