// openid-client 6: discovery, PKCE, the ID token, UserInfo, refresh, revocation and
// the way out, with each way to authenticate.
import assert from 'node:assert/strict'
import * as client from 'openid-client'
import { authorize, ended, good, issuer, parameters, person, planner, pocket, secret } from './people.mjs'

for (const [to, proof] of [
  [planner, client.ClientSecretBasic(secret)],
  [planner, client.ClientSecretPost(secret)],
  [pocket, client.None()],
]) {
  const config = await client.discovery(new URL(issuer), to.id, undefined, proof, { execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks] })
  assert.ok(config.serverMetadata().supportsPKCE())
  const browser = `openid-client ${to.id}`

  // ask sends the person there and back.
  const ask = async (more = {}, how = {}) => {
    const checks = { pkceCodeVerifier: client.randomPKCECodeVerifier(), expectedState: client.randomState(), expectedNonce: client.randomNonce(), idTokenExpected: true }
    const url = client.buildAuthorizationUrl(config, {
      redirect_uri: to.redirect, scope: 'openid profile offline_access notes.read', state: checks.expectedState, nonce: checks.expectedNonce,
      code_challenge: await client.calculatePKCECodeChallenge(checks.pkceCodeVerifier), code_challenge_method: 'S256', ...parameters, ...more,
    })
    assert.equal(url.origin + url.pathname, authorize)
    return { back: await person(url.href, { browser, ...how }), checks }
  }
  const signIn = async (more) => {
    const { back, checks } = await ask(more)
    assert.ok(back.href.startsWith(`${to.redirect}?`), back.href)
    return client.authorizationCodeGrant(config, back, { ...checks, maxAge: more?.max_age })
  }

  // The library reads a refusal out of the redirect, and checks who sent it.
  const denied = await ask({ prompt: 'consent' }, { decision: 'deny' })
  await assert.rejects(client.authorizationCodeGrant(config, denied.back, denied.checks), (error) => error instanceof client.AuthorizationResponseError && error.error === 'access_denied')

  const tokens = await signIn({ max_age: 3600, prompt: 'consent' })
  const claims = tokens.claims()
  assert.equal(tokens.token_type, 'bearer') // as the library spells it
  assert.equal(claims.iss, issuer)
  assert.ok(claims.auth_time > 0)
  await good(tokens.access_token)
  const info = await client.fetchUserInfo(config, tokens.access_token, claims.sub)
  assert.equal(info.name, 'Anna Arends')

  // Again, in the same session: nobody is asked, unless any program could be this one.
  if (to === pocket) {
    const again = await ask({ prompt: 'none' })
    await assert.rejects(client.authorizationCodeGrant(config, again.back, again.checks), (error) => error.error === 'consent_required')
  } else {
    assert.equal((await signIn({ prompt: 'none' })).claims().sub, claims.sub)
  }

  const next = await client.refreshTokenGrant(config, tokens.refresh_token)
  assert.notEqual(next.access_token, tokens.access_token)
  assert.equal(next.claims().sub, claims.sub)
  await good(next.access_token)
  const less = await client.refreshTokenGrant(config, next.refresh_token, { scope: 'notes.read' })
  await good(less.access_token)

  await client.tokenRevocation(config, less.refresh_token)
  await ended(less.access_token)
  await assert.rejects(client.refreshTokenGrant(config, less.refresh_token), (error) => error instanceof client.ResponseBodyError && error.error === 'invalid_grant')

  if (!to.afterwards) continue
  const bye = await person(client.buildEndSessionUrl(config, { post_logout_redirect_uri: to.afterwards, id_token_hint: tokens.id_token, state: 'of the way out' }).href, { browser })
  assert.equal(bye.href, `${to.afterwards}?state=of+the+way+out`)
  const nobody = await ask({ prompt: 'none' })
  await assert.rejects(client.authorizationCodeGrant(config, nobody.back, nobody.checks), (error) => error.error === 'login_required')
}
