// What an application has been told that signs people in, as the test passes it,
// and a person who does what the pages ask for.
import assert from 'node:assert/strict'

const env = process.env

export const dialect = env.DIALECT
export const issuer = env.ISSUER // exactly as tokens and metadata say it
export const base = env.BASE
export const authorize = env.AUTHORIZE
export const secret = env.SECRET

export const planner = { id: 'planner', redirect: 'https://planner.example/callback', afterwards: 'https://planner.example/bye' }
export const veteran = { id: 'veteran', redirect: 'http://localhost' }
export const pocket = { id: 'pocket', redirect: 'http://127.0.0.1:49152/callback' } // any port

// What the product's clients send beside what the libraries do.
export const parameters = dialect === 'auth0' ? { audience: 'https://notes.example' } : {}

// person opens an address and returns where the browser was sent to. It is a
// browser of its own, unless it has a name; decision is what is answered when an
// application asks.
export async function person(address, { browser = '', decision = 'allow' } = {}) {
  const response = await fetch(`${env.PERSON}?${new URLSearchParams({ open: address, browser, decision })}`)
  const said = await response.text()
  assert.equal(response.status, 200, said)
  return new URL(said)
}

// good calls the API with a token.
export async function good(token) {
  const response = await fetch(`${base}/notes`, { headers: { Authorization: `Bearer ${token}` } })
  const said = await response.text()
  assert.equal(response.status, 200, said)
  assert.deepEqual(JSON.parse(said), { notes: ['buy bread'] })
}

// ended calls the API with a token that is good no more.
export async function ended(token) {
  const response = await fetch(`${base}/notes`, { headers: { Authorization: `Bearer ${token}` } })
  assert.equal(response.status, 401, await response.text())
}
