// What a partner of one of the three systems has been told, as the server wrote
// it into its file of exports, and a first call of the API.
const env = process.env

const first = {
  timeback: { method: 'GET', path: '/ims/oneroster/rostering/v1p2/courses', check: (data) => data.courses.length > 0 && data.totalCount >= data.courses.length },
  fitness: { method: 'GET', path: '/moves', check: (data) => data.items.length > 0 && data.total >= data.items.length },
  studyteam: { method: 'POST', path: '/api/something', body: 'Body of the request', check: ({ received }) => received.method === 'POST' && received.text === 'Body of the request' },
}

export const name = env.SYSTEM
export const style = env.STYLE // basic or body

function environment(suffix) {
  const of = (variable) => env[`${name.toUpperCase()}_${variable}${suffix}`]
  const one = of('URL')
  return {
    tokenURL: one ? `${one}/oauth/token` : `${of('AUTH_URL')}/oauth2/token`,
    issuer: one ? `${one}/` : of('AUTH_URL'), // exactly as tokens and metadata say it
    api: one ?? of('API_URL'),
    clientId: of('CLIENT_ID'),
    secret: of('CLIENT_SECRET'),
    audience: of('AUDIENCE'), // of StudyTeam only
  }
}

export const staging = environment('')
export const production = environment('_PRODUCTION')
export const wrongSecret = { ...staging, secret: 'not_the_secret' }
export const firstCall = first[name]

// Where there are scopes: one that opens the first call, in a spelling that
// libraries have to encode, and a call that needs another.
const rostering = '/ims/oneroster/rostering/v1p2'
export const narrowing = {
  timeback: { scope: 'https://purl.imsglobal.org/spec/or/v1p2/scope/roster-core.readonly', closed: `${rostering}/demographics`, needs: 'scope/roster-demographics.readonly' },
  fitness: { scope: 'read:moves', closed: '/accounts', needs: 'read:accounts' },
}[name]

// What a wrong secret is called, and its status.
export const refusedSecret = {
  timeback: { status: style === 'basic' ? 401 : 400, error: 'invalid_client' },
  fitness: { status: 401, error: 'invalid_client' },
  studyteam: { status: 401, error: 'access_denied' },
}[name]

// Parameters of a token request, beside what the library sends by itself.
export function parameters(to, scope) {
  const more = {}
  if (to.audience) more.audience = to.audience
  if (scope) more.scope = scope
  return more
}
