"""Authlib and joserfc, which took over its JOSE, check the tokens of the three
systems with the keys that each publishes, as an API that is written in Python
would."""

import time
import warnings

import requests
from authlib.deprecate import AuthlibDeprecationWarning
from authlib.oauth2.rfc6750 import InvalidTokenError
from authlib.oauth2.rfc9068 import JWTBearerTokenValidator
from joserfc import jwt
from joserfc.errors import ExpiredTokenError, InvalidKeyIdError
from joserfc.jwk import KeySet

from system import name, production, staging


def token(to):
    fields = {"grant_type": "client_credentials", "client_id": to.client_id, "client_secret": to.secret, **to.parameters}
    return requests.post(to.token_url, data=fields).json()["access_token"]


def keys(to):
    return requests.get(to.issuer.rstrip("/") + "/.well-known/jwks.json").json()


algorithm = "ES256" if name == "fitness" else "RS256"
expected = {
    "timeback": {"sub": staging.client_id, "token_use": "access", "client_id": staging.client_id},
    "fitness": {"sub": staging.client_id, "client_id": staging.client_id, "aud": staging.api},
    "studyteam": {"sub": staging.client_id + "@clients", "azp": staging.client_id, "aud": staging.parameters.get("audience")},
}[name]
wanted = {claim: {"essential": True, "value": value} for claim, value in {"iss": staging.issuer, **expected}.items()}

issued = token(staging)
decoded = jwt.decode(issued, KeySet.import_key_set(keys(staging)), algorithms=[algorithm])
jwt.JWTClaimsRegistry(exp={"essential": True}, **wanted).validate(decoded.claims)
assert decoded.claims["exp"] - decoded.claims["iat"] == (900 if name == "studyteam" else 3600)


def refused(error, check):
    try:
        check()
    except error:
        return
    raise AssertionError("accepted")


# What has ended is refused: the same token, later.
later = jwt.JWTClaimsRegistry(now=lambda: decoded.claims["exp"] + 1, **wanted)
refused(ExpiredTokenError, lambda: later.validate(decoded.claims))

# A token of production is of other keys.
refused(InvalidKeyIdError, lambda: jwt.decode(token(production), KeySet.import_key_set(keys(staging)), algorithms=[algorithm]))

# Authlib's older module, which much code still imports.
with warnings.catch_warnings():
    warnings.simplefilter("ignore", AuthlibDeprecationWarning)
    from authlib.jose import JsonWebKey, JsonWebToken

    claims = JsonWebToken([algorithm]).decode(issued, JsonWebKey.import_key_set(keys(staging)), claims_options=wanted)
    claims.validate()

# Its check for APIs; the plain dialect has the tokens that it is for.
if name == "fitness":
    class Validator(JWTBearerTokenValidator):
        def get_jwks(self):
            return KeySet.import_key_set(keys(staging))

    validator = Validator(issuer=staging.issuer, resource_server=staging.api)
    validator.validate_token(validator.authenticate_token(issued), ["read:moves"], None)
    refused(InvalidTokenError, lambda: validator.validate_token(validator.authenticate_token(token(production)), ["read:moves"], None))
