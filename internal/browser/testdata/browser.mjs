// What journeys have in common: a browser, the application, and what is true of
// every page.
import assert from 'node:assert/strict'
import { createHash, createHmac, randomBytes } from 'node:crypto'
import { mkdtemp, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from 'playwright-core'

export const site = JSON.parse(process.env.SITE)
export const phone = { viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true }
const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
let metadata
await move(site.issuer)

const browser = await chromium.launch({
  executablePath: site.chromium,
  args: [
    '--no-sandbox', '--disable-background-networking', '--disable-component-update', '--no-proxy-server', '--no-first-run',
    '--disable-dev-shm-usage', '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1',
  ],
})

// journey runs steps in a browser of their own that knows nothing of the others.
export async function journey(name, options, steps) {
  const context = await browser.newContext({ locale: 'en-GB', reducedMotion: 'reduce', ...options })
  context.setDefaultTimeout(20_000) // a busy machine is no fault
  const faults = watch(context)
  if (options.javaScriptEnabled !== false) await context.addInitScript(axe)
  const page = await context.newPage()
  try {
    await soon(steps(page, context), 240)
    await Promise.all(faults.checks)
    assert.deepEqual(faults.found, [])
  } catch (e) {
    console.error(`${name}: ${e.stack}\n`)
    for (const p of context.pages()) await show(p)
    console.error(faults.found)
    await browser.close()
    process.exit(1)
  }
  await context.close()
}

export const finish = () => browser.close()

// soon waits so many seconds: what runs in a page has no limit of its own.
function soon(work, seconds) {
  let timer
  const late = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error(`not done in ${seconds} seconds`)), seconds * 1000) })
  return Promise.race([work, late]).finally(() => clearTimeout(timer))
}

// show prints what a page shows and keeps a picture of it.
async function show(page) {
  const picture = join(await mkdtemp(join(tmpdir(), 'grantway-browser-')), 'page.png')
  const text = await page.locator('body').innerText({ timeout: 2000 }).catch(String)
  await page.screenshot({ path: picture, timeout: 5000 }).catch(() => {})
  console.error(`The page at ${page.url()} (${picture}):\n${text}\n`)
}

// watch notes what no page may do: load from elsewhere, tell where it is, be blocked
// by its own policy, or answer without the headers that keep it safe.
function watch(context) {
  const ours = new URL(site.issuer).origin
  const faults = { found: [], checks: [] }
  const fault = (text) => faults.found.push(text)
  context.on('request', (request) => {
    const { origin, protocol } = new URL(request.url())
    if (protocol !== 'data:' && origin !== ours && origin !== site.app) fault(`asked for ${request.url()}`)
    faults.checks.push(request.allHeaders().then((headers) => {
      if (headers.referer?.startsWith(ours)) fault(`told ${request.url()} of ${headers.referer}`)
    }).catch(() => {}))
  })
  context.on('response', (response) => {
    const type = response.headers()['content-type'] ?? ''
    if (new URL(response.url()).origin !== ours || !type.startsWith('text/html')) return
    const headers = response.headers()
    const at = new URL(response.url()).pathname
    const has = (name, pattern) => pattern.test(headers[name] ?? '') || fault(`${at}: ${name} is ${headers[name]}`)
    has('content-security-policy', /default-src 'none'.*frame-ancestors 'none'/)
    has('x-frame-options', /^DENY$/)
    has('x-content-type-options', /^nosniff$/)
    has('referrer-policy', /^no-referrer$/)
    has('cache-control', new RegExp(site.caching ?? 'no-store')) // pages for everybody may be kept
    if (/unsafe-(inline|eval)/.test(headers['content-security-policy'])) fault(`${at}: ${headers['content-security-policy']}`)
  })
  context.on('console', (message) => {
    const refused = /^Failed to load resource: the server responded with a status of 4/ // which journeys look at themselves
    if (['error', 'warning'].includes(message.type()) && !refused.test(message.text())) fault(`the browser says: ${message.text()}`)
  })
  context.on('weberror', (e) => fault(`a script failed: ${e.error().stack}`))
  return faults
}

// look holds a page to what is true of all of them, light and dark.
export async function look(page, name) {
  await page.waitForLoadState() // a click waits until there is a new page, and not until it is whole
  const size = page.viewportSize()
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme })
    // Success criterion 2.5.8 of WCAG 2.2 is off unless it is asked for; in the dark only the colours differ.
    const options = { resultTypes: ['violations'], ...(colorScheme === 'dark' ? { runOnly: ['color-contrast'] } : { rules: { 'target-size': { enabled: true } } }) }
    const { violations } = await page.evaluate((o) => globalThis.axe.run(document, o), options)
    const said = violations.flatMap((v) => v.nodes.map((n) => `${v.id}: ${n.html}: ${n.failureSummary}`))
    assert.deepEqual(said, [], `${name}, ${colorScheme}`)
    await picture(page, `${name}-${size.width}-${colorScheme}`)
  }
  await page.emulateMedia({ colorScheme: null })
  await narrow(page, name)
  if (site.pictures && size.width > 400) {
    await page.setViewportSize(phone.viewport)
    await picture(page, `${name}-360-light`)
  }
  await page.setViewportSize({ width: 320, height: 640 }) // WCAG 2.2, success criterion 1.4.10
  await narrow(page, name)
  await page.setViewportSize(size)
}

// narrow says that a page does not scroll sideways.
export async function narrow(page, name) {
  const { is, has } = await page.evaluate(() => ({ is: document.documentElement.scrollWidth, has: document.documentElement.clientWidth }))
  assert.ok(is <= has, `${name} is ${is} pixels wide on ${has}`)
}

export async function picture(page, name) {
  if (site.pictures) await page.screenshot({ path: join(site.pictures, name + '.png'), fullPage: true })
}

// request is an authorization request of the application.
export function request(change = {}) {
  const verifier = randomBytes(32).toString('base64url')
  const fields = {
    response_type: 'code', client_id: 'planner', redirect_uri: site.app + '/cb', state: randomBytes(9).toString('base64url'),
    scope: 'openid username profile_read profile_write', nonce: randomBytes(9).toString('base64url'),
    code_challenge: createHash('sha256').update(verifier).digest('base64url'), code_challenge_method: 'S256', ...change,
  }
  return { url: metadata.authorization_endpoint + '?' + new URLSearchParams(fields), verifier, fields }
}

// move has the journeys that follow start at another issuer.
export async function move(issuer) {
  site.issuer = issuer
  metadata = await json(await fetch(issuer + '/.well-known/openid-configuration'))
}

// signIn fills in the first page.
export async function signIn(page, name = site.name, password = site.password) {
  await page.locator('#name').fill(name)
  await page.locator('#password').fill(password)
  await page.locator('#submit').click()
}

// mail finds the link in a mail of a demonstration. Mails go out behind the answers, so
// it looks until there is one.
export async function mail(page, path) {
  const link = page.locator(`article a[href*="${path}"]`).first()
  for (const late = Date.now() + 60_000; ;) {
    await page.goto(site.issuer + '/mails')
    if (await link.count()) return link
    assert.ok(Date.now() < late, `no mail leads to ${path}`)
    await page.waitForTimeout(100)
  }
}

// answer is what the application was told.
export async function answer(page, asked) {
  await page.waitForURL((url) => url.href.startsWith(site.app + '/cb'))
  const got = JSON.parse(await page.locator('#got').textContent())
  assert.equal(got.state, asked.fields.state)
  assert.equal(got.iss, site.issuer)
  assert.equal(got.referer, '')
  return got
}

// redeem gets the tokens of a code.
export async function redeem(got, asked) {
  const response = await fetch(metadata.token_endpoint, {
    method: 'POST',
    headers: { authorization: 'Basic ' + Buffer.from('planner:' + encodeURIComponent(site.secret)).toString('base64') },
    body: new URLSearchParams({ grant_type: 'authorization_code', code: got.code, redirect_uri: asked.fields.redirect_uri, code_verifier: asked.verifier }),
  })
  return json(response)
}

// arrive goes through sign-in and consent, and returns the tokens.
export async function arrive(page, asked = request()) {
  await page.goto(asked.url)
  await signIn(page)
  await page.locator('#allow').click()
  return redeem(await answer(page, asked), asked)
}

// call calls the API.
export const call = (token) => fetch(site.issuer + '/api/v0/user', { headers: { authorization: 'Bearer ' + token } })

let ahead = 0 // of the real time, in seconds

// wait lets time pass for the server.
export async function wait(seconds) {
  const response = await fetch(site.app + '/clock', { method: 'POST', body: new URLSearchParams({ by: seconds + 's' }) })
  assert.equal(response.status, 200)
  ahead += seconds
}

// code is what an authenticator shows (RFC 6238, RFC 4648 §6).
export function code(secret) {
  const bits = [...secret.replaceAll(/\s/g, '')].map((c) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(c).toString(2).padStart(5, '0')).join('')
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)))
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(Math.floor((Date.now() / 1000 + ahead) / 30)))
  const mac = createHmac('sha1', key).update(counter).digest()
  return String((mac.readUInt32BE(mac.at(-1) & 15) & 0x7fffffff) % 1e6).padStart(6, '0')
}

async function json(response) {
  const text = await response.text()
  assert.equal(response.status, 200, text)
  return JSON.parse(text)
}
