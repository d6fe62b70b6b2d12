// The whole of what a page does: it calls its own server. There is no token here,
// and no code that could handle one.
const show = (id, on) => { document.getElementById(id).hidden = !on }
const write = (id, text) => { document.getElementById(id).textContent = text }

async function call(path) {
  const answer = await fetch(path, { headers: { Accept: 'application/json' } })
  const body = await answer.json()
  if (answer.status === 401 && body.login) location.assign(body.login) // the session has ended
  if (!answer.ok) throw new Error(`${body.error_description}. ${body.cure} (${body.trace_id})`)
  return body
}

document.getElementById('logout').addEventListener('click', async () => {
  const answer = await fetch('/auth/logout', { method: 'POST', headers: { Accept: 'application/json' } })
  location.assign((await answer.json()).url) // where the session at the issuer ends, too
})

const me = await call('/auth/me')
show('login', !me.signed_in)
show('logout', me.signed_in)
write('who', me.signed_in ? `Signed in as ${me.claims.name ?? me.claims.preferred_username}.` : 'Nobody is signed in.')
if (me.signed_in) {
  try {
    write('data', JSON.stringify(await call('/api/v0/user'), null, 2))
  } catch (e) {
    write('data', e.message)
  }
}
