// A partner helps itself: from "ask for access" to a secret that leaked.
import assert from 'node:assert/strict'
import { finish, journey, look, mail, narrow, phone, picture, signIn, site } from './browser.mjs'

const at = site.portal
const password = 'cranes lift at seven'
const open = (page, path) => page.goto(at + path)
const heading = (page) => page.locator('h1').textContent()
const said = (page) => page.locator('main').innerText()

// token asks for a token as a partner's program does.
async function token(id, secret) {
  const response = await fetch(site.staging + '/auth/oauth2/token', {
    method: 'POST', headers: { authorization: 'Basic ' + Buffer.from(id + ':' + secret).toString('base64') },
    body: new URLSearchParams({ grant_type: 'client_credentials' }),
  })
  return { status: response.status, trace: response.headers.get('x-request-id'), body: await response.json() }
}
const call = (got) => fetch(site.staging + '/api/notes', { headers: { authorization: 'Bearer ' + got.body.access_token } }).then((r) => r.status)

await journey('a stranger asks for access, and is told what is missing', {}, async (page) => {
  await open(page, '/staging/credentials')
  await page.getByRole('link', { name: 'Ask for access' }).first().click()
  await page.waitForURL(at + '/ask')
  await look(page, 'self-ask')
  await page.locator('#f-organisation').fill('Harbour Works')
  await page.locator('#f-person').fill('Hilda Harbour')
  await page.locator('#f-email').fill('hilda@harbour.example')
  await page.locator('#f-application').fill('Cranes <b>&')
  await page.locator('#f-purpose').fill('It reads the notes of the day,\nand lifts what they say.')
  await page.locator('#go').click()
  assert.notEqual(await page.locator('#problem').innerText(), '')
  await look(page, 'self-ask-wrong')
  for (const box of await page.locator('input[name=scopes]').all()) await box.check()
  await page.locator('#go').click()
  await page.waitForURL(at + '/ask/mail')
  await look(page, 'self-mail')
  assert.ok((await said(page)).includes(site.issuer + '/mails'), 'where the mails of the demonstration are')
})

await journey('they confirm it by the link in their mail', { ...phone, javaScriptEnabled: false }, async (page) => {
  await (await mail(page, '/ask/confirm')).click()
  await page.waitForURL(/\/ask\/confirm/)
  await narrow(page, 'self-confirm')
  await picture(page, 'self-confirm-360-light')
  assert.match(await said(page), /Cranes <b>&/)
  const link = page.url()
  await page.locator('#go').click()
  await page.waitForURL(at + '/ask/thanks?confirmed=yes')
  await narrow(page, 'self-thanks')
  await page.goto(link)
  assert.equal(await heading(page), 'This link is good no more')
  await narrow(page, 'self-confirm-over')
})

await journey('an operator approves', {}, async (page) => {
  await page.goto(site.console + '/requests')
  await signIn(page, 'owner', 'the keys of the house')
  await page.waitForURL(site.console + '/requests')
  await page.locator('main a', { hasText: 'Cranes' }).first().click()
  await page.getByRole('link', { name: /Approve/ }).first().click()
  await page.locator('#go').click()
  await page.waitForLoadState()
  const shown = await said(page)
  site.link = shown.match(/http:\/\/\S+\/reset\S+/)?.[0]
})

await journey('the person chooses a password, and makes the secret', {}, async (page) => {
  site.link ||= await (await mail(page, '/reset')).getAttribute('href')
  await page.goto(site.link)
  await page.locator('#password').fill(password)
  await page.locator('#again').fill(password)
  await page.locator('#submit').click()
  await page.waitForLoadState()
  await open(page, '/applications')
  if (await page.locator('#name').count()) await signIn(page, 'hilda@harbour.example', password)
  await page.waitForURL(at + '/applications')
  await look(page, 'self-applications')
  await page.getByRole('link', { name: 'Cranes' }).click()
  const id = new URL(page.url()).searchParams.get('id')
  await look(page, 'self-application-new')
  await page.getByRole('link', { name: 'Generate secret' }).click()
  await look(page, 'self-secret-asks')
  await page.locator('#f-expires_at').selectOption('90')
  await page.locator('#go').click()
  const secret = await page.locator('#once').innerText()
  await look(page, 'self-secret')
  assert.equal(new URL(page.url()).search, '')
  await page.getByRole('link', { name: 'I have kept it' }).click()
  assert.ok(!(await page.content()).includes(secret), 'the secret is shown twice')

  const first = await token(id, secret)
  assert.equal(first.status, 200, JSON.stringify(first.body))
  assert.equal(await call(first), 200)

  // Rotate: a second one, then revoke the first.
  await page.getByRole('link', { name: 'Generate another secret' }).click()
  await page.locator('#go').click()
  const second = await page.locator('#once').innerText()
  assert.notEqual(second, secret)
  for (const one of [secret, second]) assert.equal((await token(id, one)).status, 200)
  await page.getByRole('link', { name: 'I have kept it' }).click()
  await look(page, 'self-application-two')
  const size = page.viewportSize()
  await page.setViewportSize(phone.viewport)
  for (const link of await page.getByRole('link', { name: /Leaked\?|Revoke/ }).all()) {
    const { x, width } = await link.boundingBox()
    assert.ok(x >= 0 && x + width <= phone.viewport.width, 'a phone does not show what ends a secret')
  }
  await page.setViewportSize(size)
  await page.getByRole('row', { name: secret.slice(-4) }).getByRole('link', { name: 'Revoke' }).click()
  await look(page, 'self-revoke')
  await page.locator('#go').click()
  assert.match(await page.locator('#done').innerText(), /revoked/)
  const refused = await token(id, secret)
  assert.equal(refused.status, 401)
  assert.equal(await call(first), 401)

  // Leaked.
  const taken = await token(id, second)
  assert.equal(await call(taken), 200)
  await page.getByRole('link', { name: 'Leaked?' }).click()
  await look(page, 'self-leaked-asks')
  await page.locator('#go').click()
  assert.equal(await heading(page), 'The secret is replaced')
  const third = await page.locator('#once').innerText()
  await look(page, 'self-leaked')
  assert.equal((await token(id, second)).status, 401)
  assert.equal(await call(taken), 401)
  assert.equal((await token(id, third)).status, 200)

  // Try it.
  await page.getByRole('link', { name: 'Try it' }).click()
  await look(page, 'self-try')
  await page.locator('#f-path').fill('/notes')
  await page.locator('#go').click()
  assert.match(await page.locator('#got').innerText(), /^HTTP\/1\.1 200/)
  await look(page, 'self-tried')

  // Why was I refused? What happened is written every few seconds.
  for (let i = 0; i < 120; i++) {
    await open(page, '/why?trace=' + refused.trace)
    if (await page.locator('main article').count()) break
    await page.waitForTimeout(500)
  }
  assert.match(await said(page), /What to do/)
  await look(page, 'self-why-trace')
  await open(page, '/why')
  await look(page, 'self-why')
  await open(page, '/application?environment=staging&id=' + id)
  assert.match(await said(page), /In use|Used|Never used/)
  await look(page, 'self-application')
  await page.emulateMedia({ media: 'print' })
  assert.ok(await page.locator('.hand-over').isVisible(), 'the sheet is not printed')
  assert.ok(!await page.locator('.tabs').isVisible(), 'the navigation is printed')
  await picture(page, 'self-application-print')
  await page.emulateMedia({ media: null })

  // Disabled by its own admin, and enabled again.
  await page.getByRole('link', { name: 'Disable', exact: true }).click()
  await look(page, 'self-disable')
  await page.locator('#go').click()
  assert.match(await page.locator('#done').innerText(), /disabled/)
  assert.equal(await page.locator('#problem').count(), 0, 'what was just done is told twice')
  await look(page, 'self-disabled')
  assert.equal((await token(id, third)).status, 401)
  await page.getByRole('link', { name: 'Delete', exact: true }).click()
  await page.locator('#f-confirm').fill('YOUR_CLIENT_ID')
  await page.locator('#go').click()
  assert.match(await page.locator('#f-confirm-problem').innerText(), /Is not/)
  await look(page, 'self-delete')
  await page.getByRole('link', { name: 'Leave it' }).click()
  await page.getByRole('link', { name: 'Enable', exact: true }).click()
  await look(page, 'self-enable')
  await page.locator('#go').click()
  assert.match(await page.locator('#done').innerText(), /can be used again/)
  assert.equal((await token(id, third)).status, 200)

  // The documentation knows whose it is read by.
  await open(page, '/staging/credentials')
  assert.match(await page.locator('main').innerText(), new RegExp(id))

  // One's own account, and back.
  await open(page, '/applications')
  await page.locator('.who-is a').click()
  await page.waitForURL(/\/account$/)
  await page.getByRole('link', { name: /portal/ }).first().click()
  await page.waitForURL(at + '/**')

  // Members.
  await open(page, '/members')
  await page.getByRole('link', { name: 'Invite somebody' }).click()
  await look(page, 'self-invite')
  await page.locator('#f-email').fill('hugo@harbour.example')
  await page.locator('#go').click()
  assert.match(await said(page), /hugo@harbour\.example/)
  await look(page, 'self-members')
  await page.getByRole('row', { name: /hilda/i }).getByRole('link', { name: 'Remove' }).click()
  await look(page, 'self-remove')
  await page.locator('#go').click()
  assert.match(await page.locator('#problem').innerText(), /last admin/)
  await open(page, '/application?environment=staging&id=YOUR_CLIENT_ID')
  assert.equal(await heading(page), 'There is no such thing')
  await look(page, 'self-nothing')
  await page.getByRole('button', { name: 'Sign out' }).click()
})

await journey('the same on a phone and without scripts', { ...phone, javaScriptEnabled: false }, async (page) => {
  await open(page, '/applications')
  await signIn(page, 'hilda@harbour.example', password)
  await page.waitForURL(at + '/applications')
  await page.getByRole('link', { name: 'Ask for access' }).first().click()
  await page.locator('#f-application').fill('Winches')
  await page.locator('#f-purpose').fill('More lifting.')
  await page.locator('input[name=scopes]').first().check()
  await page.locator('#go').click()
  await page.waitForURL(at + '/ask/thanks')
  await open(page, '/applications')
  assert.match(await said(page), /Waits for the publisher/)
  await narrow(page, 'self-applications-waiting')
  await page.getByRole('link', { name: 'Take back' }).click()
  await page.locator('#go').click()
  assert.match(await page.locator('#done').innerText(), /taken back/)
})

await finish()
