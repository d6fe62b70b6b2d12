// oauth4webapi 3: the steps one by one, each with the library's own checks.
import assert from 'node:assert/strict'
import * as oauth from 'oauth4webapi'
import { authorize, dialect, good, issuer, parameters, person, planner, secret } from './people.mjs'

const insecure = { [oauth.allowInsecureRequests]: true }
const as = await oauth.processDiscoveryResponse(new URL(issuer), await oauth.discoveryRequest(new URL(issuer), insecure))
assert.equal(as.authorization_endpoint, authorize)
assert.equal(as.authorization_response_iss_parameter_supported, true)
assert.deepEqual(as.code_challenge_methods_supported, ['S256'])
const client = { client_id: planner.id }

for (const proof of [oauth.ClientSecretBasic(secret), oauth.ClientSecretPost(secret)]) {
  const verifier = oauth.generateRandomCodeVerifier()
  const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()]
  const url = new URL(as.authorization_endpoint)
  for (const [name, value] of Object.entries({
    ...parameters, client_id: planner.id, redirect_uri: planner.redirect, response_type: 'code', state, nonce,
    scope: 'openid email offline_access notes.read', code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256',
  })) url.searchParams.set(name, value)
  const back = await person(url.href)
  assert.throws(() => oauth.validateAuthResponse({ ...as, issuer: 'https://another.example' }, client, back, state)) // RFC 9207
  const callback = oauth.validateAuthResponse(as, client, back, state)

  const exchange = () => oauth.authorizationCodeGrantRequest(as, client, proof, callback, planner.redirect, verifier, insecure)
  const response = await exchange()
  const tokens = await oauth.processAuthorizationCodeResponse(as, client, response, { expectedNonce: nonce, requireIdToken: true })
  await oauth.validateApplicationLevelSignature(as, response, insecure)
  const claims = oauth.getValidatedIdTokenClaims(tokens)
  await good(tokens.access_token)

  const info = await oauth.processUserInfoResponse(as, client, claims.sub, await oauth.userInfoRequest(as, client, tokens.access_token, insecure))
  assert.equal(info.email, 'anna@example.org')
  assert.equal(info.email_verified, true)

  const next = await oauth.processRefreshTokenResponse(as, client, await oauth.refreshTokenGrantRequest(as, client, proof, tokens.refresh_token, insecure))
  await good(next.access_token)
  if (dialect === 'rfc') {
    const request = new Request(issuer, { headers: { Authorization: `Bearer ${next.access_token}` } })
    const said = await oauth.validateJwtAccessToken(as, request, 'https://notes.example', insecure)
    assert.equal(said.sub, claims.sub)
    assert.equal(said.client_id, planner.id)
  }

  // The code a second time: refused, and what it stood for has ended.
  const replayed = async (answer, process) => {
    try {
      await process(as, client, answer)
    } catch (error) {
      assert.ok(error instanceof oauth.ResponseBodyError, error)
      assert.equal(error.error, 'invalid_grant')
      return
    }
    assert.fail('tokens were issued')
  }
  await replayed(await exchange(), oauth.processAuthorizationCodeResponse)
  await replayed(await oauth.refreshTokenGrantRequest(as, client, proof, next.refresh_token, insecure), oauth.processRefreshTokenResponse)
}
