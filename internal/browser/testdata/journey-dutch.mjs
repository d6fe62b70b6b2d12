// In Dutch, by the browser's wish, by the application's and by the account's.
import assert from 'node:assert/strict'
import { finish, journey, look, request, signIn } from './browser.mjs'

const dutch = async (page) => assert.equal(await page.locator('html').getAttribute('lang'), 'nl')

await journey('as the browser wants it', { locale: 'nl-NL' }, async (page) => {
  await page.goto(request().url)
  await dutch(page)
  await page.getByRole('button', { name: 'Aanmelden' }).waitFor()
  await look(page, 'nl-signin')
  await signIn(page, 'ann', 'niet het wachtwoord')
  await look(page, 'nl-signin-wrong')
  await signIn(page)
  await page.getByText('Uw gebruikersnaam zien').first().waitFor()
  await dutch(page)
  await look(page, 'nl-consent')
})

await journey('as the application wants it', {}, async (page) => {
  await page.goto(request({ ui_locales: 'fy nl' }).url)
  await dutch(page)
})

await journey('as the account says', {}, async (page) => {
  await page.goto(request().url)
  assert.equal(await page.locator('html').getAttribute('lang'), 'en') // nobody knows who comes
  await signIn(page, 'bram')
  await page.getByText('Uw gebruikersnaam zien').first().waitFor()
  await dutch(page)
  await page.goto(request({ ui_locales: 'en' }).url) // the application's wish goes first
  await page.getByText('See your user name').first().waitFor()
})

await journey('in a language that there is none of', { locale: 'fr-FR' }, async (page) => {
  await page.goto(request().url)
  assert.equal(await page.locator('html').getAttribute('lang'), 'en')
})

await finish()
