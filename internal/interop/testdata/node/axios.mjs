// axios 1: an object under the header of a form is sent as a form, and without
// that header as JSON.
import assert from 'node:assert/strict'
import axios from 'axios'
import { scenario } from './scenario.mjs'
import { name, parameters, style } from './system.mjs'

assert.match(axios.VERSION, /^1\./)

await scenario({
  async token(to, scope) {
    const data = { grant_type: 'client_credentials', ...parameters(to, scope) }
    const config = {}
    if (name !== 'studyteam') config.headers = { 'Content-Type': 'application/x-www-form-urlencoded' }
    if (style === 'basic') config.auth = { username: to.clientId, password: to.secret }
    else Object.assign(data, { client_id: to.clientId, client_secret: to.secret })
    const response = await axios.post(to.tokenURL, data, config)
    return response.data.access_token
  },

  async call(token, url, { method, body }) {
    const headers = { Authorization: `Bearer ${token}` }
    if (body) headers['Content-Type'] = 'text/plain'
    const response = await axios.request({ url, method, data: body, headers, validateStatus: () => true })
    return { status: response.status, challenge: response.headers['www-authenticate'], data: response.data }
  },

  refusal(error) {
    if (!axios.isAxiosError(error)) throw error
    assert.equal(error.code, 'ERR_BAD_REQUEST')
    assert.ok(error.response.data.error_description, 'an explanation')
    return { status: error.response.status, error: error.response.data.error }
  },
})
