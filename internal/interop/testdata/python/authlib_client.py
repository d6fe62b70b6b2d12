"""Authlib: its session, which renews a token by itself, and its check of a token
of RFC 9068."""

import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc8414 import get_well_known_url
from authlib.oidc.discovery import get_well_known_url as get_openid_url

from scenario import scenario
from system import first_call, name, staging, style

method = "client_secret_basic" if style == "basic" else "client_secret_post"

# Metadata, by both rules.
metadata = requests.get(get_well_known_url(staging.issuer, external=True)).json()
assert metadata == requests.get(get_openid_url(staging.issuer, external=True)).json()
assert metadata["issuer"] == staging.issuer
assert metadata["token_endpoint"] == staging.token_url
assert method in metadata["token_endpoint_auth_methods_supported"]


def session(to, **more):
    return OAuth2Session(to.client_id, to.secret, token_endpoint_auth_method=method, **more)


def token(to, scope):
    return session(to, scope=scope).fetch_token(to.token_url, grant_type="client_credentials", **to.parameters)


def call(token, method, url, body):
    return session(staging, token=token).request(method, url, data=body)


def refusal(error):
    assert error.description, "an explanation"
    return error.error


scenario(token, call, OAuthError, refusal)

# A session whose token has ended asks for the next one by itself, where the
# token endpoint needs no more than the credentials.
if name != "studyteam":
    ended = {**token(staging, None), "access_token": "ended", "expires_at": 1}
    renewing = session(staging, token=ended, token_endpoint=staging.token_url, grant_type="client_credentials")
    response = renewing.request(first_call.method, staging.api + first_call.path)
    assert response.status_code == 200, response.text
    assert renewing.token["access_token"] != "ended"
