import { type ErrorResponse, SUBPROTOCOL } from '@cocoon/protocol'
import { reset } from 'cloudflare:test'
import { env, exports } from 'cloudflare:workers'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { app } from '../src/app.ts'
import { issueToken } from '../src/token.ts'
import { later } from './asking.ts'
import { runs } from './seeded.ts'
import { nowSeconds, post, SESSION_SECRET, TestUser } from './test-client.ts'
import { MODEL, TestNode } from './test-node.ts'
import { dial, ORIGIN } from './wire.ts'

let user: TestUser
beforeEach(async () => {
  user = await TestUser.named('key:00')
})
afterEach(async () => {
  vi.useRealTimers()
  await reset()
})

function get(path: string, headers: Record<string, string> = {}): Promise<Response> {
  return exports.default.fetch(`${ORIGIN}${path}`, { headers })
}

/** Status and code of a refusal, which no cache keeps and no browser guesses at. */
async function codeOf(answer: Promise<Response>): Promise<string> {
  const response = await answer
  const { status, headers } = response
  const { error } = await response.json<ErrorResponse>()
  expect(headers.get('cache-control')).toBe('no-store')
  expect(headers.get('x-content-type-options')).toBe('nosniff')
  return `${status} ${error.code}`
}

const NODE = 'ab'.repeat(32)
const match = { model: MODEL, policy: 'open' }

describe('the doors', () => {
  it('say that they are well, and which network they are on', async () => {
    const response = await get('/api/health')
    expect(response.status).toBe(200)
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(await response.json()).toEqual({ ok: true, network: 'localnet', version: 1 })
  })

  it('say that they are well whatever is wrong behind them, and ready only when nothing is', async () => {
    // Its source is asked by the tests of attestation.
    const around = { ...env, REGISTRY_SOURCE: '' }
    const asking = async (changes: Record<string, unknown>, path = '/api/ready') => {
      const response = await app.request(path, {}, { ...around, ...changes } as Env)
      return { status: response.status, text: await response.text() }
    }
    const well = { ready: true, missing: [], nodes: { [MODEL]: 0 } }
    expect(JSON.parse((await asking({})).text)).toEqual(well)
    await TestNode.joined()
    await TestNode.joined()
    const ready = await asking({})
    expect(ready.status).toBe(200)
    expect(JSON.parse(ready.text)).toMatchObject({ nodes: { [MODEL]: 2 } })
    const unset = await asking({ BOT_TOKEN: 'hush' })
    expect(unset.status).toBe(503)
    expect(JSON.parse(unset.text)).toMatchObject({ ready: false, nodes: {} })
    expect(unset.text).toContain('setting BOT_TOKEN is missing or wrong')
    expect(unset.text).not.toContain('hush')
    expect((await asking({ BOT_TOKEN: 'hush' }, '/api/health')).status).toBe(200)
    expect((await asking({ MODELS: '[]' })).text).toContain('MODELS')
    const away = { getByName: () => ({ summary: () => Promise.reject(new Error('away')) }) }
    const unreachable = await asking({ MATCHER: away })
    expect(unreachable.status).toBe(503)
    expect(JSON.parse(unreachable.text)).toEqual({
      ready: false,
      missing: [`the matcher of ${MODEL} in world does not answer`],
      nodes: {},
    })
  })

  it('list the models, with nobody and with somebody serving them', async () => {
    const empty = {
      id: MODEL,
      name: 'Demo',
      about: 'A small model for tests',
      nodes: 0,
      free: 0,
      price: null,
      context: 0,
    }
    expect(await (await get('/api/models')).json()).toEqual({ network: -7239, models: [empty] })
    await TestNode.joined({}, 3)
    const price = { prompt: '1000', cached: '100', completion: '4000', reasoning: '4000' }
    const served = { ...empty, nodes: 1, free: 3, price, context: 2048 }
    expect(await (await get('/api/models')).json()).toEqual({ network: -7239, models: [served] })
  })

  it.each(['/api', '/api/', '/api/nothing', '/api/nodes', '/api/nodes/ab/jobs/', '/api/sign-in', '/api/match/x'])(
    'have nothing at %s',
    async (path) => {
      expect(await codeOf(get(path))).toBe('404 not-found')
    },
  )

  it('tell an account what is left of its trial', async () => {
    const response = await get('/api/account', { authorization: `Bearer ${user.token}` })
    expect(await response.json()).toMatchObject({ trial: { left: 100, of: 100 } })
  })

  it.each([
    ['no session', ''],
    ['another scheme', 'Basic abc'],
    ['no token', 'Bearer '],
    ['what is no token', 'Bearer abc'],
    ['what is no token either', 'Bearer abc.def'],
    ['a forged token', `Bearer ${btoa('{"purpose":"session","user":"key:00","expires":9999999999}')}.AAAA`],
  ])('stay shut for %s', async (_, authorization) => {
    expect(await codeOf(get('/api/account', { authorization }))).toBe('401 signed-out')
  })

  it('stay shut for a token of another purpose, of another broker, or whose hour is over', async () => {
    const account = (token: string): Promise<string> =>
      codeOf(get('/api/account', { authorization: `Bearer ${token}` }))
    const claims = { purpose: 'session', user: 'key:00', expires: nowSeconds() + 600 } as const
    expect(await account(await issueToken(`${SESSION_SECRET}!`, claims))).toBe('401 signed-out')
    const renewal = { ...claims, purpose: 'renewal', key: '' } as const
    expect(await account(await issueToken(SESSION_SECRET, renewal))).toBe('401 signed-out')
    later(601_000)
    expect(await account(user.token)).toBe('401 signed-out')
    expect(await codeOf(post('/match', match, user.token))).toBe('401 signed-out')
  })

  it('match with a session alone', async () => {
    await TestNode.joined()
    expect(await codeOf(post('/match', match))).toBe('401 signed-out')
    expect((await post('/match', match, user.token)).status).toBe(200)
  })

  it('say when to ask again while no node is free', async () => {
    const response = await post('/match', match, user.token)
    expect(response.status).toBe(503)
    expect(response.headers.get('retry-after')).toBe('5')
    expect(await response.json()).toMatchObject({ error: { code: 'no-node', retryAfterMs: 5000 } })
  })

  it('find no node when none is attested; one that was tried is as good as busy, and not waited for', async () => {
    const node = await TestNode.joined()
    expect(await codeOf(post('/match', { ...match, exclude: [node.id] }, user.token))).toBe('429 all-busy')
    expect(await codeOf(post('/match', { ...match, policy: 'private' }, user.token))).toBe('503 no-node')
  })

  it('know the models they carry', async () => {
    expect(await codeOf(post('/match', { ...match, model: 'llama' }, user.token))).toBe('404 model-not-served')
  })

  it.each([
    ['a field too many', { ...match, more: 1 }],
    ['no policy', { model: MODEL }],
    ['an unknown policy', { ...match, policy: 'closed' }],
    ['a model that is no name', { ...match, model: '../x' }],
    ['too many excluded nodes', { ...match, exclude: Array.from({ length: 9 }, () => NODE) }],
    ['an excluded node that is none', { ...match, exclude: ['x'] }],
    ['no object', 'text'],
    ['null', null],
  ])('take no match with %s', async (_, body) => {
    expect(await codeOf(post('/match', body, user.token))).toBe('400 malformed')
  })

  it('take no body that is not JSON, and none that is too large', async () => {
    const send = (body: BodyInit): Promise<Response> => {
      return exports.default.fetch(`${ORIGIN}/api/sign-in`, { method: 'POST', body })
    }
    expect(await codeOf(send('{'))).toBe('400 malformed')
    expect(await codeOf(send(''))).toBe('400 malformed')
    expect(await codeOf(send(Uint8Array.of(0xff, 0xfe)))).toBe('400 malformed')
    expect(await codeOf(send(' '.repeat(64 * 1024 + 1)))).toBe('413 body-too-large')
    // Also when its length is not announced.
    const pieces = new Blob([' '.repeat(64 * 1024 + 1)]).stream()
    expect(await codeOf(send(pieces))).toBe('413 body-too-large')
  })
})

describe('the doors for sockets', () => {
  it.each(['/jobs', '/link'])('%s speak WebSocket only', async (door) => {
    const headers = { 'sec-websocket-protocol': `${SUBPROTOCOL}, ${user.token}` }
    expect(await codeOf(get(`/api/nodes/${NODE}${door}`, headers))).toBe('400 malformed')
  })

  it.each(['x', NODE.toUpperCase(), `${NODE}0`, '%00', '..%2f'])('know no node %s', async (node) => {
    expect(await codeOf(dial(`/api/nodes/${node}/jobs`, `${SUBPROTOCOL}, ${user.token}`))).toBe('404 not-found')
    expect(await codeOf(dial(`/api/nodes/${node}/link`, SUBPROTOCOL))).toBe('404 not-found')
  })

  it('ask a client for our subprotocol, then the session', async () => {
    const path = `/api/nodes/${NODE}/jobs`
    expect(await codeOf(dial(path, ''))).toBe('400 malformed')
    expect(await codeOf(dial(path, `other.1, ${user.token}`))).toBe('400 malformed')
    expect(await codeOf(dial(path, SUBPROTOCOL))).toBe('401 signed-out')
    expect(await codeOf(dial(path, `${SUBPROTOCOL}, abc.def`))).toBe('401 signed-out')
    const { status, webSocket, headers } = await dial(path, `${SUBPROTOCOL}, ${user.token}`)
    webSocket?.accept()
    expect(status).toBe(101)
    // The token is not echoed.
    expect(headers.get('sec-websocket-protocol')).toBe(SUBPROTOCOL)
  })

  it('believe no header of the outside about who it is', async () => {
    const node = await TestNode.joined()
    const headers = {
      upgrade: 'websocket',
      'sec-websocket-protocol': `${SUBPROTOCOL}, ${user.token}`,
      'x-cocoon-role': 'node',
      'x-cocoon-user': 'key:someone-else',
      'x-cocoon-node': node.id,
    }
    const { webSocket } = await get(`/api/nodes/${node.id}/jobs`, headers)
    const first = new Promise((resolve) => webSocket?.addEventListener('message', resolve))
    webSocket?.accept()
    // A node would be challenged at once.
    expect(await Promise.race([first, scheduler.wait(50)])).toBeUndefined()
  })
})

describe('whatever is sent', () => {
  it('is no fault of the broker', async () => {
    const path = fc.constantFrom(
      '/health',
      '/models',
      '/sign-in',
      '/account',
      '/match',
      `/nodes/${NODE}/jobs`,
      `/nodes/${NODE}/link`,
      '/nodes/%ff/jobs',
      '',
    )
    const method = fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS')
    const field = fc.oneof(
      fc.string(),
      fc.integer(),
      fc.constant(null),
      fc.constantFrom('telegram', 'key', 'renewal', 'open'),
    )
    const names = fc.constantFrom(
      'method',
      'initData',
      'key',
      'time',
      'signature',
      'renewal',
      'model',
      'policy',
      'exclude',
    )
    const body = fc.oneof(
      fc.string(),
      fc.json(),
      fc.dictionary(names, field).map((object) => JSON.stringify(object)),
    )
    const authorization = fc.oneof(fc.constant(`Bearer ${user.token}`), fc.stringMatching(/^[\w .-]{0,40}$/))
    const seen = new Set<string | number>()
    await fc.assert(
      fc.asyncProperty(path, method, body, authorization, fc.boolean(), async (at, verb, text, bearer, signedIn) => {
        const headers = { authorization: signedIn ? bearer : 'Bearer x' }
        const init = { method: verb, headers, ...(verb === 'GET' || verb === 'HEAD' ? {} : { body: text }) }
        const response = await exports.default.fetch(`${ORIGIN}/api${at}`, init)
        // The one honest 503: nobody serves the model now.
        const honest = response.status >= 500 ? ((await response.json()) as ErrorResponse).error.code : response.status
        if (typeof honest === 'string') expect(honest).toBe('no-node')
        seen.add(honest)
      }),
      runs(200),
    )
    // The cases reach what lies behind the first check.
    for (const status of [200, 400, 401, 404]) expect(seen).toContain(status)
  })
})
