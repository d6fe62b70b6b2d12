// axios 0.21, which old templates pin: an object under the header of a form is
// sent as the text of a JSON object. Our answer says so; with URLSearchParams,
// as its documentation then advised, all goes well.
import assert from 'node:assert/strict'
import axios from 'axios-0.21'
import { scenario } from './scenario.mjs'
import { parameters, staging, style } from './system.mjs'

const form = { headers: { 'Content-Type': 'application/x-www-form-urlencoded' } }

function request(to, scope) {
  const fields = { grant_type: 'client_credentials', ...parameters(to, scope) }
  if (style === 'basic') return [fields, { ...form, auth: { username: to.clientId, password: to.secret } }]
  return [{ ...fields, client_id: to.clientId, client_secret: to.secret }, form]
}

const [fields, config] = request(staging)
const mistake = await axios.post(staging.tokenURL, fields, config).then(() => assert.fail('JSON was taken for a form'), (error) => error)
assert.ok(axios.isAxiosError(mistake), mistake)
assert.equal(mistake.config.data, JSON.stringify(fields)) // it is the mistake that we mean
assert.equal(mistake.response.status, 400)
assert.equal(mistake.response.data.error, 'invalid_request')
assert.match(mistake.response.data.error_description, /the body is JSON but Content-Type says form/)

await scenario({
  async token(to, scope) {
    const [fields, config] = request(to, scope)
    const response = await axios.post(to.tokenURL, new URLSearchParams(fields), config)
    return response.data.access_token
  },

  async call(token, url, { method, body }) {
    const headers = { Authorization: `Bearer ${token}` }
    const response = await axios.request({ url, method, data: body, headers, validateStatus: () => true })
    return { status: response.status, challenge: response.headers['www-authenticate'], data: response.data }
  },

  refusal(error) {
    if (!axios.isAxiosError(error)) throw error
    return { status: error.response.status, error: error.response.data.error }
  },
})
