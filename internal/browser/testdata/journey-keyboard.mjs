// The keyboard alone: Tab, Enter and Space, and always a visible focus.
import assert from 'node:assert/strict'
import { answer, finish, journey, redeem, request, site } from './browser.mjs'

// tab goes on to what a selector means, and looks at the focus on every stop.
async function tab(page, selector) {
  for (let stops = 0; stops < 40; stops++) {
    const seen = await page.evaluate(() => {
      const at = document.activeElement
      if (at === document.body || at.tabIndex < 0) return null // what a skip link leads to is no control
      const style = getComputedStyle(at)
      return { html: at.outerHTML.slice(0, 120), visible: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2 }
    })
    if (seen) assert.ok(seen.visible, `no focus can be seen on ${seen.html}`)
    if (await page.evaluate((s) => document.activeElement.matches(s), selector)) return
    await page.keyboard.press('Tab')
  }
  assert.fail(`Tab does not lead to ${selector}`)
}

await journey('by keyboard', {}, async (page) => {
  const asked = request()
  await page.goto(asked.url)
  await tab(page, '#name')
  await page.keyboard.type(site.name)
  await tab(page, '#password')
  await page.keyboard.type(site.password)
  await page.keyboard.press('Enter')
  await page.locator('#allow').waitFor()
  await tab(page, 'input[value=profile_write]')
  await page.keyboard.press('Space')
  await tab(page, '#remember')
  await tab(page, '#deny')
  await tab(page, '#allow')
  await page.keyboard.press('Enter')
  const tokens = await redeem(await answer(page, asked), asked)
  assert.ok(!tokens.scope.includes('profile_write'))

  await page.goto(site.issuer + '/account')
  await tab(page, '.skip')
  await page.keyboard.press('Enter')
  await page.waitForFunction(() => document.activeElement.id === 'text')
  await tab(page, '#change')
  await tab(page, '#erase')
  await page.keyboard.press('Enter')
  await page.waitForURL('**/account/delete')
  await tab(page, '#sure')
  await tab(page, '#back')
  await page.keyboard.press('Enter')
  await page.waitForURL('**/account')
  await tab(page, '#signout button')
  await page.keyboard.press('Space')
  await page.waitForURL('**/logout')
})

await finish()
