// A second factor: set up on the account page, then needed, by code, by recovery
// code, and not in a browser that is remembered.
import assert from 'node:assert/strict'
import { answer, code, finish, journey, look, redeem, request, signIn, site, wait } from './browser.mjs'

let secret, recovery

await journey('an authenticator is set up', {}, async (page) => {
  await page.goto(site.issuer + '/account')
  await signIn(page)
  await page.locator('#add-totp').click()
  await look(page, 'totp')
  await page.locator('summary').click()
  secret = await page.locator('#secret').textContent()
  await page.locator('#code').fill('000000')
  await page.locator('#submit').click()
  await page.locator('#problem').waitFor()
  await look(page, 'totp-wrong')
  await page.locator('#code').fill(code(secret))
  await page.locator('#submit').click()
  await page.locator('#codes').waitFor()
  await look(page, 'codes')
  recovery = await page.locator('#codes code').allTextContents()
  assert.ok(recovery.length >= 8, String(recovery))
  await page.locator('#next').click()
  await look(page, 'account-totp')
})

await journey('it is needed, and a browser is remembered', {}, async (page, context) => {
  await wait(60)
  let asked = request()
  await page.goto(asked.url)
  await signIn(page)
  await look(page, 'second')
  await page.locator('#code').fill('000000')
  await page.locator('#submit').click()
  await page.locator('#problem').waitFor()
  await page.locator('#code').fill(code(secret))
  await page.locator('#remember').check()
  await page.locator('#submit').click()
  await page.locator('#allow').click()
  await redeem(await answer(page, asked), asked)

  await context.clearCookies({ name: /session/ })
  asked = request()
  await page.goto(asked.url)
  await signIn(page)
  await redeem(await answer(page, asked), asked)

  await context.clearCookies({ name: /session/ })
  asked = request({ acr_values: 'urn:grantway:acr:2', claims: '{"id_token":{"acr":{"essential":true,"values":["urn:grantway:acr:2"]}}}' })
  await page.goto(asked.url)
  await signIn(page)
  await wait(60)
  await page.locator('#code').fill(code(secret))
  await page.locator('#submit').click()
  await redeem(await answer(page, asked), asked)
})

await journey('a recovery code in its place, once', {}, async (page) => {
  for (const [used, good] of [[recovery[0], true], [recovery[0], false], [recovery[1], true]]) {
    await page.context().clearCookies()
    await page.goto(site.issuer + '/login')
    await signIn(page)
    await page.locator('#recovery').click()
    await page.locator('#code').fill(used)
    if (good) await look(page, 'recovery')
    await page.locator('#submit').click()
    await page.locator(good ? '#applications' : '#problem').waitFor()
  }
})

await journey('a browser is forgotten, and the authenticator removed', {}, async (page, context) => {
  await wait(60)
  await page.goto(site.issuer + '/login')
  await signIn(page)
  await page.locator('#code').fill(code(secret))
  await page.locator('#remember').check()
  await page.locator('#submit').click()
  await look(page, 'account-devices')
  for (let left = await page.locator('form[action$="/account/device"]').count(); left > 0; left--) {
    await page.locator('form[action$="/account/device"] button').first().click()
    await page.locator('#done').waitFor()
  }
  await context.clearCookies({ name: /session/ })
  await page.goto(site.issuer + '/login')
  await signIn(page)
  await wait(60)
  await page.locator('#code').fill(code(secret))
  await page.locator('#submit').click()
  await page.locator('form[action$="/account/factor"] button').click()
  await page.locator('#done').waitFor()
  await page.locator('#add-totp').waitFor()
})

await finish()
