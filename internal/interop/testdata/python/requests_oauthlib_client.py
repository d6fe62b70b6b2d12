"""requests-oauthlib: its session for a back end, with both ways to send the
secret."""

import warnings

from oauthlib.oauth2 import AccessDeniedError, BackendApplicationClient, InvalidClientError, InvalidScopeError, OAuth2Error
from requests_oauthlib import OAuth2Session

from scenario import scenario
from system import staging, style

warnings.simplefilter("error")


def session(to, scope=None, token=None):
    return OAuth2Session(client=BackendApplicationClient(client_id=to.client_id, scope=scope and scope.split()), token=token)


def sent_in_style(response):
    assert ("Authorization" in response.request.headers) == (style == "basic")
    assert ("client_secret=" in response.request.body) == (style == "body")
    return response


def token(to, scope):
    asking = session(to, scope)
    asking.register_compliance_hook("access_token_response", sent_in_style)
    return asking.fetch_token(
        to.token_url, client_secret=to.secret, include_client_id=style == "body" or None, **to.parameters)


def call(token, method, url, body):
    return session(staging, token=token).request(method, url, data=body)


def refusal(error):
    of = {"invalid_client": InvalidClientError, "invalid_scope": InvalidScopeError, "access_denied": AccessDeniedError}
    assert type(error) is of[error.error], error
    assert error.description, "an explanation"
    return error.error


scenario(token, call, OAuth2Error, refusal)
