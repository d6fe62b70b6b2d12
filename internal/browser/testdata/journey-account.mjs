// My account: applications, sessions, the export, and the end of it.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { arrive, call, finish, journey, look, request, signIn, site } from './browser.mjs'

await journey('what an application may do is taken back', {}, async (page) => {
  const tokens = await arrive(page, request({ scope: 'username profile_read profile_write' }))
  assert.equal((await call(tokens.access_token)).status, 200)
  await page.goto(site.issuer + '/account')
  await page.getByText('Study Planner').first().waitFor()
  await look(page, 'account')
  await page.locator('form[action$="/account/application"] button').click()
  await page.locator('#done').waitFor()
  const until = Date.now() + 10_000 // a second, on a machine that has time
  let status
  do status = (await call(tokens.access_token)).status
  while (status !== 401 && Date.now() < until)
  assert.equal(status, 401)
  assert.equal(await page.getByText('Study Planner').count(), 0)
  await look(page, 'account-done')
})

await journey('other sessions end', {}, async (page, context) => {
  await page.goto(site.issuer + '/account')
  await signIn(page)
  await page.locator('#applications').waitFor()
  const cookies = await context.cookies()
  await context.clearCookies()
  await page.goto(site.issuer + '/account')
  await signIn(page)
  await page.locator('#others button').click()
  await page.locator('#done').waitFor()
  assert.equal(await page.locator('#others').count(), 0)
  await context.clearCookies()
  await context.addCookies(cookies)
  await page.goto(site.issuer + '/account')
  await page.locator('#signin').waitFor()
})

await journey('one session ends', {}, async (page, context) => {
  const sessions = page.locator('form[action$="/account/session"]:not(#others) button')
  await page.goto(site.issuer + '/account')
  await signIn(page)
  await page.locator('#applications').waitFor()
  const cookies = await context.cookies()
  await context.clearCookies()
  await page.goto(site.issuer + '/account')
  await signIn(page)
  await look(page, 'account-sessions')
  const before = await sessions.count()
  await sessions.first().click()
  await page.locator('#done').waitFor()
  assert.equal(await sessions.count(), before - 1)
  await sessions.first().click()
  await page.locator('#done').waitFor()
  await context.clearCookies()
  await context.addCookies(cookies)
  await page.goto(site.issuer + '/account')
  await page.locator('#signin').waitFor()
})

await journey('the password is changed', {}, async (page) => {
  await page.goto(site.issuer + '/account')
  await signIn(page)
  await page.locator('#change').click()
  await look(page, 'change')
  await page.locator('#current').fill(site.password)
  await page.locator('#password').fill('another term in Leiden')
  await page.locator('#again').fill('another term in Leyden')
  await page.locator('#submit').click()
  await page.locator('#problem').waitFor()
  await look(page, 'change-wrong')
  await page.locator('#current').fill(site.password)
  await page.locator('#password').fill('another term in Leiden')
  await page.locator('#again').fill('another term in Leiden')
  await page.locator('#submit').click()
  await page.locator('#done').waitFor()
  site.password = 'another term in Leiden'
})

await journey('the data is taken along, and the account deleted', { acceptDownloads: true }, async (page) => {
  await page.goto(site.issuer + '/account')
  await signIn(page)
  const [file] = await Promise.all([page.waitForEvent('download'), page.locator('#export button').click()])
  assert.equal(JSON.parse(await readFile(await file.path())).name, site.name)
  await page.locator('#erase').click()
  await look(page, 'erase')
  await page.locator('#password').fill(site.password)
  await page.locator('#sure').check()
  await page.locator('#submit').click()
  await page.locator('#done').waitFor()
  await look(page, 'erased')
  await page.goto(site.issuer + '/login')
  await signIn(page)
  await page.locator('#problem').waitFor()
})

await finish()
