// oauth4webapi 3: metadata by both rules, the token, the call, and its own check
// of a JWT of RFC 9068.
import assert from 'node:assert/strict'
import * as oauth from 'oauth4webapi'
import { scenario } from './scenario.mjs'
import { name, parameters, production, staging, style } from './system.mjs'

const insecure = { [oauth.allowInsecureRequests]: true }

async function discover(to, algorithm) {
  const issuer = new URL(to.issuer)
  const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { algorithm, ...insecure }))
  assert.equal(as.token_endpoint, to.tokenURL)
  assert.deepEqual(as.grant_types_supported, ['client_credentials'])
  assert.ok(as.token_endpoint_auth_methods_supported.includes(style === 'basic' ? 'client_secret_basic' : 'client_secret_post'))
  return as
}

const servers = new Map() // by issuer
for (const to of [staging, production]) {
  const as = await discover(to, 'oauth2') // RFC 8414
  assert.deepEqual(await discover(to, 'oidc'), as) // OpenID Connect Discovery
  servers.set(to.issuer, as)
}

// The resource's metadata leads from the API to its authorization server
// (RFC 9728).
const [identifier] = servers.get(staging.issuer).protected_resources
const resource = await oauth.processResourceDiscoveryResponse(
  new URL(identifier), await oauth.resourceDiscoveryRequest(new URL(identifier), insecure))
assert.deepEqual(resource.authorization_servers, [staging.issuer])

async function token(to, scope) {
  const as = servers.get(to.issuer)
  const client = { client_id: to.clientId }
  const proof = style === 'basic' ? oauth.ClientSecretBasic(to.secret) : oauth.ClientSecretPost(to.secret)
  const response = await oauth.clientCredentialsGrantRequest(as, client, proof, new URLSearchParams(parameters(to, scope)), insecure)
  const result = await oauth.processClientCredentialsResponse(as, client, response)
  assert.equal(result.token_type, 'bearer') // as the library spells it
  return result.access_token
}

await scenario({
  token,

  async call(token, url, { method, body }) {
    try {
      const response = await oauth.protectedResourceRequest(token, method, new URL(url), new Headers(), body, insecure)
      return { status: response.status, data: await response.json() }
    } catch (error) {
      if (!(error instanceof oauth.WWWAuthenticateChallengeError)) throw error
      assert.equal(error.cause[0].scheme, 'bearer')
      return { status: error.status, challenge: error.cause }
    }
  },

  // A challenge comes before the body with this library: it has one error for
  // 401 and another for 400.
  async refusal(error) {
    if (error instanceof oauth.WWWAuthenticateChallengeError) {
      assert.equal(error.cause[0].scheme, 'basic')
      return { status: error.status, error: (await error.response.json()).error }
    }
    if (!(error instanceof oauth.ResponseBodyError)) throw error
    assert.ok(error.error_description, 'an explanation')
    return { status: error.status, error: error.error }
  },
})

// Only the plain dialect has tokens of RFC 9068; jose.mjs checks the others.
if (name === 'fitness') {
  const as = servers.get(staging.issuer)
  const request = (t) => new Request(`${staging.api}/moves`, { headers: { Authorization: `Bearer ${t}` } })
  const claims = await oauth.validateJwtAccessToken(as, request(await token(staging, 'read:moves')), identifier, insecure)
  assert.equal(claims.client_id, staging.clientId)
  assert.equal(claims.scope, 'read:moves')
  await assert.rejects(oauth.validateJwtAccessToken(as, request(await token(production)), identifier, insecure), oauth.OperationProcessingError)
}
