// A library in the page of an application that runs in the browser, unmodified:
// oidc-client-ts, without a secret, from an origin that is not ours.
import assert from 'node:assert/strict'
import { call, finish, journey, signIn, site } from './browser.mjs'

const home = site.app + '/single'

// open opens the application's page. What is run in it has a manager.
async function open(page, more = {}) {
  await page.goto(home)
  await manage(page, more)
}

const manage = (page, more = {}) => page.evaluate(([issuer, more]) => { globalThis.manager = manage(issuer, more) }, [site.issuer, more])

// leave has the library send the browser somewhere, and waits until it is there.
async function leave(page, how, options = {}) {
  const gone = page.waitForEvent('framenavigated', (frame) => frame === page.mainFrame() && frame.url() !== home)
  await page.evaluate(([how, options]) => { manager[how](options) }, [how, options])
  await gone
  await page.waitForLoadState()
}

// arrived is what the library makes of how the browser came back.
async function arrived(page, more = {}) {
  await page.waitForURL((url) => url.href.startsWith(home))
  await manage(page, more)
  return told(page, () => arrive(manager))
}

// told is what came of work in a page: a plain value, or the library's error.
async function told(page, work, options) {
  return page.evaluate(async ([work, options]) => {
    try {
      return { value: JSON.parse(JSON.stringify(await eval(work)(options) ?? null)) }
    } catch (e) {
      return { error: e.error ?? `${e.name}: ${e.message}` }
    }
  }, [String(work), options])
}

async function allow(page) {
  await signIn(page)
  await page.locator('#allow').click()
}

await journey('in and out', {}, async (page) => {
  await open(page)
  assert.deepEqual(await told(page, () => manager.getUser()), { value: null })
  await leave(page, 'signinRedirect', { state: { room: '1.04' }, login_hint: 'ann' })
  assert.equal(await page.locator('#name').inputValue(), 'ann')
  await allow(page)
  const { value: user, error } = await arrived(page)
  assert.equal(error, undefined)
  assert.deepEqual(user.state, { room: '1.04' })
  assert.deepEqual(user.scope.split(' ').sort(), ['email', 'offline_access', 'openid', 'profile', 'username'])
  assert.equal(user.profile.email, 'ann@example.com') // the UserInfo endpoint's
  assert.equal(user.profile.name, 'Ann Example')
  assert.equal((await call(user.access_token)).status, 200)

  await open(page) // the page is loaded again
  const kept = await told(page, () => manager.getUser())
  assert.equal(kept.value.access_token, user.access_token)

  const { value: fresh, error: refused } = await told(page, () => manager.signinSilent()) // by the refresh token
  assert.equal(refused, undefined)
  assert.notEqual(fresh.access_token, user.access_token)
  assert.equal(fresh.profile.sub, user.profile.sub)
  assert.ok(fresh.refresh_token)
  const twice = await told(page, () => Promise.all([manager.signinSilent(), manage(manager.settings.authority).signinSilent()]))
  assert.equal(twice.error, undefined)
  const { value: { access_token: last } } = await told(page, () => manager.getUser())
  assert.equal((await call(last)).status, 200)

  await leave(page, 'signoutRedirect', { state: 'gone' })
  if (await page.locator('#submit').count()) await page.locator('#submit').click()
  const out = await arrived(page)
  assert.equal(out.error, undefined)
  assert.deepEqual(await told(page, () => manager.getUser()), { value: null })
  await leave(page, 'signinRedirect')
  await page.locator('#signin').waitFor()
})

await journey('tokens are handed back', {}, async (page) => {
  await open(page)
  await leave(page, 'signinRedirect')
  await allow(page)
  const { value: user } = await arrived(page)
  assert.deepEqual(await told(page, () => manager.revokeTokens(['access_token'])), { value: null })
  assert.equal((await call(user.access_token)).status, 401)
  const { value: fresh } = await told(page, () => manager.signinSilent())
  assert.equal((await call(fresh.access_token)).status, 200)
  const handle = await told(page, async () => (await manager.getUser()).refresh_token)
  assert.deepEqual(await told(page, () => manager.revokeTokens(['refresh_token'])), { value: null })
  assert.equal((await call(fresh.access_token)).status, 401)
  // A token that is good no more is an answer that the library reads.
  const late = await told(page, async (handle) => {
    const user = await manager.getUser()
    user.refresh_token = handle
    await manager.storeUser(user)
    return manager.signinSilent()
  }, handle.value)
  assert.equal(late.error, 'invalid_grant')
})

await journey('the person says no', {}, async (page) => {
  await open(page)
  await leave(page, 'signinRedirect')
  await signIn(page)
  await page.locator('#deny').click()
  assert.deepEqual(await arrived(page), { error: 'access_denied' })
})

await journey('in a frame', {}, async (page) => {
  await open(page)
  await page.evaluate((issuer) => { sessionStorage.issuer = issuer }, site.issuer)
  // Browsers send no cookie to a frame of another site, so nobody is signed in there.
  // Where no answer comes, the library's error is another one, after a minute.
  assert.deepEqual(await told(page, () => manager.signinSilent()), { error: 'login_required' })
})

await journey('in a window', {}, async (page) => {
  await open(page)
  await page.evaluate((issuer) => { sessionStorage.issuer = issuer }, site.issuer)
  const [window] = await Promise.all([
    page.waitForEvent('popup'),
    page.evaluate(() => { globalThis.coming = manager.signinPopup() }),
  ])
  await allow(window)
  const { value: user, error } = await told(page, () => coming)
  assert.equal(error, undefined)
  assert.equal((await call(user.access_token)).status, 200)
})

await finish()
