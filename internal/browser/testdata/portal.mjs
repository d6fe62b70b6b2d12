// The portal: every page, the examples' languages by keyboard, with JavaScript and
// without, and what is copied.
import assert from 'node:assert/strict'
import { finish, journey, look, narrow, phone, picture, site } from './browser.mjs'

const portal = site.portal + '/' + site.environment
const visible = (page) => page.locator('.example .panel:visible')

await journey('every page', { viewport: { width: 1440, height: 900 } }, async (page) => {
  await page.goto(site.portal + '/')
  assert.equal(page.url(), portal + '/overview')
  const pages = await page.locator('#pages > ul:first-child a').evaluateAll((links) => links.map((l) => l.href))
  assert.equal(pages.length, 13)
  for (const address of pages) {
    await page.goto(address)
    await look(page, 'portal-' + address.split('/').at(-1))
  }
})

await journey('request and answer side by side, and the picture whole', { viewport: { width: 1280, height: 900 } }, async (page) => {
  await page.goto(portal + '/call')
  const box = (what) => page.locator(what).first().boundingBox()
  const [request, reply] = [await box('.langs .panel:nth-of-type(1)'), await box('.reply')]
  assert.ok(reply.x >= request.x + request.width && reply.y < request.y + request.height, JSON.stringify([request, reply]))
  await page.goto(portal + '/overview')
  const [way, text] = [await box('svg.way'), await box('main')]
  assert.ok(way.x + way.width <= text.x + text.width, JSON.stringify([way, text]))
})

await journey('search', {}, async (page) => {
  await page.goto(portal + '/overview')
  await page.locator('#q').fill(site.scope)
  await page.keyboard.press('Enter')
  await page.locator('.results').waitFor()
  await look(page, 'portal-search')
  await page.locator('.results a').first().click()
  await page.waitForURL((url) => url.hash.startsWith('#scope-'))
  assert.ok(await page.locator('tr:target').isVisible())
})

await journey('a language is chosen by keyboard and remembered', { permissions: ['clipboard-read', 'clipboard-write'] }, async (page) => {
  await page.goto(portal + '/call')
  const first = page.locator('input[data-language]').first()
  await first.focus()
  await page.keyboard.press('ArrowRight')
  assert.equal(await visible(page).count(), 1)
  assert.match(await visible(page).innerText(), /fetch\(/)
  await page.goto(site.portal + '/' + site.other + '/call')
  await page.waitForFunction(() => document.querySelector('input[data-language=javascript]').checked)
  await visible(page).getByRole('button').click()
  await page.getByText('Copied').first().waitFor()
  const copied = await page.evaluate(() => navigator.clipboard.readText())
  assert.equal(copied, await visible(page).locator('code').last().textContent())
})

await journey('without JavaScript, on a phone', { ...phone, javaScriptEnabled: false }, async (page) => {
  await page.goto(portal + '/call')
  await page.locator('label', { hasText: 'Python' }).click()
  assert.match(await visible(page).innerText(), /urllib/)
  assert.equal(await page.getByRole('button', { name: 'Copy' }).count(), 0)
  await page.locator('.pages').click()
  await page.locator('#pages a', { hasText: 'Errors' }).click()
  await page.locator('.switch a').last().click()
  await page.waitForURL(site.portal + '/' + site.other + '/errors')
})

await journey('on paper', {}, async (page) => {
  await page.goto(portal + '/call')
  await page.emulateMedia({ media: 'print' })
  for (const gone of ['.find', '.mine', '.switch', '#pages', '.toc', '.langs > label']) assert.equal(await page.locator(gone).first().isVisible(), false)
  assert.equal(await visible(page).count(), 1)
  await page.setViewportSize({ width: 718, height: 1000 }) // A4
  assert.ok(await page.locator('.told thead').first().isVisible(), 'tables are not printed as such')
  await narrow(page, 'portal-print')
  await picture(page, 'portal-print')
})

await finish()
