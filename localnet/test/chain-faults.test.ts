import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { Faults, type Wallet } from '../src/chain/index.ts'
import { ChainWorld, GRAM } from './chain-world.ts'

let world: ChainWorld
beforeAll(async () => {
  world = await ChainWorld.start()
})
afterAll(() => world.stop())
let names = 0
let alice: Wallet
let bob: Wallet
beforeEach(async () => {
  alice = await world.wallet(`alice ${++names}`)
  bob = await world.wallet(`bob ${names}`, 0n)
  await alice.send(world.client, [], world.soon)
})
afterEach(() => world.control.setFaults())

const pay = () => alice.message([{ to: bob.address, value: GRAM, bounce: false }], 1, world.soon)
const arrived = async () => (await world.balance(bob)) > 0n

describe('on demand the server', () => {
  it.each([429, 500, 503])('answers %i for as long as it is told to', async (status) => {
    await world.control.setFaults({ kind: 'status', status, count: 2 })
    for (let i = 0; i < 2; i++) await expect(world.balance(alice)).rejects.toThrow(String(status))
    expect(await world.balance(alice)).toBeGreaterThan(0n)
  })

  it('fails in some methods only', async () => {
    await world.control.setFaults({ kind: 'status', status: 500, methods: ['runGetMethod'] })
    await expect(alice.seqno(world.client)).rejects.toThrow('500')
    await world.client.sendMessage(pay())
    expect(await arrived()).toBe(true)
  })

  it('breaks the connection before it did what was asked', async () => {
    await world.control.setFaults({ kind: 'cut', methods: ['sendBoc'] })
    await expect(world.client.sendMessage(pay())).rejects.toThrow(/hang up|ECONNRESET/)
    expect(await arrived()).toBe(false)
  })

  it('breaks the connection after it did: a caller cannot tell, and sending the same again pays once', async () => {
    const message = pay()
    await world.control.setFaults({ kind: 'lose-reply', methods: ['sendBoc'], count: 1 })
    await expect(world.client.sendMessage(message)).rejects.toThrow(/hang up|ECONNRESET/)
    expect(await arrived()).toBe(true)
    await expect(world.client.sendMessage(message)).rejects.toThrow('500')
    expect((await world.balance(bob)) <= GRAM).toBe(true)
  })

  it('says yes to a message and loses it', async () => {
    await world.control.setFaults({ kind: 'swallow', methods: ['sendBoc'], count: 1 })
    await world.client.sendMessage(pay())
    expect([await arrived(), await alice.seqno(world.client)]).toEqual([false, 1])
    await world.client.sendMessage(pay())
    expect(await arrived()).toBe(true)
  })

  it('never answers, and another request is answered meanwhile', async () => {
    await world.control.setFaults({ kind: 'hang', methods: ['getAddressInformation'], count: 1 })
    const gone = new AbortController()
    const hung = fetch(`${world.server.origin}/api/v2/getAddressInformation?address=${alice.address.toString()}`, {
      signal: gone.signal,
    })
    const outcome = hung.then(
      () => 'answered',
      () => 'aborted',
    )
    expect(await alice.seqno(world.client)).toBe(1)
    gone.abort()
    expect(await outcome).toBe('aborted')
  })

  it('answers late', async () => {
    await world.control.setFaults({ kind: 'slow', ms: 60 })
    const began = performance.now()
    await world.balance(alice)
    expect(performance.now() - began).toBeGreaterThan(55)
  })

  it('is told what it does not understand', async () => {
    const bad = (fault: object) => world.control.setFaults(fault as never)
    await expect(bad({ kind: 'explode' })).rejects.toThrow('a fault is one of')
    await expect(bad({ kind: 'status', status: 200 })).rejects.toThrow('400 to 599')
    await expect(bad({ kind: 'slow', ms: -1 })).rejects.toThrow('ms')
  })
})

it('of several faults the first that fits is taken, as often as it says', () => {
  const faults = new Faults()
  faults.set([
    { kind: 'cut', methods: ['a'], count: 1 },
    { kind: 'hang', count: 2 },
  ])
  expect(['a', 'a', 'b', 'c'].map((method) => faults.take(method)?.kind)).toEqual(['cut', 'hang', 'hang', undefined])
})

describe('a request that is none', () => {
  it.each([
    [404, 'nothing', {}],
    [422, 'getAddressBalance', { address: 'nowhere' }],
    [422, 'getTransactions', { address: `0:${'11'.repeat(32)}`, limit: 'many' }],
    [500, 'getTransactions', { address: `0:${'11'.repeat(32)}`, lt: '5' }],
    [422, 'sendBoc', { boc: 'junk' }],
    [422, 'sendBoc', { boc: 'te6cckEBAQEAAgAAAEysuc0=' }],
    [422, 'sendBoc', {}],
    [500, 'getAddressBalance', { address: `0:${'11'.repeat(32)}`, seqno: 10 ** 6 }],
    [422, 'getBlockHeader', { workchain: 'x' }],
    [422, 'runGetMethod', { address: `0:${'11'.repeat(32)}`, method: {} }],
  ] as const)('gets %i: %s', async (status, method, params) => {
    const answer = await world.rpc(method, params)
    expect(answer).toMatchObject({ status, body: { ok: false, code: status, id: '1', jsonrpc: '2.0' } })
    expect(String(answer.body['error']).length).toBeGreaterThan(5)
  })

  it('is refused at the door when it is no JSON, too large, or nowhere', async () => {
    const post = (body: string) => world.raw('/api/v2/jsonRPC', { method: 'POST', body })
    expect((await post('{')).status).toBe(422)
    expect((await post('[]')).status).toBe(422)
    expect((await post(`"${'x'.repeat(1024 * 1024)}"`)).status).toBe(413)
    expect((await world.raw('/elsewhere')).status).toBe(404)
    expect((await world.raw('/api/v9/x')).status).toBe(404)
    expect((await world.raw('/admin/explode')).status).toBe(404)
    expect((await world.raw('/admin/faucet?address=nowhere&amount=1')).status).toBe(422)
    expect((await world.raw(`/admin/faucet?address=${alice.address.toString()}&amount=1.5`)).status).toBe(422)
  })

  it('may come from a page of another origin, as GET too', async () => {
    const preflight = await fetch(`${world.server.origin}/api/v2/jsonRPC`, { method: 'OPTIONS' })
    expect([preflight.status, preflight.headers.get('access-control-allow-origin')]).toEqual([204, '*'])
    const { body } = await world.raw(`/api/v2/getAddressState?address=${alice.address.toString()}`)
    expect(body).toEqual({ ok: true, result: 'active' })
  })
})
