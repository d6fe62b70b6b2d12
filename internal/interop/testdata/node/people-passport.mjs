// passport-oauth2 without Express: its Strategy behind a plain server, with PKCE and
// state, and as a client from before RFC 7636 with neither.
import assert from 'node:assert/strict'
import http from 'node:http'
import OAuth2Strategy from 'passport-oauth2'
import { authorize, base, good, parameters, person, planner, secret, veteran } from './people.mjs'

class Strategy extends OAuth2Strategy {
  authorizationParams({ prompt }) {
    return prompt ? { ...parameters, prompt } : { ...parameters } // the library adds to it
  }
}

for (const [to, options, scope] of [
  [planner, { pkce: true, state: true }, ['profile', 'notes.read', 'offline_access']],
  [veteran, {}, undefined],
]) {
  const strategy = new Strategy({
    authorizationURL: authorize, tokenURL: `${base}/oauth/token`, clientID: to.id, clientSecret: secret, callbackURL: to.redirect, scope, ...options,
  }, (accessToken, refreshToken, results, profile, done) => done(null, { accessToken, refreshToken, results }))
  const session = {}
  const server = http.createServer((request, response) => {
    const once = Object.create(strategy)
    request.session = session
    request.query = Object.fromEntries(new URL(request.url, to.redirect).searchParams)
    once.redirect = (url) => response.writeHead(302, { Location: url }).end()
    once.success = (user) => response.end(JSON.stringify(user))
    once.fail = (challenge, status) => response.writeHead(status ?? 401).end(JSON.stringify(challenge))
    once.error = (error) => response.writeHead(500).end(`${error.stack}\n${JSON.stringify(error)}`)
    once.authenticate(request, { prompt: request.query.prompt })
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const app = `http://127.0.0.1:${server.address().port}`
  const begin = async (query = '') => (await fetch(`${app}/login${query}`, { redirect: 'manual' })).headers.get('location')
  const back = async (url) => fetch(app + url.pathname + url.search)

  const no = await back(await person(await begin('?prompt=consent'), { decision: 'deny' }))
  assert.equal(no.status, 401, await no.text())

  const yes = await back(await person(await begin()))
  const said = await yes.text()
  assert.equal(yes.status, 200, said)
  const user = JSON.parse(said)
  assert.equal(user.results.token_type.toLowerCase(), 'bearer')
  await good(user.accessToken)

  // Its own client refreshes.
  const next = await new Promise((resolve, reject) => strategy._oauth2.getOAuthAccessToken(user.refreshToken, { grant_type: 'refresh_token' },
    (error, accessToken, refreshToken) => error ? reject(error) : resolve({ accessToken, refreshToken })))
  await good(next.accessToken)
  assert.ok(next.refreshToken && next.refreshToken !== user.refreshToken)
  server.close()
}
