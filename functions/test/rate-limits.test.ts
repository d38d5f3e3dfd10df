import {
  base64url,
  createSigner,
  type ErrorResponse,
  signFor,
  signInMessage,
  SUBPROTOCOL,
  utf8,
} from '@cocoon/protocol'
import { reset } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import wrangler from '../../wrangler.toml?raw'
import { app } from '../src/app.ts'
import { addressOf, countAgainst, isWithin, type RateLimitName, rateLimits } from '../src/rate-limits.ts'
import { freeSlots, Moving } from './moving.ts'
import { runs } from './seeded.ts'
import { nowSeconds, TestUser } from './test-client.ts'
import { MODEL } from './test-node.ts'
import { ORIGIN } from './wire.ts'

const names = Object.keys(rateLimits) as RateLimitName[]
const ADDRESS = '203.0.113.9'
const NODE = 'ab'.repeat(32)

/** Every key that was counted, and how many more each may. */
class Counter {
  readonly counted: string[] = []
  readonly #left: Partial<Record<RateLimitName, number>>

  constructor(left: Partial<Record<RateLimitName, number>> = {}) {
    this.#left = left
  }

  get env(): Env {
    const limit = (name: RateLimitName) => ({
      limit: async ({ key }: { key: string }) => {
        this.counted.push(`${name} ${key}`)
        const left = this.#left[name] ?? Infinity
        this.#left[name] = left - 1
        return { success: left > 0 }
      },
    })
    return { ...env, ...Object.fromEntries(names.map((name) => [name, limit(name)])) } as Env
  }
}

let user: TestUser
beforeEach(async () => {
  user = await TestUser.named('key:00')
})
afterEach(reset)

async function signIn(): Promise<object> {
  const signer = await createSigner()
  const signature = await signFor('cocoon/1 sign-in', signer, utf8(signInMessage(ORIGIN, nowSeconds())))
  return { method: 'key', key: base64url(signer.publicKey), time: nowSeconds(), signature: base64url(signature) }
}

type Door = readonly [limit: RateLimitName, path: string, init: () => Promise<RequestInit> | RequestInit]
const json = (body: unknown, headers: Record<string, string> = {}): RequestInit => {
  return { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json', ...headers } }
}
const match = () => json({ model: MODEL, policy: 'open' }, { authorization: `Bearer ${user.token}` })
const socket = () => ({
  headers: { upgrade: 'websocket', 'sec-websocket-protocol': `${SUBPROTOCOL}, ${user.token}` },
})
const doors: readonly Door[] = [
  ['LIMIT_READ_ADDRESS', '/models', () => ({})],
  ['LIMIT_READ_ADDRESS', '/ready', () => ({})],
  ['LIMIT_READ_ADDRESS', '/account', () => ({ headers: { authorization: `Bearer ${user.token}` } })],
  ['LIMIT_SIGN_IN_ADDRESS', '/sign-in', async () => json(await signIn())],
  ['LIMIT_SIGN_IN_USER', '/sign-in', async () => json(await signIn())],
  ['LIMIT_MATCH_ADDRESS', '/match', match],
  ['LIMIT_MATCH_USER', '/match', match],
  ['LIMIT_SOCKET_ADDRESS', `/nodes/${NODE}/jobs`, socket],
  ['LIMIT_SOCKET_USER', `/nodes/${NODE}/jobs`, socket],
  ['LIMIT_LINK_ADDRESS', `/nodes/${NODE}/link`, () => ({ headers: { upgrade: 'websocket' } })],
]

async function knock(path: string, init: RequestInit, counter: Counter, address: string | null): Promise<Response> {
  const headers = { ...(init.headers as object), ...(address === null ? {} : { 'cf-connecting-ip': address }) }
  const response = await app.request(`${ORIGIN}/api${path}`, { ...init, headers }, counter.env)
  response.webSocket?.accept()
  return response
}

describe('the limits', () => {
  it('are those that Cloudflare is told of', () => {
    const declared = [
      ...wrangler.matchAll(/name = "(LIMIT_\w+)"\nnamespace_id = "(\d+)"\nsimple = \{ limit = (\d+), period = 60 \}/g),
    ]
    expect(Object.fromEntries(declared.map(([, name, , limit]) => [name, Number(limit)]))).toEqual(rateLimits)
    expect(new Set(declared.map(([, , namespace]) => namespace)).size).toBe(names.length)
  })

  it.each(doors)('%s guards %s: 429, rate-limited, and when to come back', async (limit, path, init) => {
    const response = await knock(path, await init(), new Counter({ [limit]: 0 }), ADDRESS)
    expect(response.status).toBe(429)
    const { error } = await response.json<ErrorResponse>()
    expect(error.code).toBe('rate-limited')
    expect(error.retryAfterMs).toBeGreaterThan(0)
    expect(error.retryAfterMs).toBeLessThanOrEqual(60_000)
    expect(response.headers.get('retry-after')).toBe(String(Math.ceil((error.retryAfterMs ?? 0) / 1000)))
  })

  it.each(doors)('%s lets %s through below it, and after it by another key', async (limit, path, init) => {
    const counter = new Counter({ [limit]: 1 })
    expect((await knock(path, await init(), counter, ADDRESS)).status).not.toBe(429)
    expect(counter.counted.map((counted) => counted.split(' ')[0])).toContain(limit)
    // What is counted is the address or the user, never a node's id that anybody may put into a path.
    expect(counter.counted.join(' ')).not.toContain(NODE)
  })

  it('count nothing where nothing is asked of the broker', async () => {
    const counter = new Counter()
    expect((await knock('/health', {}, counter, ADDRESS)).status).toBe(200)
    expect((await knock('/nothing', {}, counter, ADDRESS)).status).toBe(404)
    expect(counter.counted).toEqual([])
  })

  it.each([null, '127.0.0.1', '127.8.0.1', '::1'])(
    'count no address where there is no edge before the broker (%s)',
    async (address) => {
      const counter = new Counter(
        Object.fromEntries(names.filter((name) => name.endsWith('ADDRESS')).map((name) => [name, 0])),
      )
      for (const [, path, init] of doors)
        expect((await knock(path, await init(), counter, address)).status).not.toBe(429)
      expect(new Set(counter.counted.map((counted) => counted.split(' ')[0]))).toEqual(
        new Set(['LIMIT_SIGN_IN_USER', 'LIMIT_MATCH_USER', 'LIMIT_SOCKET_USER']),
      )
    },
  )

  it('that cannot be asked limit nobody', async () => {
    const broken = { ...env, LIMIT_READ_ADDRESS: { limit: () => Promise.reject(new Error('away')) } } as Env
    expect(await isWithin(broken, 'LIMIT_READ_ADDRESS', 'x')).toBe(true)
    expect(await isWithin({} as Env, 'LIMIT_READ_ADDRESS', 'x')).toBe(true)
  })

  it('are kept by the real binding too', { timeout: 20_000 }, async () => {
    await exhaust('LIMIT_SIGN_IN_USER', 'key:11')
    const error: unknown = await countAgainst(env, 'LIMIT_SIGN_IN_USER', 'key:11').catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'rate-limited' })
    await countAgainst(env, 'LIMIT_SIGN_IN_USER', 'key:12')
  })

  it('count a job that is moved as a match of its user', { timeout: 20_000 }, async () => {
    const moving = await Moving.begin()
    await moving.otherJoins()
    moving.node.load(0)
    await expect.poll(freeSlots).toBe(4)
    const wire = await moving.user.connect(moving.node.id)
    await exhaust('LIMIT_MATCH_USER', moving.user.name)
    ;(await moving.unreserved()).send(wire)
    expect((await wire.next('stopped')).code).toBe('all-busy')
    expect(await freeSlots()).toBe(4)
  })
})

/** Uses up a limit, early enough in a minute that the minute lasts. */
async function exhaust(name: RateLimitName, key: string): Promise<void> {
  const second = (Date.now() / 1000) % 60
  if (second > 55) await scheduler.wait((60.1 - second) * 1000)
  for (let time = 0; time <= rateLimits[name]; time++) if (!(await isWithin(env, name, key))) return
  throw new Error('this limit has no end')
}

describe('an address', () => {
  it('counts as itself, and one of IPv6 as its network of 64 bits', () => {
    expect(addressOf('203.0.113.9')).toBe('203.0.113.9')
    const household = addressOf('2001:db8:1:2:3:4:5:6')
    expect(household).toBe('2001:db8:1:2')
    for (const same of ['2001:DB8:1:2::', '2001:db8:1:2::1', '2001:db8:1:2:ffff:ffff:ffff:ffff']) {
      expect(addressOf(same)).toBe(household)
    }
    expect(addressOf('2001:db8:1::')).toBe('2001:db8:1:0')
    expect(addressOf('2001:db8::1:2:3')).toBe('2001:db8:0:0')
    expect(addressOf('::2')).toBe('0:0:0:0')
  })

  it('is one of four groups, however it is written', () => {
    const group = fc.nat(0xffff).map((value) => value.toString(16))
    fc.assert(
      fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), (groups) => {
        expect(addressOf(groups.join(':'))).toBe(groups.slice(0, 4).join(':'))
      }),
      runs(100),
    )
  })
})
