// A token, calls with it, and its renewal, with Node's own fetch and no dependency:
//
//   node recipe.mjs call    one call
//   node recipe.mjs job     a scheduled job: one batch, and a status for the scheduler
//   node recipe.mjs sync    a data sync: page after page with one token
//
// TOKEN_URL, API_URL, CLIENT_ID, CLIENT_SECRET and, where it is needed, SCOPE come
// from the environment. This is for a server: a page that holds the secret gives it
// away.
const { TOKEN_URL, API_URL, CLIENT_ID, CLIENT_SECRET, SCOPE } = process.env

class Stop extends Error {} // a person has to mend something
class Later extends Error {} // it is nobody's fault; come back

let held = { value: undefined, renewAt: 0 }
let asking = null // the request that is under way, which all callers share

// token returns one that lives, and is not the one that the API called bad.
async function token(bad) {
  if (held.value !== bad && Date.now() < held.renewAt) return held.value
  asking ??= ask().finally(() => { asking = null })
  return asking
}

async function ask() {
  const began = Date.now()
  const response = await send(TOKEN_URL, {
    method: 'POST',
    redirect: 'error', // whoever follows one sends the secret to where somebody else says
    body: new URLSearchParams({
      grant_type: 'client_credentials', client_id: CLIENT_ID, client_secret: CLIENT_SECRET, ...(SCOPE && { scope: SCOPE }),
    }),
  })
  const answer = await response.json().catch(() => ({})) // a page of some proxy is no answer
  if (!response.ok || !answer.access_token) {
    throw new Stop(`no token: status ${response.status}, ${answer.error}: ${answer.error_description}`)
  }
  const lives = Number(answer.expires_in) || 300
  held = { value: answer.access_token, renewAt: began + lives * 800 } // when a fifth of its life is left
  return held.value
}

// api makes a call and returns what its answer holds.
async function api(method, path, body) {
  const call = (token) => send(API_URL + path, {
    method, body: body && JSON.stringify(body),
    headers: { Authorization: `Bearer ${token}`, ...(body && { 'Content-Type': 'application/json' }) },
  })
  const used = await token()
  let response = await call(used)
  if (response.status === 401) response = await call(await token(used)) // once; a 403 is not about the token
  if (!response.ok) throw new Stop(`${method} ${path}: status ${response.status}`)
  return response.json()
}

async function send(url, options) {
  let response
  try {
    response = await fetch(url, { ...options, signal: AbortSignal.timeout(30_000) })
  } catch (error) {
    throw new Later(`${url} does not answer: ${error.cause?.code ?? error.name}`)
  }
  if (response.status === 429 || response.status >= 500) {
    throw new Later(`${url} is busy (${response.status}), for ${response.headers.get('retry-after') ?? 'some'} seconds`)
  }
  return response
}

const uses = {
  async call() {
    console.log(JSON.stringify(await api('GET', '/moves?limit=1')))
  },
  async job() {
    const today = new Date().toISOString().slice(0, 10)
    const stored = await api('POST', '/biometrics', { account_id: 'account-001', measured_on: today, weight_kg: 70.5 })
    console.log('stored', stored.id)
  },
  async sync() {
    for (let offset = 0, total = 1; offset < total; offset += 50) {
      const page = await api('GET', `/moves?limit=50&offset=${offset}`)
      for (const move of page.items) console.log(JSON.stringify(move))
      total = page.total
    }
  },
}

try {
  const use = uses[process.argv[2]]
  if (!use) throw new Stop('say call, job or sync')
  await use()
} catch (error) {
  if (!(error instanceof Stop || error instanceof Later)) throw error
  console.error(`recipe: ${error.message}`)
  process.exitCode = error instanceof Later ? 75 : 1 // 75 is EX_TEMPFAIL: the scheduler comes back
}
