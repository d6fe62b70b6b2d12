// The two requests that Timeback's guide prints for JavaScript, as it prints
// them: the credentials are its placeholders, which a demonstration takes.
import assert from 'node:assert/strict'

const { TIMEBACK_AUTH_URL, TIMEBACK_API_URL } = process.env

const response = await fetch(`${TIMEBACK_AUTH_URL}/oauth2/token`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: 'YOUR_CLIENT_ID',
        client_secret: 'YOUR_CLIENT_SECRET',
    }),
})

const data = await response.json()

assert.equal(response.status, 200)
assert.deepEqual(Object.keys(data), ['access_token', 'expires_in', 'token_type'])
assert.match(data.access_token, /^eyJraWQiOiJ/) // the guide's begins with eyJraWQiOiJ: kid comes first
assert.equal(data.expires_in, 3600)
assert.equal(data.token_type, 'Bearer')
const accessToken = data.access_token

{
const response = await fetch(`${TIMEBACK_API_URL}/ims/oneroster/rostering/v1p2/courses`, {
    method: 'GET',
    headers: {
        Authorization: `Bearer ${accessToken}`,
        'Content-Type': 'application/json',
    },
})

assert.equal(response.status, 200)
const { courses } = await response.json()
assert.ok(courses.length > 0)
assert.ok(courses[0].title)
}
