// Signing out: on the page, by the application, and by a stranger's link.
import assert from 'node:assert/strict'
import { arrive, call, finish, journey, look, request, signIn, site } from './browser.mjs'

await journey('by the application', {}, async (page) => {
  const tokens = await arrive(page)
  assert.equal((await call(tokens.access_token)).status, 200)
  await page.goto(site.issuer + '/logout?' + new URLSearchParams({
    id_token_hint: tokens.id_token, post_logout_redirect_uri: site.app + '/signedout', state: 'x y',
  }))
  if (await page.locator('#submit').count()) await page.locator('#submit').click()
  await page.waitForURL((url) => url.href.startsWith(site.app + '/signedout'))
  assert.equal(new URL(page.url()).searchParams.get('state'), 'x y')
  assert.equal((await call(tokens.access_token)).status, 401)
  await page.goto(request().url)
  await page.locator('#signin').waitFor()
})

await journey('by a link of nobody', {}, async (page) => {
  await page.goto(site.issuer + '/account')
  await signIn(page)
  await page.locator('#applications').waitFor()
  await page.goto(site.issuer + '/logout')
  await look(page, 'signout')
  await page.locator('#back').click()
  await page.locator('#applications').waitFor()
  await page.locator('#signout button').click()
  await look(page, 'signedout')
  await page.goto(site.issuer + '/account')
  await page.locator('#signin').waitFor()
})

await finish()
