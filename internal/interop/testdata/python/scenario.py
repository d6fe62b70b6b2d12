"""What every library is put through. A program brings its library's way to do
three things:

token(environment, scope)   a token as the library keeps it, or its own error
call(token, method, url, body)   the response to a call of the API
refusal(error)   what the library's own error calls the refusal
"""

from system import first_call, name, narrowing, production, refused_secret, staging, wrong_secret


def scenario(token, call, own_error, refusal):
    def call_first(t):
        return call(t, first_call.method, staging.api + first_call.path, first_call.body)

    def good(t):
        response = call_first(t)
        assert response.status_code == 200, response.text
        assert first_call.check(response.json()), response.text

    def invalid(t):
        response = call_first(t)
        assert response.status_code == 401, response.text
        assert 'error="invalid_token"' in response.headers["WWW-Authenticate"]

    def refused(environment, scope=None):
        try:
            token(environment, scope)
        except own_error as error:
            return refusal(error)
        raise AssertionError("a token was issued")

    one = token(staging, None)
    good(one)
    assert one["token_type"] == "Bearer"
    assert one["expires_in"] == (900 if name == "studyteam" else 3600)

    got = refused(wrong_secret)
    assert got == refused_secret, got

    two = token(staging, None)
    assert one["access_token"] != two["access_token"]
    good(two)
    good(one)  # a new token does not end an earlier one

    invalid({**one, "access_token": damaged(one["access_token"])})
    invalid(token(production, None))

    if narrowing is None:
        return
    narrow = token(staging, narrowing.scope)
    good(narrow)
    response = call(narrow, "GET", staging.api + narrowing.closed, None)
    assert response.status_code == 403, response.text
    assert 'error="insufficient_scope"' in response.headers["WWW-Authenticate"]
    assert narrowing.needs in response.headers["WWW-Authenticate"]
    got = refused(staging, "read:nothing")
    assert got == "invalid_scope", got


def damaged(token):
    """One character in the middle of the signature is another one."""
    at = token.rindex(".") + 20
    return token[:at] + ("B" if token[at] == "A" else "A") + token[at + 1:]
