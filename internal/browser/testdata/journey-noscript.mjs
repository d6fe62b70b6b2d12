// Everything but passkeys without JavaScript.
import assert from 'node:assert/strict'
import { answer, code, finish, journey, redeem, request, signIn, site, wait } from './browser.mjs'

await journey('without JavaScript', { javaScriptEnabled: false }, async (page, context) => {
  const asked = request()
  await page.goto(asked.url)
  assert.equal(await page.locator('#passkey').isVisible(), false)
  await signIn(page)
  await page.locator('input[name=scope][value=profile_write]').uncheck()
  await page.locator('#allow').click()
  const tokens = await redeem(await answer(page, asked), asked)
  assert.ok(!tokens.scope.includes('profile_write'))

  await page.goto(site.issuer + '/account')
  await page.locator('#add-totp').click()
  await page.locator('summary').first().click()
  const secret = await page.locator('#secret').textContent()
  await page.locator('#code').fill(code(secret))
  await page.locator('#submit').click()
  await page.locator('#codes, #done').first().waitFor()
  await page.goto(site.issuer + '/account')
  await page.locator('#signout button').click()

  await wait(60)
  await page.goto(site.issuer + '/login')
  await signIn(page)
  await page.locator('#code').fill(code(secret))
  await page.locator('#submit').click()
  await page.locator('form[action$="/account/application"] button').click()
  await page.locator('#done').waitFor()
})

await finish()
