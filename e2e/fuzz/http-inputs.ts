import type { SeededRandom } from '../chaos/seeded-random.ts'
import { deepJson, mutateBytes, mutateValue, oddValue } from './mutation.ts'
import { keySignInBody, matchBody, renewalBody, telegramBody, type User } from './users.ts'

/** One request, ready to be sent. */
export interface HttpInput {
  /** Which door it was made for, for the count. */
  readonly door: string
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string | string[]>>
  readonly body: Uint8Array | undefined
  /** Sends the body without its length, in pieces. */
  readonly chunked: boolean
}

const doors = [
  'health',
  'ready',
  'models',
  'sign-in',
  'account',
  'match',
  'jobs',
  'link',
  'standing',
  'collateral',
  'content',
  'nowhere',
] as const
const methods = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'HEAD', 'PROPFIND', 'QUERY']
const paths = [
  '/%',
  '/%00',
  '/%ff%fe',
  '//',
  '/..',
  '/.',
  '/;a=b',
  '?x=1&x=2',
  '#frag',
  '/\\',
  '/%2e%2e/',
  '/a'.repeat(500),
]
const types = [
  'application/json',
  'text/plain',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  '',
]

/** A request for a random door: right in form, then damaged somewhere more often than not. */
export async function makeHttpInput(
  random: SeededRandom,
  origin: string,
  users: readonly User[],
  nodes: readonly string[],
): Promise<HttpInput> {
  const user = random.pick(users)
  const door = random.pick(doors)
  const node = random.chance(0.7) && nodes.length > 0 ? random.pick(nodes) : random.word(64)
  const right = await rightRequest(random, door, origin, user, node)
  const method = random.chance(0.1) ? random.pick(methods) : right.method
  const path = random.chance(0.15) ? right.path + random.pick(paths) : right.path
  return {
    door: `${right.method} ${door}`,
    method,
    path: random.chance(0.03) ? mutatePath(random, path) : path,
    headers: random.chance(0.25) ? mutateHeaders(random, right.headers) : right.headers,
    body: bodyOf(random, right.body, method, door === 'match'),
    chunked: random.chance(0.1),
  }
}

interface RightRequest {
  readonly method: string
  readonly path: string
  readonly headers: Record<string, string>
  readonly body?: unknown
}

async function rightRequest(
  random: SeededRandom,
  door: (typeof doors)[number],
  origin: string,
  user: User,
  node: string,
): Promise<RightRequest> {
  const signed = { authorization: `Bearer ${user.token}` }
  const json = { 'content-type': 'application/json' }
  const socket = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13' }
  const key = { 'sec-websocket-key': Buffer.from(random.bytes(16)).toString('base64') }
  switch (door) {
    case 'sign-in':
      return { method: 'POST', path: '/api/sign-in', headers: json, body: await signInBody(random, origin, user) }
    case 'account':
      return { method: 'GET', path: '/api/account', headers: signed }
    case 'match':
      return { method: 'POST', path: '/api/match', headers: { ...json, ...signed }, body: matchBody }
    case 'jobs': {
      const protocols = { 'sec-websocket-protocol': `cocoon.1, ${user.token}` }
      // Whole sockets are the work of others: this is about the door, so something is missing.
      const upgrade = random.chance(0.5) ? { ...socket, ...key } : {}
      const path = `/api/nodes/${random.chance(0.5) ? node : random.word(20)}/jobs`
      return { method: 'GET', path, headers: random.chance(0.5) ? upgrade : { ...upgrade, ...protocols } }
    }
    case 'link':
      return {
        method: 'GET',
        path: `/api/nodes/${node}/link`,
        headers: random.chance(0.2) ? { ...socket, ...key } : {},
      }
    case 'collateral':
      return {
        method: 'GET',
        path: `/api/nodes/${random.chance(0.7) ? node : random.word(64)}/collateral`,
        headers: {},
      }
    case 'content': {
      const digest = random.chance(0.7) ? Buffer.from(random.bytes(32)).toString('hex') : random.word(70)
      return { method: 'GET', path: `/api/nodes/${node}/content/${digest}`, headers: {} }
    }
    case 'nowhere':
      return { method: random.pick(methods), path: `/api/${random.word(5)}`, headers: {} }
    case 'health':
    case 'ready':
    case 'models':
    case 'standing':
      return { method: 'GET', path: `/api/${door}`, headers: {} }
  }
}

async function signInBody(random: SeededRandom, origin: string, user: User): Promise<unknown> {
  switch (random.below(4)) {
    case 0:
      return keySignInBody(origin, user.signer, random.pick([0, 0, -1000, 1000]))
    case 1:
      return renewalBody(origin, user)
    default:
      return telegramBody(user.signer, 1 + random.below(1_000_000))
  }
}

/** `costly`: what is right takes something from others for a while, so it is rare. */
function bodyOf(random: SeededRandom, right: unknown, method: string, costly: boolean): Uint8Array | undefined {
  if (method === 'GET' && !random.chance(0.05)) return undefined
  if (right === undefined && random.chance(0.7)) return undefined
  const value = right ?? oddValue(random)
  const text = (made: unknown): Uint8Array => Buffer.from(JSON.stringify(made) ?? 'null')
  switch (random.weighed({ right: costly ? 2 : 20, value: 45, bytes: 15, deep: 3, large: 2, junk: 10, none: 5 })) {
    case 'right':
      return text(value)
    case 'value':
      return text(mutateValue(random, value))
    case 'bytes':
      return mutateBytes(random, text(value))
    case 'deep':
      return Buffer.from(deepJson(random))
    case 'large':
      return Buffer.from(
        JSON.stringify({ method: 'x'.repeat(random.pick([60_000, 65_536, 65_537, 300_000, 2_000_000])) }),
      )
    case 'junk':
      return random.bytes(random.below(400))
    case 'none':
      return new Uint8Array(0)
  }
}

/** Only characters that an address line may hold at all: what it may not never reaches a program of ours. */
function mutatePath(random: SeededRandom, path: string): string {
  const at = 1 + random.below(path.length)
  return (
    path.slice(0, at) + random.pick(['%', '?', '=', '&', '\u00e9', '~', '%e0%a4%a', '*', '|', '"']) + path.slice(at)
  )
}

function mutateHeaders(random: SeededRandom, headers: Readonly<Record<string, string>>) {
  const changed: Record<string, string | string[]> = { ...headers }
  const token = headers['authorization'] ?? 'Bearer x.y'
  const cut = random.below(token.length)
  switch (random.below(8)) {
    case 0:
      changed['authorization'] =
        token.slice(0, cut) + random.pick(['', 'A', '.', '..', ' ', '\u00ff']) + token.slice(cut + 1)
      break
    case 1:
      changed['authorization'] = random.pick(['', 'Bearer', 'Bearer ', 'Basic eDp5', `Bearer ${'a.'.repeat(3000)}`])
      break
    case 2:
      changed['content-type'] = random.pick(types)
      break
    case 3:
      changed['sec-websocket-protocol'] = random.pick([
        '',
        'cocoon.2',
        'cocoon.1',
        'cocoon.1,,',
        `cocoon.1, ${random.word(900)}`,
      ])
      break
    case 4:
      for (let i = random.below(40); i > 0; i--) changed[`x-${random.word(6)}`] = random.word(random.below(60))
      break
    case 5:
      // Only the door may say who somebody is.
      for (const name of ['role', 'user', 'node', 'region'])
        changed[`x-cocoon-${name}`] = random.pick(['node', 'client', 'telegram:1'])
      break
    case 6:
      // What Cloudflare would say of an address; a limit may be reached, and nothing worse.
      changed['cf-connecting-ip'] = random.pick([
        '203.0.113.7',
        '2001:db8::1',
        '::',
        ':::::',
        random.word(30),
        '1.2.3.4, 5.6.7.8',
      ])
      changed['cookie'] = [random.word(10), random.word(3000)]
      break
    default:
      changed['accept-encoding'] = random.pick(['gzip', 'br', '*;q=0', 'identity', random.word(10)])
  }
  return changed
}
