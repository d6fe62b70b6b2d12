// jose 6 checks the tokens of the three systems with the keys that each
// publishes, as an API that is written in JavaScript would.
import assert from 'node:assert/strict'
import * as jose from 'jose'
import { name, parameters, production, staging } from './system.mjs'

async function token(to) {
  const body = new URLSearchParams({ grant_type: 'client_credentials', client_id: to.clientId, client_secret: to.secret, ...parameters(to) })
  return (await (await fetch(to.tokenURL, { method: 'POST', body })).json()).access_token
}

const keys = (to) => jose.createRemoteJWKSet(new URL(`${to.issuer.replace(/\/$/, '')}/.well-known/jwks.json`))

const shape = {
  timeback: {
    header: { kid: true, alg: 'RS256' },
    options: { algorithms: ['RS256'], subject: staging.clientId, requiredClaims: ['exp', 'iat', 'jti', 'auth_time', 'scope'] },
    claims: { token_use: 'access', version: 2, client_id: staging.clientId, aud: undefined },
    lifetime: 3600,
  },
  fitness: {
    header: { kid: true, alg: 'ES256', typ: 'at+jwt' },
    options: { algorithms: ['ES256'], typ: 'at+jwt', audience: staging.api, subject: staging.clientId, requiredClaims: ['exp', 'iat', 'jti', 'scope'] },
    claims: { client_id: staging.clientId },
    lifetime: 3600,
  },
  studyteam: {
    header: { kid: true, alg: 'RS256', typ: 'JWT' },
    options: { algorithms: ['RS256'], typ: 'JWT', audience: staging.audience, subject: `${staging.clientId}@clients`, requiredClaims: ['exp', 'iat', 'jti'] },
    claims: { azp: staging.clientId, gty: 'client-credentials' },
    lifetime: 900,
  },
}[name]

const issued = await token(staging)
const { payload, protectedHeader } = await jose.jwtVerify(issued, keys(staging), { ...shape.options, issuer: staging.issuer })
assert.equal(payload.exp - payload.iat, shape.lifetime)
for (const [claim, value] of Object.entries(shape.claims)) assert.equal(payload[claim], value, claim)
assert.deepEqual({ ...protectedHeader, kid: protectedHeader.kid !== '' }, shape.header)
assert.match(issued, /^eyJraWQiOiJ/) // {"kid":"

// Tokens of production are of other keys and of another issuer.
const other = await token(production)
await assert.rejects(jose.jwtVerify(other, keys(staging)), jose.errors.JWKSNoMatchingKey)
await assert.rejects(jose.jwtVerify(other, keys(production), { issuer: staging.issuer }), jose.errors.JWTClaimValidationFailed)

// What has ended is refused: the same token, an hour later.
const later = new Date((payload.exp + 1) * 1000)
await assert.rejects(jose.jwtVerify(issued, keys(staging), { ...shape.options, currentDate: later }), jose.errors.JWTExpired)
