// The answer by a form, by the script and, without one, by its button.
import assert from 'node:assert/strict'
import { answer, finish, journey, picture, redeem, request, signIn } from './browser.mjs'

for (const javaScriptEnabled of [true, false]) {
  await journey(`form_post, with scripts ${javaScriptEnabled}`, { javaScriptEnabled }, async (page) => {
    const asked = request({ response_mode: 'form_post', prompt: 'consent' })
    await page.goto(asked.url)
    await signIn(page)
    await page.locator('#allow').click()
    if (!javaScriptEnabled) {
      await page.locator('main button').waitFor()
      await picture(page, 'formpost')
      await page.locator('main button').click()
    }
    const got = await answer(page, asked)
    assert.equal(got.method, 'POST')
    assert.equal(page.url().includes('code='), false)
    await redeem(got, asked)

    const no = request({ response_mode: 'form_post', prompt: 'consent' })
    await page.goto(no.url)
    await page.locator('#deny').click()
    if (!javaScriptEnabled) await page.locator('main button').click()
    assert.equal((await answer(page, no)).error, 'access_denied')
  })
}

await finish()
