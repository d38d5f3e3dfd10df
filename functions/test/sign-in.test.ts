import {
  base64url,
  createSigner,
  type ErrorResponse,
  hex,
  type Purpose,
  type Signer,
  signFor,
  signInMessage,
  type SignInResponse,
  utf8,
} from '@cocoon/protocol'
import { exports } from 'cloudflare:workers'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { issueToken } from '../src/token.ts'
import { later } from './asking.ts'
import { nowSeconds, post, SESSION_SECRET } from './test-client.ts'
import { ORIGIN } from './wire.ts'

const BOT_TOKEN = '123456:a-token-of-the-tests-and-of-nobody-else'
const DAY = 24 * 60 * 60

let signer: Signer
let key: string
beforeAll(async () => {
  signer = await createSigner()
  key = base64url(signer.publicKey)
})
afterEach(() => vi.useRealTimers())

async function hmac(secret: Uint8Array<ArrayBuffer>, text: string): Promise<Uint8Array<ArrayBuffer>> {
  const imported = await crypto.subtle.importKey('raw', secret, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
  return new Uint8Array(await crypto.subtle.sign('HMAC', imported, utf8(text)))
}

/**
 * Init data as Telegram makes it: core.telegram.org/bots/webapps says that the hash is over all fields but itself,
 * sorted by name, `signature` included.
 */
async function initData(changes: Record<string, string> = {}, botToken = BOT_TOKEN): Promise<string> {
  const fields: Record<string, string> = {
    query_id: 'AAHdF6IQAAAAAN0XohDhrOrc',
    user: JSON.stringify({ id: Math.floor(Math.random() * 2 ** 40), first_name: 'Ann & Бob', language_code: 'en' }),
    auth_date: String(nowSeconds()),
    signature: 'c29tZXRoaW5nIHNpZ25lZCBieSBUZWxlZ3JhbSBpdHNlbGY',
    ...changes,
  }
  const names = Object.keys(fields).sort()
  const text = names.map((name) => `${name}=${fields[name] ?? ''}`).join('\n')
  const hash = hex(await hmac(await hmac(utf8('WebAppData'), botToken), text))
  return new URLSearchParams({ ...fields, hash }).toString()
}

async function signedAt(time: number, origin = ORIGIN, by = signer, purpose: Purpose = 'cocoon/1 sign-in') {
  const signature = base64url(await signFor(purpose, by, utf8(signInMessage(origin, time))))
  return { method: 'key', key, time, signature }
}

async function renewal(renewed: string, changes: { time?: number; origin?: string; by?: Signer } = {}) {
  const { time = nowSeconds(), origin = ORIGIN, by = signer } = changes
  const message = utf8(signInMessage(origin, time, renewed))
  const signature = base64url(await signFor('cocoon/1 session renewal', by, message))
  return { method: 'renewal', renewal: renewed, time, signature }
}

async function signIn(request: unknown): Promise<SignInResponse> {
  const response = await post('/sign-in', request)
  expect(response.status).toBe(200)
  return (await response.json()) as SignInResponse
}

async function refused(request: unknown): Promise<string> {
  const response = await post('/sign-in', request)
  const { error } = (await response.json()) as ErrorResponse
  return `${response.status} ${error.code}`
}

/** Who a session token names, as its bearer could read it. */
function userOf(token: string): string {
  return (JSON.parse(atob((token.split('.')[0] ?? '').replaceAll('-', '+').replaceAll('_', '/'))) as { user: string })
    .user
}

describe('a sign-in by Telegram', () => {
  it('opens a session for the user Telegram names, with the trial of Telegram users', async () => {
    const user = JSON.stringify({ id: 279058397, first_name: 'Vlad', is_premium: true })
    const session = await signIn({ method: 'telegram', initData: await initData({ user }), key })
    expect(userOf(session.token)).toBe('telegram:279058397')
    expect(session.trial).toMatchObject({ left: 10, of: 10 })
    expect(session.expires - nowSeconds()).toBeGreaterThan(3590)
    const account = await exports.default.fetch(`${ORIGIN}/api/account`, {
      headers: { authorization: `Bearer ${session.token}` },
    })
    expect(await account.json()).toMatchObject({ trial: { left: 10, of: 10 } })
  })

  it('takes init data that carries no signature field, as older apps send it', async () => {
    const fields = new URLSearchParams(await initData())
    fields.delete('signature')
    fields.delete('hash')
    const text = [...fields]
      .map(([name, value]) => `${name}=${value}`)
      .sort()
      .join('\n')
    fields.set('hash', hex(await hmac(await hmac(utf8('WebAppData'), BOT_TOKEN), text)))
    const session = await signIn({ method: 'telegram', initData: fields.toString(), key })
    expect(userOf(session.token)).toMatch(/^telegram:\d+$/)
  })

  it('is bound to the first browser it came from: a reload may send it again, nobody else', async () => {
    const request = { method: 'telegram', initData: await initData(), key }
    await signIn(request)
    await signIn(request)
    expect(await refused({ ...request, key: 'A'.repeat(43) })).toBe('401 sign-in-replayed')
    // Nor with the fields in another order, which are the same data.
    const turned = new URLSearchParams([...new URLSearchParams(request.initData)].toReversed()).toString()
    expect(await refused({ ...request, key: 'A'.repeat(43), initData: turned })).toBe('401 sign-in-replayed')
  })

  it.each([
    ['by another bot', () => initData({}, '654321:a-token-of-another-bot-for-this-test')],
    ['stale', () => initData({ auth_date: String(nowSeconds() - 301) })],
    ['from the future', () => initData({ auth_date: String(nowSeconds() + 120) })],
    ['without a date', () => initData({ auth_date: '' })],
    ['without a user', () => initData({ user: '' })],
    ['with a user who has no id', () => initData({ user: '{"first_name":"Ann"}' })],
    ['with a user whose id is text', () => initData({ user: '{"id":"279058397"}' })],
    ['with a field changed', async () => (await initData()).replace('language_code', 'languAge_code')],
    ['with a field added', async () => `${await initData()}&start_param=x`],
    ['with its signature field cut out', async () => (await initData()).replace(/&signature=[^&]*/, '')],
    ['without a hash', async () => (await initData()).replace(/&hash=.*/, '')],
    [
      'with a hash in capitals',
      async () => (await initData()).replace(/hash=.*/, (hash) => `hash=${hash.slice(5).toUpperCase()}`),
    ],
    ['empty', () => ''],
  ])('is refused %s', async (_, make) => {
    expect(await refused({ method: 'telegram', initData: await make(), key })).toBe('401 sign-in-refused')
  })
})

describe('a sign-in by key', () => {
  it('opens a session for the key', async () => {
    const session = await signIn(await signedAt(nowSeconds()))
    expect(userOf(session.token)).toBe(`key:${hex(signer.publicKey)}`)
    expect(session.trial.of).toBe(100)
  })

  it('is accepted once', async () => {
    const request = await signedAt(nowSeconds() - 1)
    await signIn(request)
    expect(await refused(request)).toBe('401 sign-in-replayed')
  })

  it('cannot be played again when the broker has forgotten it', async () => {
    const request = await signedAt(nowSeconds() + 55)
    await signIn(request)
    later(300_000)
    expect(await refused(request)).toBe('401 sign-in-replayed')
    later(56_000)
    expect(await refused(request)).toBe('401 sign-in-refused')
  })

  it.each([
    ['for another origin', () => signedAt(nowSeconds(), 'https://another.test')],
    ['stale', () => signedAt(nowSeconds() - 301)],
    ['from the future', () => signedAt(nowSeconds() + 120)],
    ['by another key', async () => signedAt(nowSeconds(), ORIGIN, await createSigner())],
    ['for another purpose', () => signedAt(nowSeconds(), ORIGIN, signer, 'cocoon/1 link challenge')],
    ['with another time than was signed', async () => ({ ...(await signedAt(nowSeconds())), time: nowSeconds() - 2 })],
  ])('is refused %s', async (_, make) => {
    expect(await refused(await make())).toBe('401 sign-in-refused')
  })

  it('is malformed when key or signature are no base64url', async () => {
    const request = await signedAt(nowSeconds())
    // The last of 43 characters holds two bits that must be zero.
    expect(await refused({ ...request, key: `${'A'.repeat(42)}B` })).toBe('400 malformed')
    expect(await refused({ ...request, signature: '!'.repeat(86) })).toBe('400 malformed')
  })
})

describe('a renewal', () => {
  it('opens a session for the same user, with the key of the first sign-in', async () => {
    const first = await signIn({ method: 'telegram', initData: await initData(), key })
    later(20 * DAY * 1000)
    const second = await signIn(await renewal(first.renewal))
    expect(userOf(second.token)).toBe(userOf(first.token))
    later(20 * DAY * 1000)
    expect(userOf((await signIn(await renewal(second.renewal))).token)).toBe(userOf(first.token))
  })

  it('is accepted once for a time', async () => {
    const first = await signIn({ method: 'telegram', initData: await initData(), key })
    const request = await renewal(first.renewal)
    await signIn(request)
    expect(await refused(request)).toBe('401 sign-in-replayed')
  })

  it('is refused by another key, for another origin, at another time, tampered with, or over', async () => {
    const { renewal: renewed, token } = await signIn({ method: 'telegram', initData: await initData(), key })
    expect(await refused(await renewal(renewed, { by: await createSigner() }))).toBe('401 sign-in-refused')
    expect(await refused(await renewal(renewed, { origin: 'https://another.test' }))).toBe('401 sign-in-refused')
    expect(await refused(await renewal(renewed, { time: nowSeconds() - 301 }))).toBe('401 sign-in-refused')
    expect(await refused(await renewal(renewed, { time: nowSeconds() + 120 }))).toBe('401 sign-in-refused')
    const [body = '', signature] = renewed.split('.')
    const tampered = btoa(atob(body).replace('telegram', 'telegraM')).replaceAll('=', '')
    expect(await refused(await renewal(`${tampered}.${signature}`))).toBe('401 sign-in-refused')
    expect(await refused(await renewal(`${renewed}.more`))).toBe('401 sign-in-refused')
    expect(await refused(await renewal(''))).toBe('401 sign-in-refused')
    // A session is no renewal.
    expect(await refused(await renewal(token))).toBe('401 sign-in-refused')
    later(31 * DAY * 1000)
    expect(await refused(await renewal(renewed))).toBe('401 sign-in-refused')
  })

  it('of another broker is refused', async () => {
    const claims = { purpose: 'renewal', user: 'telegram:1', key, expires: nowSeconds() + 600 } as const
    expect(await refused(await renewal(await issueToken(`${SESSION_SECRET}!`, claims)))).toBe('401 sign-in-refused')
  })
})
