// Errors: a page where nothing can be told to the application, and the way back
// for people who come late.
import assert from 'node:assert/strict'
import { finish, journey, look, request, signIn, site } from './browser.mjs'

await journey('what cannot be right', {}, async (page) => {
  for (const [name, change] of Object.entries({
    redirect: { redirect_uri: site.app + '/elsewhere' }, client: { client_id: 'nobody' },
  })) {
    const response = await page.goto(request(change).url)
    assert.equal(response.status(), 400)
    await look(page, `failure-${name}`)
  }
  const response = await page.goto(site.issuer + '/login?request=nothing')
  assert.equal(response.status(), 400)
  await look(page, 'failure-expired')
})

await journey('a form of another browser', {}, async (page, context) => {
  await page.goto(request().url)
  await context.clearCookies()
  await signIn(page)
  await look(page, 'failure-form')
  assert.equal(await page.locator('#allow').count(), 0)
})

await finish()
