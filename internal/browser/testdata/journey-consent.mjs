// Signing in, and consent to all, to some, to none, remembered, and asked again.
import assert from 'node:assert/strict'
import { answer, finish, journey, look, redeem, request, signIn, site } from './browser.mjs'

const scopes = (tokens) => tokens.scope.split(' ').sort()

await journey('all, remembered, and asked again when more is wanted', {}, async (page) => {
  let asked = request({ scope: 'openid username profile_read' })
  await page.goto(asked.url)
  await look(page, 'signin')
  await signIn(page, site.name, 'not the password')
  await page.locator('#problem').waitFor()
  assert.match(await page.title(), /^Problem: /)
  await look(page, 'signin-wrong')
  await signIn(page)
  await page.locator('#allow').waitFor()
  assert.equal(await page.title(), 'Study Planner wants to use your account · MyTimetable')
  await look(page, 'consent')
  await page.locator('#allow').click()
  assert.deepEqual(scopes(await redeem(await answer(page, asked), asked)), ['openid', 'profile_read', 'username'])

  asked = request({ scope: 'openid username' })
  await page.goto(asked.url)
  assert.deepEqual(scopes(await redeem(await answer(page, asked), asked)), ['openid', 'username'])

  asked = request({ scope: 'openid username profile_write' })
  await page.goto(asked.url)
  await page.locator('#allow').waitFor()
  assert.ok(await page.locator('input[name=scope][value=profile_write]').isChecked())
  await look(page, 'consent-more')
  await page.locator('#allow').click()
  assert.deepEqual(scopes(await redeem(await answer(page, asked), asked)), ['openid', 'profile_write', 'username'])
})

await journey('some, and none', {}, async (page) => {
  let asked = request({ prompt: 'consent' })
  await page.goto(asked.url)
  await signIn(page)
  await page.locator('input[name=scope][value=profile_write]').uncheck()
  await page.locator('#allow').click()
  assert.deepEqual(scopes(await redeem(await answer(page, asked), asked)), ['openid', 'profile_read', 'username'])

  asked = request({ prompt: 'consent', scope: 'username profile_read' })
  await page.goto(asked.url)
  for (const box of await page.locator('input[name=scope]').all()) await box.uncheck()
  await page.locator('#allow').click()
  assert.equal((await answer(page, asked)).error, 'access_denied')
})

await journey('no', {}, async (page) => {
  const asked = request({ prompt: 'consent' })
  await page.goto(asked.url)
  await signIn(page)
  await page.locator('#deny').click()
  const got = await answer(page, asked)
  assert.equal(got.error, 'access_denied')
  assert.equal(got.code, undefined)
})

await journey('an application that keeps no secret, and that nobody knows', {}, async (page) => {
  for (const first of [true, false]) { // asked each time
    const asked = request({ client_id: 'page', scope: 'username profile_read' })
    await page.goto(asked.url)
    if (first) await signIn(page)
    await page.locator('#allow').waitFor()
    if (first) await look(page, 'consent-unverified')
    await page.locator('#allow').click()
    assert.ok((await answer(page, asked)).code)
  }
  await page.goto(site.issuer + '/account')
  await look(page, 'account-unverified')
})

await finish()
