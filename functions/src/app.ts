import {
  type BrokerCode,
  CocoonError,
  type CollateralResponse,
  type ErrorResponse,
  isBrokerCode,
  issuePath,
  MatchRequest,
  type ModelsResponse,
  networks,
  nodeId,
  PROTOCOL_VERSION,
  SignInRequest,
  type SignInResponse,
  SUBPROTOCOL,
} from '@cocoon/protocol'
import { type Context, Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import * as v from 'valibot'
import { standingCarrier } from './attestation/node-attestation.ts'
import { leaseInTurn, nameCandidate } from './leasing.ts'
import { log, logFault } from './log.ts'
import { addressOf, countAgainst, type RateLimitName } from './rate-limits.ts'
import { readiness } from './readiness.ts'
import { regionsFor, type Settings, settingsOf } from './settings.ts'
import { RENEWAL_SECONDS, SESSION_SECONDS, SIGN_IN_WINDOW, verifySignIn } from './sign-in.ts'
import { issueToken, readSession, type Session } from './token.ts'

type Door = Context<{ Bindings: Env }>

const statusOf: Record<BrokerCode, ContentfulStatusCode> = {
  malformed: 400,
  'not-found': 404,
  'wrong-order': 409,
  'body-too-large': 413,
  'signed-out': 401,
  'sign-in-refused': 401,
  'sign-in-replayed': 401,
  'trial-spent': 402,
  'rate-limited': 429,
  'no-node': 503,
  'all-busy': 429,
  'model-not-served': 404,
  'lease-expired': 409,
  'node-gone': 503,
  'node-lost': 503,
  'unknown-job': 404,
  'broker-fault': 500,
}

function errorBody(code: BrokerCode, message: string, retryAfterMs?: number): ErrorResponse {
  return { error: { code, message, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) } }
}

const nowSeconds = (): number => Math.floor(Date.now() / 1000)

async function readBody<Schema extends v.GenericSchema>(c: Door, schema: Schema): Promise<v.InferOutput<Schema>> {
  let body: unknown
  try {
    body = await c.req.json()
  } catch (cause) {
    throw new CocoonError('malformed', 'the body is not JSON', { cause })
  }
  const result = v.safeParse(schema, body)
  if (!result.success) throw new CocoonError('malformed', `the body is wrong: ${issuePath(result.issues[0])}`)
  return result.output
}

async function sessionOf(c: Door): Promise<Session> {
  const token = /^Bearer ([\w.-]+)$/.exec(c.req.header('authorization') ?? '')?.[1] ?? ''
  return readSession(settingsOf(c.env).SESSION_SECRET, token, nowSeconds())
}

function continentOf(c: Door): string | undefined {
  const cf = c.req.raw.cf as { continent?: string } | undefined
  return cf?.continent
}

/** Counts a request against the limit of the address it comes from. */
function countAddress(c: Door, name: RateLimitName): Promise<void> {
  return countAgainst(c.env, name, addressOf(c.req.header('cf-connecting-ip')))
}

function trialOf(settings: Settings, user: string): number {
  return user.startsWith('telegram:') ? settings.TRIAL_QUESTIONS : settings.TRIAL_FOR_KEYS
}

/** Hands a WebSocket to the relay of a node. Only here are the headers set that the relay believes. */
function relay(c: Door, node: string, headers: Record<string, string>): Promise<Response> {
  if (c.req.header('upgrade')?.toLowerCase() !== 'websocket') {
    throw new CocoonError('malformed', 'this address speaks WebSocket only')
  }
  const request = new Request(c.req.url, { headers: { upgrade: 'websocket', ...headers } })
  return c.env.NODE_RELAY.getByName(node).fetch(request)
}

function nodeIn(c: Door): string {
  const result = v.safeParse(nodeId, c.req.param('node'))
  if (!result.success) throw new CocoonError('not-found', 'a node id is 64 hexadecimal digits')
  return result.output
}

function content(c: Door, bytes: Uint8Array<ArrayBuffer>, cacheControl: string): Response {
  return c.body(bytes, 200, { 'content-type': 'application/cbor', 'cache-control': cacheControl })
}

/** The stateless doors: they check who asks and in what form, and hand on to the one object that decides. */
export const app = new Hono<{ Bindings: Env }>().basePath('/api')

app.use(async (c, next) => {
  await next()
  // Nothing here is for a cache, but what is named by its digest; and nothing for a frame or another origin.
  if (c.res.status === 101) return
  if (!c.res.headers.has('cache-control')) c.res.headers.set('cache-control', 'no-store')
  // Clients with a wrong clock sign in by ours; workerd adds no date of its own, Cloudflare does.
  c.res.headers.set('date', new Date().toUTCString())
  c.res.headers.set('x-content-type-options', 'nosniff')
})

/** Where a body is read, and only there: a GET with one cannot be made anew, which is how it is measured. */
const bounded = bodyLimit({
  maxSize: 64 * 1024,
  onError: (c) => c.json(errorBody('body-too-large', 'a request body has at most 64 KiB here'), 413),
})

/** This isolate runs. Nothing else is asked: whoever restarts things by it should not do so for a lost setting. */
app.get('/health', (c) => c.json({ ok: true, network: c.env.NETWORK, version: PROTOCOL_VERSION }))

/** Questions could be answered: the settings parse, the matchers are there. Says what is missing. */
app.get('/ready', async (c) => {
  await countAddress(c, 'LIMIT_READ_ADDRESS')
  const { ready, ...body } = await readiness(c.env)
  return c.json({ ready, ...body }, ready ? 200 : 503)
})

app.get('/models', async (c) => {
  await countAddress(c, 'LIMIT_READ_ADDRESS')
  const settings = settingsOf(c.env)
  const regions = regionsFor(settings, continentOf(c))
  const models = settings.MODELS.map(async ({ id, name, about }) => {
    const summaries = await Promise.all(regions.map((region) => c.env.MATCHER.getByName(`${id}|${region}`).summary()))
    const prices = summaries.flatMap(({ price }) => price ?? [])
    const cheapest = prices.toSorted((a, b) => (BigInt(a.completion) < BigInt(b.completion) ? -1 : 1))[0]
    return {
      id,
      name,
      about,
      nodes: summaries.reduce((sum, { nodes }) => sum + nodes, 0),
      free: summaries.reduce((sum, { free }) => sum + free, 0),
      price: cheapest ?? null,
      context: Math.max(...summaries.map(({ context }) => context)),
    }
  })
  const network = networks[settings.NETWORK]
  return c.json({ network, models: await Promise.all(models) } satisfies ModelsResponse)
})

app.post('/sign-in', bounded, async (c) => {
  await countAddress(c, 'LIMIT_SIGN_IN_ADDRESS')
  const settings = settingsOf(c.env)
  const request = await readBody(c, SignInRequest)
  const origin = new URL(c.req.url).origin
  const signIn = await verifySignIn(request, origin, settings, nowSeconds())
  await countAgainst(c.env, 'LIMIT_SIGN_IN_USER', signIn.user)
  const account = c.env.ACCOUNT.getByName(signIn.user)
  // Twice the window, so that what this forgets is refused for its age.
  if (!(await account.admitSignIn(signIn.once, signIn.holder, Date.now() + 2 * SIGN_IN_WINDOW * 1000))) {
    throw new CocoonError('sign-in-replayed', 'this sign-in was used before: open the app again')
  }
  const expires = nowSeconds() + SESSION_SECONDS
  const token = await issueToken(settings.SESSION_SECRET, { purpose: 'session', user: signIn.user, expires })
  const renewal = await issueToken(settings.SESSION_SECRET, {
    purpose: 'renewal',
    user: signIn.user,
    key: signIn.key,
    expires: nowSeconds() + RENEWAL_SECONDS,
  })
  const trial = await account.trial(trialOf(settings, signIn.user))
  return c.json({ token, expires, renewal, trial } satisfies SignInResponse)
})

app.get('/account', async (c) => {
  await countAddress(c, 'LIMIT_READ_ADDRESS')
  const { user } = await sessionOf(c)
  return c.json({ trial: await c.env.ACCOUNT.getByName(user).trial(trialOf(settingsOf(c.env), user)) })
})

app.post('/match', bounded, async (c) => {
  await countAddress(c, 'LIMIT_MATCH_ADDRESS')
  const settings = settingsOf(c.env)
  const { user } = await sessionOf(c)
  await countAgainst(c.env, 'LIMIT_MATCH_USER', user)
  const { model, policy, exclude, ahead } = await readBody(c, MatchRequest)
  if (!settings.MODELS.some(({ id }) => id === model)) {
    throw new CocoonError('model-not-served', 'this broker does not carry that model')
  }
  const wish = { user, model, policy, exclude }
  const regions = regionsFor(settings, continentOf(c))
  if (ahead) return c.json(await nameCandidate(c.env, regions, wish))
  const caller = { signal: c.req.raw.signal, waitUntil: (done: Promise<unknown>) => c.executionCtx.waitUntil(done) }
  return c.json(await leaseInTurn(c.env, regions, wish, caller))
})

/** What the owners say today: registry statement and stamp, CBOR. Devices verify both. */
app.get('/standing', async (c) => {
  await countAddress(c, 'LIMIT_READ_ADDRESS')
  const { bytes } = await standingCarrier(c.env).current()
  if (!bytes) throw new CocoonError('not-found', 'this broker carries no registry statement now')
  return content(c, bytes, 'no-store')
})

app.get('/nodes/:node/collateral', async (c) => {
  await countAddress(c, 'LIMIT_READ_ADDRESS')
  const collateral = await c.env.NODE_RELAY.getByName(nodeIn(c)).collateral()
  return c.json({ collateral } satisfies CollateralResponse)
})

/** Evidence and collateral by digest: whoever fetched it never has to again. */
app.get('/nodes/:node/content/:digest', async (c) => {
  await countAddress(c, 'LIMIT_READ_ADDRESS')
  const digest = c.req.param('digest')
  if (!v.is(nodeId, digest)) throw new CocoonError('not-found', 'a digest is 64 hexadecimal digits')
  const bytes = await c.env.NODE_RELAY.getByName(nodeIn(c)).content(digest)
  if (!bytes) throw new CocoonError('not-found', 'nothing with this digest is kept for this node')
  return content(c, bytes, 'public, max-age=86400, immutable')
})

/** A user's socket to one node. The session travels as a second subprotocol: browsers set no headers, and URLs get logged. */
app.get('/nodes/:node/jobs', async (c) => {
  await countAddress(c, 'LIMIT_SOCKET_ADDRESS')
  const node = nodeIn(c)
  const [protocol, token = ''] = (c.req.header('sec-websocket-protocol') ?? '').split(/, */)
  if (protocol !== SUBPROTOCOL)
    throw new CocoonError('malformed', `the subprotocol is ${SUBPROTOCOL}, then the session`)
  const { user } = await readSession(settingsOf(c.env).SESSION_SECRET, token, nowSeconds())
  await countAgainst(c.env, 'LIMIT_SOCKET_USER', user)
  return relay(c, node, { 'x-cocoon-role': 'client', 'x-cocoon-user': user })
})

/** The node's own socket; it proves who it is inside. */
app.get('/nodes/:node/link', async (c) => {
  await countAddress(c, 'LIMIT_LINK_ADDRESS')
  const node = nodeIn(c)
  const region = regionsFor(settingsOf(c.env), continentOf(c))[0] ?? ''
  return relay(c, node, { 'x-cocoon-role': 'node', 'x-cocoon-node': node, 'x-cocoon-region': region })
})

app.notFound((c) => c.json(errorBody('not-found', 'there is nothing at this address'), 404))

app.onError((error, c) => {
  // The pattern, not the path: an address may hold what somebody pasted into it.
  const route = c.req.routePath
  if (error instanceof CocoonError) {
    const code = isBrokerCode(error.code) ? error.code : 'malformed'
    // A limit says itself that it was reached.
    if (code !== 'rate-limited') log('door.refused', { code, route })
    if (error.retryAfterMs !== undefined) c.header('retry-after', String(Math.ceil(error.retryAfterMs / 1000)))
    return c.json(errorBody(code, error.message, error.retryAfterMs), statusOf[code])
  }
  logFault('door.fault', error, { route })
  return c.json(errorBody('broker-fault', 'something failed here; try again'), 500)
})
