// An application that opens a small window, which comes back and tells its opener.
import assert from 'node:assert/strict'
import { answer, finish, journey, look, narrow, redeem, request, signIn, site } from './browser.mjs'

await journey('in a window of its own', {}, async (page) => {
  await page.goto(site.app + '/')
  const asked = request()
  const [popup] = await Promise.all([page.waitForEvent('popup'), page.evaluate((url) => {
    window.told = new Promise((done) => addEventListener('message', (m) => done(m.data)))
    window.open(url, 'signin', 'width=680,height=420')
  }, asked.url)])
  await popup.setViewportSize({ width: 680, height: 420 })
  await popup.locator('#signin').waitFor()
  await look(popup, 'popup-signin')
  assert.ok(await popup.locator('#submit').evaluate((e) => e.getBoundingClientRect().bottom <= innerHeight), 'the button is out of sight')
  await signIn(popup)
  await popup.locator('#allow').waitFor()
  await look(popup, 'popup-consent')
  await narrow(popup, 'consent')
  assert.ok(await popup.locator('#allow').evaluate((e) => e.getBoundingClientRect().bottom <= innerHeight), 'the buttons are out of sight')
  await popup.locator('#allow').click()
  await redeem(await answer(popup, asked), asked)
  assert.equal(await page.evaluate(() => Promise.race([window.told, new Promise((late) => setTimeout(late, 20_000, 'nothing'))])), 'back')
})

await journey('alone, nobody holds the account page', {}, async (page) => {
  await page.goto(site.app + '/')
  const [popup] = await Promise.all([page.waitForEvent('popup'), page.evaluate((url) => {
    window.opened = window.open(url, 'account', 'width=680,height=420')
  }, site.issuer + '/account')])
  await popup.locator('#signin').waitFor()
  assert.equal(await popup.evaluate(() => window.opener), null)
})

await finish()
