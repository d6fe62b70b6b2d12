// The publisher's console, from the first sign-in to a secret that leaked.
import assert from 'node:assert/strict'
import { finish, journey, look, phone, signIn, site } from './browser.mjs'

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
    '/?environment=staging&span=7d', '/?span=30d', '/clients', '/compare', '/client?environment=staging&id=YOUR_CLIENT_ID', '/client/secret?environment=staging&id=YOUR_CLIENT_ID',
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
  await page.keyboard.press('Tab')
  assert.ok(await page.evaluate(() => document.getElementById('text').contains(document.activeElement)))
})

await finish()
