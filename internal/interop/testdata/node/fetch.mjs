// Node's own fetch, written by hand as partners without a library do.
import assert from 'node:assert/strict'
import { scenario } from './scenario.mjs'
import { name, parameters, style } from './system.mjs'

class TokenError extends Error {}

await scenario({
  async token(to, scope) {
    const fields = { grant_type: 'client_credentials', ...parameters(to, scope) }
    const headers = {}
    if (style === 'basic') headers.authorization = 'Basic ' + btoa(`${to.clientId}:${to.secret}`)
    else Object.assign(fields, { client_id: to.clientId, client_secret: to.secret })
    // StudyTeam's guide sends JSON; the others send a form.
    if (name === 'studyteam') headers['content-type'] = 'application/json'
    const body = name === 'studyteam' ? JSON.stringify(fields) : new URLSearchParams(fields)
    const response = await fetch(to.tokenURL, { method: 'POST', headers, body })
    const data = await response.json()
    if (!response.ok) throw Object.assign(new TokenError(data.error_description), { status: response.status, error: data.error })
    assert.equal(data.token_type, 'Bearer')
    assert.equal(data.expires_in, name === 'studyteam' ? 900 : 3600)
    return data.access_token
  },

  async call(token, url, { method, body }) {
    const response = await fetch(url, { method, body, headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' } })
    return { status: response.status, challenge: response.headers.get('www-authenticate'), data: await response.json() }
  },

  refusal(error) {
    if (!(error instanceof TokenError)) throw error
    assert.ok(error.message, 'an explanation')
    return { status: error.status, error: error.error }
  },
})
