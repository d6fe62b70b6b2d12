// A telephone: nothing scrolls sideways, targets can be hit, and the buttons of
// consent are in sight.
import assert from 'node:assert/strict'
import { answer, finish, journey, look, narrow, phone, redeem, request, signIn, site } from './browser.mjs'

// fingers says that what is to be pressed is large enough for them.
async function fingers(page, name) {
  assert.ok(await page.evaluate(() => matchMedia('(pointer: coarse)').matches), 'not a telephone')
  const small = await page.evaluate(() => [...document.querySelectorAll('button, a, summary, label:has(+ input[type=checkbox]), input[type=checkbox] + label, input:not([type=hidden], .hidden, [type=checkbox])')]
    .filter((e) => e.checkVisibility()).map((e) => [e.outerHTML.slice(0, 100), e.getBoundingClientRect().height]).filter(([, height]) => height < 44))
  assert.deepEqual(small, [], name)
}

await journey('on a telephone', phone, async (page) => {
  const asked = request()
  await page.goto(asked.url)
  await look(page, 'signin')
  await narrow(page, 'sign-in')
  await fingers(page, 'sign-in')
  await signIn(page)
  await page.locator('#allow').waitFor()
  await look(page, 'consent')
  await narrow(page, 'consent')
  await fingers(page, 'consent')
  for (const id of ['#deny', '#allow']) {
    const box = await page.locator(id).boundingBox()
    assert.ok(box.y + box.height <= 740, `${id} is out of sight: ${JSON.stringify(box)}`)
  }
  await page.locator('#allow').tap()
  await redeem(await answer(page, asked), asked)
  for (const path of ['/account', '/account/password', '/account/totp', '/account/passkey', '/account/delete', '/logout', '/reset']) {
    await page.goto(site.issuer + path)
    await look(page, path.slice(1).replace('/', '-'))
    await narrow(page, path)
    await fingers(page, path)
  }
})

await finish()
