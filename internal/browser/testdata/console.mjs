// The publisher's console, from the first sign-in to a secret that leaked.
import assert from 'node:assert/strict'
import { finish, journey, look, mail, phone, signIn, site } from './browser.mjs'

const at = site.console
const open = (page, path) => page.goto(at + path)
const heading = (page) => page.locator('h1').textContent()

// token asks for a token as a client's program does.
async function token(id, secret) {
  const response = await fetch(site.staging + '/oauth2/token', {
    method: 'POST', headers: { authorization: 'Basic ' + Buffer.from(id + ':' + secret).toString('base64') },
    body: new URLSearchParams({ grant_type: 'client_credentials' }),
  })
  return { status: response.status, body: await response.json() }
}

for (let i = 0; i < 5; i++) assert.equal((await token('YOUR_CLIENT_ID', 'YOUR_CLIENT_SECRET')).status, 200)
assert.equal((await token('YOUR_CLIENT_ID', 'wrong')).status, 401)

await journey('an owner creates a client, and its secret leaks', {}, async (page) => {
  await open(page, '/clients?q=nothing%20here')
  await signIn(page, 'owner', 'the keys of the house')
  await page.waitForURL(at + '/clients?q=nothing%20here')
  await look(page, 'console-clients-none')
  await page.goto(at + '/')
  await look(page, 'console-overview')
  assert.equal(await heading(page), 'Overview')

  await open(page, '/client/new')
  await page.locator('#f-name').fill('=HYPERLINK("x")<b>Harbour</b>')
  await page.locator('input[name=scopes]').first().check()
  await look(page, 'console-client-new')
  await page.locator('#go').click()
  const secret = await page.locator('#once').innerText()
  await look(page, 'console-secret')
  assert.equal(await page.locator('h1').textContent(), 'The client is created')
  await page.getByRole('link', { name: 'To the client' }).click()
  const client = new URL(page.url()).searchParams.get('id')
  assert.equal(await heading(page), '=HYPERLINK("x")<b>Harbour</b>')
  assert.ok(!(await page.content()).includes(secret), 'the secret is shown twice')
  const got = await token(client, secret)
  assert.equal(got.status, 200, JSON.stringify(got.body))
  const call = () => fetch(site.staging.replace('/auth', '/api') + '/notes', { headers: { authorization: 'Bearer ' + got.body.access_token } })
  assert.equal((await call()).status, 200)
  await look(page, 'console-client')

  await page.getByRole('link', { name: 'It leaked' }).click()
  await look(page, 'console-leaked-asks')
  await page.locator('#go').click()
  assert.equal(await heading(page), 'The secret is replaced')
  const next = await page.locator('#once').innerText()
  assert.notEqual(next, secret)
  await look(page, 'console-leaked')
  assert.equal((await token(client, secret)).status, 401)
  assert.equal((await call()).status, 401)
  assert.equal((await token(client, next)).status, 200)

  await open(page, '/client?environment=staging&id=' + client)
  await page.getByRole('link', { name: 'Promote', exact: true }).click()
  await look(page, 'console-promote')
  await page.locator('#go').click()
  assert.match(await heading(page), /^The client is in/)
  await look(page, 'console-promoted')
  await open(page, '/client/change?environment=staging&id=' + client)
  await look(page, 'console-change')
  await page.locator('input[name=scopes]').nth(1).check()
  await page.locator('input[name=scopes]').first().uncheck()
  await page.locator('#go').click()
  assert.match(await page.locator('.warning').innerText(), /the scope/)
  await look(page, 'console-change-asks')
  await page.locator('#go').click()
  assert.equal((await call()).status, 401)
  await look(page, 'console-changed')
  await open(page, '/compare?environment=staging&to=production')
  assert.ok(await page.getByRole('link', { name: 'Promote to' }).count() > 0)
  await look(page, 'console-compare-differs')

  await open(page, '/client/delete?environment=staging&id=' + client)
  await look(page, 'console-delete')
  await page.locator('#f-confirm').fill('something else')
  await page.locator('#go').click()
  assert.match(await page.locator('#problem').textContent(), /Nothing was done/)
  await look(page, 'console-delete-wrong')
  await page.locator('#f-confirm').fill(client)
  await page.locator('#go').click()
  assert.match(await page.locator('#done').textContent(), /deleted/)
  assert.equal((await token(client, next)).status, 401)
})

await journey('an owner makes a partner', {}, async (page) => {
  await open(page, '/partners')
  await signIn(page, 'owner', 'the keys of the house')
  await page.waitForURL(at + '/partners')
  await look(page, 'console-partners-none')
  await page.getByRole('link', { name: 'Make a partner' }).click()
  await look(page, 'console-partner-new')
  await page.locator('#f-name').fill('Harbour Works')
  await page.locator('#f-email').fill('api@harbour.example')
  await page.locator('#go').click()
  await look(page, 'console-partner')
  const id = new URL(page.url()).searchParams.get('id')
  await page.getByRole('link', { name: 'Invite somebody' }).click()
  await look(page, 'console-invite')
  await page.locator('#f-email').fill('hanna@harbour.example')
  await page.locator('#f-name').fill('Hanna Haven')
  await page.locator('#f-role').selectOption('admin')
  await page.locator('#go').click()
  await page.waitForLoadState()
  await open(page, '/partner?id=' + id)
  assert.match(await page.locator('main').innerText(), /hanna@harbour\.example|Hanna/)
  await look(page, 'console-partner-people')
})

await journey('a stranger asks for access, and an owner decides', {}, async (page) => {
  await page.goto(at.replace('/console', '/portal/ask'))
  await page.locator('[name=organisation]').fill('Quay & Sons')
  await page.locator('[name=person]').fill('Quinn Quay')
  await page.locator('[name=email]').fill('quinn@quay.example')
  await page.locator('[name=application]').fill('Tide tables')
  await page.locator('[name=purpose]').fill('To write down when ships come in.')
  for (const box of await page.locator('input[type=checkbox]').all()) await box.check()
  await page.locator('main form button').click()
  await page.waitForURL(/ask\/mail/)
  await (await mail(page, '/ask/confirm')).click()
  await page.locator('#go').click()
  await page.waitForURL(/thanks/)

  await open(page, '/')
  await signIn(page, 'owner', 'the keys of the house')
  await page.waitForURL(at + '/')
  assert.match(await page.locator('main').innerText(), /1 request to decide/)
  await look(page, 'console-waiting')
  await page.getByRole('link', { name: 'Tide tables' }).click()
  await look(page, 'console-request')
  await page.getByRole('link', { name: 'Approve, or narrow' }).click()
  await page.locator('input[value$="notes:write"]').uncheck()
  await page.locator('#f-reason').fill('Reading is enough for tide tables.')
  await look(page, 'console-approve')
  await page.locator('#go').click()
  assert.equal(await heading(page), 'The request is approved')
  await look(page, 'console-approved')
  await open(page, '/requests?state=all')
  await page.getByRole('link', { name: 'Tide tables' }).click()
  assert.match(await page.locator('main').innerText(), /left out/)
  await look(page, 'console-request-approved')
})

await journey('every page of the console', {}, async (page) => {
  await open(page, '/')
  await signIn(page, 'owner', 'the keys of the house')
  await page.waitForURL(at + '/')
  const id = new URL(await page.evaluate(() => location.href)).search
  assert.equal(id, '')
  const paths = [
    '/?environment=staging&span=1h', '/?environment=staging&span=7d', '/?span=30d', '/clients', '/compare', '/client?environment=staging&id=YOUR_CLIENT_ID', '/client/secret?environment=staging&id=YOUR_CLIENT_ID',
    '/client/disable?environment=staging&id=YOUR_CLIENT_ID', '/requests', '/requests?state=all', '/partners', '/keys', '/key/rotate?purpose=access-token', '/accounts',
    '/api-tokens', '/api-token/new', '/changes', '/changes?environment=home', '/operators', '/client?id=none', '/nowhere',
  ]
  for (const path of paths) {
    await open(page, path)
    assert.ok((await page.content()).length < 100 << 10, path + ' is longer than 100 KiB')
    await look(page, 'console' + path.replaceAll(/[^a-z0-9]+/gi, '-'))
  }
  await open(page, '/operators')
  await page.locator('table a', { hasText: 'owner' }).first().click()
  await look(page, 'console-account')
  await page.getByRole('link', { name: 'Roles' }).first().click()
  await look(page, 'console-roles')
  await page.locator('input[value=owner]').uncheck()
  await page.locator('#go').click()
  assert.match(await page.locator('#problem').textContent(), /last owner/)
})

await journey('the overview changes in place', {}, async (page) => {
  await open(page, '/?environment=staging&span=1h')
  await signIn(page, 'owner', 'the keys of the house')
  await page.waitForURL(at + '/?environment=staging&span=1h')
  const asked = []
  page.on('request', (request) => { if (request.resourceType() !== 'other') asked.push(request.resourceType()) }) // the icon may come late
  const told = page.locator('#all-issued-told')
  const becomes = (text) => page.waitForFunction((was) => document.getElementById('all-issued-told').textContent !== was, text)
  // ask returns when the next token is counted, which is not at once.
  const ask = async () => {
    const was = await told.textContent()
    assert.equal((await token('YOUR_CLIENT_ID', 'YOUR_CLIENT_SECRET')).status, 200)
    await becomes(was)
  }
  assert.equal(await page.locator('.choice [aria-current]', { hasText: 'Every 5 seconds' }).count(), 1)
  await page.locator('.chart details').first().evaluate((d) => { d.open = true })
  await page.locator('.figures').first().evaluate((f) => { f.scrollTop = 90 })
  await page.locator('.bars th a', { hasText: 'YOUR_CLIENT_ID' }).focus()
  await page.evaluate(() => { scrollTo({ top: 300, behavior: 'instant' }) })
  const state = () => page.evaluate(() => ({
    focus: document.activeElement.getAttribute('href'), open: document.querySelector('.chart details').open,
    figures: document.querySelector('.figures').scrollTop, top: scrollY, said: document.getElementById('live-said').textContent,
  }))
  const before = await state()
  assert.equal(before.said, '')
  assert.match(before.focus, /YOUR_CLIENT_ID/)
  assert.ok(before.top > 0 && before.figures > 0 && before.open)
  await ask()
  const after = await state()
  assert.ok(Math.abs(after.top - before.top) < 80, `scrolled from ${before.top} to ${after.top}`) // texts above may need another line
  assert.deepEqual({ ...after, top: before.top }, before)
  assert.deepEqual([...new Set(asked)], ['xhr'])
  await look(page, 'console-live')

  // Nobody looks, and nothing is asked for; somebody does, and it is asked for at once.
  const turn = (hidden) => page.evaluate((is) => {
    Object.defineProperty(document, 'hidden', { value: is, configurable: true })
    document.dispatchEvent(new Event('visibilitychange'))
  }, hidden)
  await turn(true)
  await page.waitForTimeout(500) // for what was asked before
  asked.length = 0
  await page.waitForTimeout(6000)
  assert.deepEqual(asked, [])
  await turn(false)
  while (asked.length === 0) await page.waitForTimeout(50)
  assert.deepEqual(asked, ['xhr'])

  // Who is signed out is told, once, and nothing is asked for any more.
  await page.context().clearCookies()
  await page.waitForFunction(() => document.getElementById('live').textContent.includes('not read again'))
  assert.match((await state()).said, /not read again/)
  asked.length = 0
  await page.waitForTimeout(6000)
  assert.deepEqual(asked, [])
})

await journey('the overview without JavaScript', { javaScriptEnabled: false }, async (page) => {
  await open(page, '/?span=1h')
  await signIn(page, 'owner', 'the keys of the house')
  await page.waitForURL(at + '/?span=1h')
  await page.getByRole('link', { name: 'Every 5 seconds' }).click()
  await page.waitForURL(/live=1/)
  await page.waitForEvent('framenavigated') // the browser loads it again by itself
  assert.equal(await heading(page), 'Overview')
})

await journey('the console on a phone, without JavaScript', { ...phone, javaScriptEnabled: false }, async (page) => {
  await open(page, '/clients')
  await signIn(page, 'owner', 'the keys of the house')
  await page.waitForURL(at + '/clients')
  await page.locator('#f-q').fill('demonstration')
  await page.getByRole('button', { name: 'Filter' }).click()
  await page.getByRole('link', { name: 'Demonstration' }).click()
  assert.equal(await heading(page), 'Demonstration')
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.waitForURL(/\/home\/logout/)
})

await journey('with the keyboard alone', {}, async (page) => {
  await open(page, '/')
  await signIn(page, 'owner', 'the keys of the house')
  await page.waitForURL(at + '/')
  await page.keyboard.press('Tab')
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Skip to the content')
  await page.keyboard.press('Enter')
  await page.waitForURL(/#text$/)
  await page.keyboard.press('Tab')
  assert.ok(await page.evaluate(() => document.getElementById('text').contains(document.activeElement)))
})

await finish()
