// A forgotten password, and an address that is confirmed, by mail.
import { finish, journey, look, mail, signIn, site } from './browser.mjs'

// open opens the newest mail's link.
async function open(page, name) {
  const link = await mail(page, '/' + name)
  await look(page, `mails-${name}`)
  await link.click()
}

await journey('the address is confirmed', {}, async (page) => {
  await page.goto(site.issuer + '/account')
  await signIn(page)
  await page.locator('#email button').click()
  await page.locator('#done').waitFor()
  await open(page, 'verify')
  await look(page, 'verify')
  await page.locator('#submit').click()
  await page.locator('#next').waitFor()
  await look(page, 'verified')
})

await journey('a password is chosen anew', {}, async (page) => {
  await page.goto(site.issuer + '/login')
  await page.locator('#forgotten').click()
  await look(page, 'forgotten')
  await page.locator('#name').fill('ann@example.com')
  await page.locator('#submit').click()
  await look(page, 'sent')
  await open(page, 'reset')
  await look(page, 'reset')
  await page.locator('#password').fill('another term in Leiden')
  await page.locator('#again').fill('another term in Leiden')
  await page.locator('#submit').click()
  await page.locator('#done').waitFor()
  await look(page, 'reset-done')
  await signIn(page, site.name, 'another term in Leiden')
  await page.locator('#applications').waitFor()
})

await finish()
