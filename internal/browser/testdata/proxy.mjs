// The safe proxy in a browser: the page shows data, and nothing that the browser
// holds, sends, gets or runs is a token or a secret.
import assert from 'node:assert/strict'
import { chromium } from 'playwright-core'

const site = JSON.parse(process.env.SITE)
setTimeout(() => { console.error('not done in 240 seconds'); process.exit(1) }, 240_000).unref()
const browser = await chromium.launch({
  executablePath: site.chromium,
  args: [
    '--no-sandbox', '--disable-background-networking', '--disable-component-update', '--no-proxy-server', '--no-first-run',
    '--disable-dev-shm-usage', '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1',
  ],
})
const context = await browser.newContext({ ignoreHTTPSErrors: true, locale: 'en-GB' })
context.setDefaultTimeout(20_000)

// traffic is all that the browser sends and gets, with bodies.
const traffic = []
const reading = []
context.on('request', (r) => {
  reading.push(r.allHeaders().then((h) => traffic.push(['request', r.url(), JSON.stringify(h), r.postData() ?? ''])).catch(() => {}))
})
context.on('response', (r) => {
  reading.push(r.allHeaders().then((h) => traffic.push(['response', r.url(), JSON.stringify(h)])).catch(() => {}))
  reading.push(r.text().then((body) => traffic.push(['response', r.url(), body])).catch(() => {}))
})
const faults = []
context.on('weberror', (e) => faults.push(e.error().stack))
context.on('page', (page) => page.on('console', (m) => { if (m.type() === 'error') faults.push(m.text()) }))

// holdsNone looks for what tokens look like, and for the secret.
function holdsNone(what, text) {
  assert.ok(!text.includes(site.secret), `${what} holds the secret`)
  assert.doesNotMatch(text, /eyJ[\w-]{10,}\.[\w-]+\.[\w-]+/, `${what} holds a JWT`)
  assert.doesNotMatch(text, /access_token|refresh_token|id_token[^_]|[Bb]earer /, `${what} names a token`)
  assert.doesNotMatch(text, /(?:[0-9a-f]{4,}-){5,}/, `${what} holds a token with dashes`)
}

const page = await context.newPage()
await page.goto(site.front + '/')
await page.getByText('Nobody is signed in.').waitFor()
await page.locator('#login').click()
await page.locator('#name').fill(site.name)
await page.locator('#password').fill(site.password)
await page.locator('#submit').click()
await page.locator('#allow').click()
await page.waitForURL(site.front + '/')
await page.getByText('Signed in as Ann').waitFor()
await page.waitForFunction(() => document.getElementById('data').textContent.includes('{'))
const data = JSON.parse(await page.locator('#data').textContent())
assert.ok(Object.keys(data).length > 0)

// What the page could get hold of.
const held = await page.evaluate(async () => JSON.stringify({
  cookie: document.cookie, local: { ...localStorage }, session: { ...sessionStorage },
  databases: await indexedDB.databases(), caches: await caches.keys(), workers: (await navigator.serviceWorker.getRegistrations()).length,
  source: document.documentElement.outerHTML, me: await (await fetch('/auth/me')).json(),
}))
assert.deepEqual({ ...JSON.parse(held), source: '', me: '' },
  { cookie: '', local: {}, session: {}, databases: [], caches: [], workers: 0, source: '', me: '' })
holdsNone('the page', held)
const cookies = (await context.cookies(site.front)).filter((c) => c.domain === 'localhost')
assert.deepEqual(cookies.map((c) => [c.name, c.httpOnly, c.secure, c.sameSite, c.path]), [['__Host-grantway-app', true, true, 'Strict', '/']])
assert.match(cookies[0].value, /^[\w-]{43}$/)

// It stays signed in, and calls what is listed only.
await page.reload()
await page.getByText('Signed in as Ann').waitFor()
const closed = await page.evaluate(async () => (await fetch('/api/v0/messages')).status)
assert.equal(closed, 404) // not even among the files

// A page of another origin gets nothing, whatever it tries.
const foreign = await context.newPage()
await foreign.goto(site.foreign)
for (const options of [{}, { credentials: 'include' }, { method: 'POST', credentials: 'include' }]) {
  const got = await foreign.evaluate(([url, o]) => fetch(url, o).then(async (r) => r.text(), (e) => String(e)), [site.front + '/api/v0/user', options])
  assert.match(got, /TypeError/)
}
const blind = await foreign.evaluate(([url, o]) => fetch(url, o).then((r) => r.type), [site.front + '/auth/logout', { method: 'POST', mode: 'no-cors', credentials: 'include' }])
assert.equal(blind, 'opaque') // it was answered, with a refusal:
await foreign.close()
await page.reload()
await page.getByText('Signed in as Ann').waitFor()

await page.locator('#logout').click()
await page.waitForURL((url) => url.href.startsWith(site.issuer))
if (await page.locator('#submit').count()) await page.locator('#submit').click()
await page.goto(site.front + '/')
await page.getByText('Nobody is signed in.').waitFor()
assert.equal(await page.evaluate(async () => (await fetch('/api/v0/user')).status), 401)
assert.deepEqual((await context.cookies(site.front)).filter((c) => c.name.includes('grantway-app')), [])

// A body that was never read to its end, as of a redirect, may never come.
await Promise.race([Promise.all(reading), new Promise((done) => setTimeout(done, 3000))])
assert.ok(traffic.length > 20)
for (const [kind, url, ...parts] of traffic) holdsNone(`the ${kind} of ${url}`, [url, ...parts].join('\n'))
const unexpected = faults.filter((f) => !/status of 40[134]|CORS|ERR_FAILED/.test(f))
assert.deepEqual(unexpected, [])
await browser.close()
