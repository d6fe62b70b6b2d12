// Signing in at an OpenID provider, in an environment with a name, a logo and a
// colour of its own. The provider is the other environment.
import assert from 'node:assert/strict'
import { answer, finish, journey, look, move, phone, redeem, request, signIn, site } from './browser.mjs'

const there = site.issuer
await move(site.brand)

const at = (page, issuer) => page.waitForURL((url) => url.href.startsWith(issuer + '/'))
const asked = (change) => request({ scope: 'openid username profile_read', ...change })

// go goes from the first page to a provider, signs in there, and decides, if that is
// still to be done.
async function go(page, name, decision) {
  await page.locator(`a[href*="/login/to/${name}"]`).click()
  await at(page, there)
  await signIn(page)
  if (decision) await page.locator('#' + decision).click()
  await at(page, site.brand)
}

// branded says that a page has the look.
async function branded(page) {
  await page.waitForLoadState()
  assert.ok((await page.locator('.brand').textContent()).includes('Universitas Borealis'))
  assert.ok(await page.locator('.brand img').evaluate((image) => image.complete && image.naturalWidth > 0), 'the logo')
  assert.match(await page.title(), /Universitas Borealis/)
}

await journey('the person does not allow it there', {}, async (page) => {
  const first = asked()
  await page.goto(first.url)
  await go(page, 'registry', 'deny')
  await page.locator('#signin').waitFor() // and may go another way, with the same request
  await page.locator('a[href*="/login/to/academy"]').click()
  await page.locator('#deny').waitFor()
})

await journey('nobody here is that person there', {}, async (page) => {
  await page.goto(asked().url)
  await go(page, 'registry', 'allow')
  await page.locator('#problem').waitFor()
  assert.equal(await page.locator('[aria-invalid]').count(), 0, 'nothing was typed')
  await branded(page)
  await look(page, 'brand-provider-unknown')
})

for (const [name, options, decision] of [['for the first time', {}, 'allow'], ['again, on a telephone', phone]]) {
  await journey(name, options, async (page) => {
    const first = asked({ prompt: 'consent' })
    await page.goto(first.url)
    await branded(page)
    await look(page, 'brand-signin')
    await go(page, 'academy', decision)
    await page.locator('#allow').waitFor()
    await branded(page)
    await look(page, 'brand-consent')
    await page.locator('#allow').click()
    await redeem(await answer(page, first), first)
    await page.goto(site.brand + '/account')
    await branded(page)
    await page.getByText('The Academy').first().waitFor()
    await look(page, 'brand-account')
    await page.goto(site.brand + '/account/password') // a first one
    await look(page, 'brand-password')
    await page.goto(site.brand + '/logout')
    await look(page, 'brand-signout')
  })
}

await finish()
