// What every library is put through. A program brings its library's way to do
// three things:
//
//   token(environment, scope)  a token, or the library's own error
//   call(token, url, options)  { status, challenge, data } of a call of the API;
//                              challenge is WWW-Authenticate, in text or parsed
//   refusal(error)             { status, error } of the library's own error; it
//                              throws what is none
import assert from 'node:assert/strict'
import { firstCall, narrowing, production, refusedSecret, staging, wrongSecret } from './system.mjs'

export async function scenario({ token, call, refusal }) {
  const callFirst = (t) => call(t, staging.api + firstCall.path, firstCall)
  const good = async (t) => {
    const { status, data } = await callFirst(t)
    assert.equal(status, 200)
    assert.ok(firstCall.check(data), `data: ${JSON.stringify(data)}`)
  }
  const invalid = async (t, why) => {
    const { status, challenge } = await callFirst(t)
    assert.equal(status, 401, why)
    assert.match(JSON.stringify(challenge), /invalid_token/, why)
  }
  const refused = async (environment, scope) => {
    try {
      await token(environment, scope)
    } catch (error) {
      return refusal(error)
    }
    assert.fail('a token was issued')
  }

  const one = await token(staging)
  await good(one)

  assert.deepEqual(await refused(wrongSecret), refusedSecret)

  const two = await token(staging)
  assert.notEqual(one, two)
  await good(two)
  await good(one) // a new token does not end an earlier one

  await invalid(damaged(one), 'a damaged token')
  await invalid(await token(production), 'a token of production at staging')

  if (!narrowing) return
  const narrow = await token(staging, narrowing.scope)
  await good(narrow)
  const { status, challenge } = await call(narrow, staging.api + narrowing.closed, { method: 'GET' })
  assert.equal(status, 403)
  assert.match(JSON.stringify(challenge), /insufficient_scope/)
  assert.ok(JSON.stringify(challenge).includes(narrowing.needs), `challenge: ${JSON.stringify(challenge)}`)
  assert.deepEqual(await refused(staging, 'read:nothing'), { status: 400, error: 'invalid_scope' })
}

// damaged changes one character in the middle of the signature.
function damaged(token) {
  const at = token.lastIndexOf('.') + 20
  return token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1)
}
