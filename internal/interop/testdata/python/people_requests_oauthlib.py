"""requests-oauthlib: with PKCE and state, and as a client from before RFC 7636; a
refresh that it makes by itself."""

from oauthlib.oauth2 import AccessDeniedError
from requests_oauthlib import OAuth2Session

from people import authorize, base, good, parameters, person, planner, redirect, secret, veteran, veteran_redirect

token_url = base + "/oauth/token"

for client_id, back_to, scope, pkce in [
    (planner, redirect, ["profile", "email", "notes.read"], "S256"),
    (veteran, veteran_redirect, None, None),
]:
    def session(**more):
        return OAuth2Session(client_id, redirect_uri=back_to, scope=scope, pkce=pkce, **more)

    one = session()
    url, _ = one.authorization_url(authorize, prompt="consent", **parameters)
    try:
        one.fetch_token(token_url, authorization_response=person(url, "deny"), client_secret=secret)
        raise AssertionError("a token was issued")
    except AccessDeniedError:
        pass

    back = person(url)
    assert back.startswith(back_to + "?"), back
    token = one.fetch_token(token_url, authorization_response=back, client_secret=secret, include_client_id=True)
    assert token["token_type"].lower() == "bearer"
    good(one)

    kept = []
    later = session(
        token={**token, "access_token": "ended", "expires_at": 1}, auto_refresh_url=token_url,
        auto_refresh_kwargs={"client_id": client_id, "client_secret": secret}, token_updater=kept.append)
    good(later)
    assert kept[0]["access_token"] != token["access_token"]
    assert kept[0]["refresh_token"] != token["refresh_token"]
