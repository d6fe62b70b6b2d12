// openid-client 6: configured by discovery, from the issuer alone.
import assert from 'node:assert/strict'
import * as client from 'openid-client'
import { scenario } from './scenario.mjs'
import { parameters, staging, style } from './system.mjs'

function configure(to, algorithm) {
  const proof = style === 'basic' ? client.ClientSecretBasic(to.secret) : client.ClientSecretPost(to.secret)
  return client.discovery(new URL(to.issuer), to.clientId, undefined, proof, { algorithm, execute: [client.allowInsecureRequests] })
}

for (const algorithm of ['oauth2', 'oidc']) {
  const metadata = (await configure(staging, algorithm)).serverMetadata()
  assert.equal(metadata.issuer, staging.issuer)
  assert.equal(metadata.token_endpoint, staging.tokenURL)
}
const calling = await configure(staging, 'oauth2')

await scenario({
  async token(to, scope) {
    const result = await client.clientCredentialsGrant(await configure(to, 'oauth2'), parameters(to, scope))
    assert.equal(result.token_type, 'bearer') // as the library spells it
    assert.ok(result.expiresIn() > 890)
    return result.access_token
  },

  async call(token, url, { method, body }) {
    try {
      const response = await client.fetchProtectedResource(calling, token, new URL(url), method, body)
      return { status: response.status, data: await response.json() }
    } catch (error) {
      if (!(error instanceof client.WWWAuthenticateChallengeError)) throw error
      return { status: error.status, challenge: error.cause }
    }
  },

  // A challenge comes before the body with this library: it has one error for
  // 401 and another for 400.
  async refusal(error) {
    if (error instanceof client.WWWAuthenticateChallengeError) {
      assert.equal(error.code, 'OAUTH_WWW_AUTHENTICATE_CHALLENGE')
      return { status: error.status, error: (await error.response.json()).error }
    }
    if (!(error instanceof client.ResponseBodyError)) throw error
    assert.equal(error.code, 'OAUTH_RESPONSE_BODY_ERROR')
    return { status: error.status, error: error.error }
  },
})
