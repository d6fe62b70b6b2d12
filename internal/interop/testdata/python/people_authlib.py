"""Authlib: a session with PKCE, its check of the ID token, UserInfo, and a refresh
that it makes by itself."""

import requests
from authlib.common.security import generate_token
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.jwk import KeySet

from people import authorize, good, issuer, parameters, person, planner, pocket, pocket_redirect, redirect, secret

metadata = requests.get(issuer.rstrip("/") + "/.well-known/openid-configuration").json()
assert metadata["issuer"] == issuer
assert metadata["authorization_endpoint"] == authorize
keys = KeySet.import_key_set(requests.get(metadata["jwks_uri"]).json())

for client_id, client_secret, back_to, method in [
    (planner, secret, redirect, "client_secret_basic"),
    (planner, secret, redirect, "client_secret_post"),
    (pocket, None, pocket_redirect, "none"),
]:
    def session(**more):
        return OAuth2Session(
            client_id, client_secret, scope="openid profile offline_access notes.read", redirect_uri=back_to,
            token_endpoint=metadata["token_endpoint"], token_endpoint_auth_method=method, code_challenge_method="S256", **more)

    one, verifier, nonce = session(), generate_token(48), generate_token()
    url, state = one.create_authorization_url(authorize, code_verifier=verifier, nonce=nonce, prompt="consent", **parameters)
    assert "error=access_denied" in person(url, "deny")  # which the library leaves to the application
    back = person(url)
    assert back.startswith(back_to + "?"), back
    token = one.fetch_token(authorization_response=back, code_verifier=verifier, state=state)
    good(one)

    # What the ID token says, by the library's rules of OpenID Connect Core §3.1.3.7.
    decoded = jwt.decode(token["id_token"], keys, algorithms=["RS256"])
    claims = CodeIDToken(
        decoded.claims, decoded.header,
        {"iss": {"value": issuer}, "aud": {"value": client_id}}, {"nonce": nonce, "client_id": client_id, "access_token": token["access_token"]})
    claims.validate(leeway=10)
    info = one.get(metadata["userinfo_endpoint"]).json()
    assert info["sub"] == claims["sub"] and info["name"] == "Anna Arends", info

    # A session whose token has ended gets the next one by itself.
    kept = []
    ended = {**token, "access_token": "ended", "expires_at": 1}
    later = session(token=ended, update_token=lambda token, **_: kept.append(token))
    good(later)
    assert kept[0]["refresh_token"] not in ("", token["refresh_token"])
    good(later)

    later.revoke_token(metadata["revocation_endpoint"], kept[0]["refresh_token"])
    response = later.get(metadata["userinfo_endpoint"])
    assert response.status_code == 401, response.text
    try:
        session().refresh_token(metadata["token_endpoint"], kept[0]["refresh_token"])
        raise AssertionError("a token was issued")
    except OAuthError as error:
        assert error.error == "invalid_grant", error
