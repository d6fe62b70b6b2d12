// A passkey: made on the account page, then the way to sign in.
import assert from 'node:assert/strict'
import { answer, finish, journey, look, redeem, request, signIn, site } from './browser.mjs'

await journey('a passkey is made and used', {}, async (page, context) => {
  const device = await context.newCDPSession(page)
  await device.send('WebAuthn.enable')
  await device.send('WebAuthn.addVirtualAuthenticator', { options: {
    protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true,
    automaticPresenceSimulation: true,
  } })
  await page.goto(site.issuer + '/account')
  await signIn(page)
  await page.locator('#add-passkey').click()
  await look(page, 'addpasskey')
  await page.locator('#label').fill('The tests')
  await page.locator('#submit').click()
  await page.waitForURL((url) => url.pathname.endsWith('/account') || url.pathname.endsWith('/account/passkey'))
  if (await page.locator('#codes').count()) await page.locator('#next').click()
  await page.getByText('The tests').first().waitFor()
  await look(page, 'account-passkey')

  await context.clearCookies()
  const asked = request({ acr_values: 'urn:grantway:acr:2' })
  await page.goto(asked.url)
  await page.locator('#passkey-submit').click()
  await page.locator('#allow').click()
  const tokens = await redeem(await answer(page, asked), asked)
  const claims = JSON.parse(Buffer.from(tokens.id_token.split('.')[1], 'base64url'))
  assert.equal(claims.acr, 'urn:grantway:acr:2')
})

await finish()
