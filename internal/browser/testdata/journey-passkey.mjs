// A passkey: made on the account page, then the way to sign in.
import assert from 'node:assert/strict'
import { answer, finish, journey, look, redeem, request, signIn, site } from './browser.mjs'

await journey('a passkey is made and used', {}, async (page, context) => {
  const device = await context.newCDPSession(page)
  await device.send('WebAuthn.enable')
  const { authenticatorId } = await device.send('WebAuthn.addVirtualAuthenticator', { options: {
    protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true,
    automaticPresenceSimulation: true,
  } })
  await page.goto(site.issuer + '/account')
  await signIn(page)
  await page.locator('#add-passkey').click()
  await look(page, 'addpasskey')
  await page.locator('#label').fill('The tests')
  await page.locator('#submit').click()
  await page.locator('#codes').waitFor()
  await page.locator('#next').click()
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

  await context.clearCookies() // and as the second proof, after the password
  await page.goto(site.issuer + '/login')
  await signIn(page)
  await page.locator('#passkey-submit').click()
  await page.locator('#applications').waitFor()

  await device.send('WebAuthn.clearCredentials', { authenticatorId })
  await context.clearCookies()
  await page.goto(site.issuer + '/login')
  await page.locator('#passkey-submit').click()
  await page.locator('#passkey .failed', { hasText: /./ }).waitFor()
  await look(page, 'passkey-failed')
  await signIn(page) // the password is asked for a second proof: there is a passkey
  await look(page, 'second-passkey')
})

await finish()
