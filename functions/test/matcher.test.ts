import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { LEASE_LIFETIME, type Matcher, type Offering } from '../src/matcher.ts'
import { type Candidate, chooseNode } from '../src/matching.ts'
import { later } from './asking.ts'
import { runs } from './seeded.ts'

afterEach(() => vi.useRealTimers())

const statement = { body: new Uint8Array(1_500).fill(1), signature: new Uint8Array(64).fill(2) }
const price = { prompt: '1000', cached: '100', completion: '4000', reasoning: '4000' }

function matcher(): DurableObjectStub<Matcher> {
  return env.MATCHER.getByName(`cocoon-demo|${crypto.randomUUID()}`)
}

function offering(node: string, changes: Partial<Offering> = {}): Offering {
  const load = { context: 2048, slots: 2, free: 2, useBy: Date.now() + 600_000 }
  return { node, statement, evidence: null, price, ...load, ...changes }
}

describe('a matcher', () => {
  it('has nobody at first', async () => {
    const stub = matcher()
    expect(await stub.lease('open', [])).toBeNull()
    expect(await stub.summary()).toEqual({ nodes: 0, free: 0, price: null, context: 0 })
  })

  it('leases each free slot once, for thirty seconds', async () => {
    const stub = matcher()
    await stub.offer(offering('a'))
    const grant = await stub.lease('open', [])
    expect(grant).toMatchObject({ node: 'a', evidence: null })
    expect((grant?.expires ?? 0) - Date.now()).toBeGreaterThan(LEASE_LIFETIME - 2_000)
    expect(await stub.lease('open', [])).not.toBeNull()
    expect(await stub.lease('open', [])).toBeNull()
    later(LEASE_LIFETIME - 5_000)
    expect(await stub.lease('open', [])).toBeNull()
    later(5_001)
    expect(await stub.lease('open', [])).not.toBeNull()
  })

  it('gives slots back by alarm when nobody asks meanwhile', async () => {
    const stub = matcher()
    await stub.offer(offering('a'))
    await stub.lease('open', [])
    later(LEASE_LIFETIME + 1)
    expect(await runDurableObjectAlarm(stub)).toBe(true)
    const leases = await runInDurableObject(stub, (_, { storage }) =>
      storage.sql.exec('SELECT * FROM leases').toArray(),
    )
    expect(leases).toEqual([])
    expect(await stub.summary()).toMatchObject({ free: 2 })
  })

  it('leaves out excluded nodes', async () => {
    const stub = matcher()
    await stub.offer(offering('a'))
    await stub.offer(offering('b'))
    expect(await stub.lease('open', ['a'])).toMatchObject({ node: 'b' })
    expect(await stub.lease('open', ['a', 'b'])).toBeNull()
  })

  it('gives a private question to attested nodes alone', async () => {
    const stub = matcher()
    await stub.offer(offering('bare', { slots: 8, free: 8 }))
    expect(await stub.lease('private', [])).toBeNull()
    await stub.offer(offering('attested', { evidence: 'ab'.repeat(32) }))
    expect(await stub.lease('private', [])).toMatchObject({ node: 'attested', evidence: 'ab'.repeat(32) })
    // A newer statement without evidence ends that.
    await stub.offer(offering('attested'))
    expect(await stub.lease('private', [])).toBeNull()
  })

  it('lets go of a node whose statement is stale, and keeps one that brought a newer', async () => {
    const stub = matcher()
    const useBy = Date.now() + 60_000
    await stub.offer(offering('silent', { useBy }))
    await stub.offer(offering('alive', { useBy }))
    await stub.offer(offering('alive', { useBy: useBy + 600_000 }))
    later(60_001)
    expect(await stub.lease('open', ['alive'])).toBeNull()
    expect(await stub.summary()).toMatchObject({ nodes: 1 })
    later(600_000)
    expect(await runDurableObjectAlarm(stub)).toBe(true)
    expect(await stub.summary()).toMatchObject({ nodes: 0 })
  })

  it('counts a slot once when the node counts the leased job itself', async () => {
    const stub = matcher()
    await stub.offer(offering('a', { slots: 3, free: 3 }))
    const grant = await stub.lease('open', [])
    await stub.lease('open', [])
    expect(await stub.summary()).toMatchObject({ free: 1 })
    await stub.load('a', 3, 2, [grant?.id ?? '', 'unheard of'])
    expect(await stub.summary()).toMatchObject({ free: 1 })
    await stub.load('a', 3, 3, [grant?.id ?? ''])
    expect(await stub.summary()).toMatchObject({ free: 2 })
  })

  it('ignores the load of a node that left', async () => {
    const stub = matcher()
    await stub.offer(offering('a'))
    expect(await stub.lease('open', [])).not.toBeNull()
    await stub.withdraw('a')
    await stub.load('a', 4, 4, [])
    expect(await stub.summary()).toMatchObject({ nodes: 0, free: 0 })
    expect(await stub.lease('open', [])).toBeNull()
  })

  it('still counts the leases of a node that left and came back', async () => {
    const stub = matcher()
    await stub.offer(offering('a'))
    await stub.lease('open', [])
    await stub.withdraw('a')
    await stub.offer(offering('a'))
    expect(await stub.summary()).toMatchObject({ nodes: 1, free: 1 })
  })

  it('tells the lowest price and the longest context there is', async () => {
    const stub = matcher()
    await stub.offer(offering('a', { price: { ...price, completion: '900' }, context: 1024 }))
    await stub.offer(offering('b', { price: { ...price, completion: '10000' }, context: 8192 }))
    expect(await stub.summary()).toEqual({ nodes: 2, free: 4, price: { ...price, completion: '900' }, context: 8192 })
  })

  it('wakes from sleep with its nodes, their loads and the lease that is out', async () => {
    const stub = matcher()
    await stub.offer(offering('a', { slots: 3, free: 3 }))
    await stub.offer(offering('attested', { evidence: 'cd'.repeat(32), slots: 1, free: 1 }))
    await stub.load('a', 3, 2, [])
    const grant = await stub.lease('open', ['attested'])
    await evictDurableObject(stub)
    expect(await stub.summary()).toMatchObject({ nodes: 2, free: 2 })
    const again = await stub.lease('private', [])
    expect(again).toMatchObject({ node: 'attested', statement: grant?.statement })
    await evictDurableObject(stub)
    await stub.load('a', 3, 2, [grant?.id ?? ''])
    expect(await stub.summary()).toMatchObject({ free: 2 })
    later(LEASE_LIFETIME + 1)
    expect(await stub.summary()).toMatchObject({ free: 3 })
  })

  it('leases among ten thousand nodes', async () => {
    const stub = matcher()
    const began = await runInDurableObject(stub, async (self) => {
      for (let node = 0; node < 10_000; node++) await self.offer(offering(`node ${node}`))
      await self.lease('open', [])
      return performance.now()
    })
    const leased = new Set<string>()
    await runInDurableObject(stub, async (self) => {
      for (let lease = 0; lease < 1_000; lease++) leased.add((await self.lease('open', []))?.node ?? '')
    })
    console.log(`matcher: ${(performance.now() - began).toFixed(0)} us a lease among 10,000 nodes`)
    expect(leased.size).toBeGreaterThan(900)
  })
})

const none: ReadonlySet<string> = new Set()

function candidate(node: string, changes: Partial<Candidate> = {}): Candidate {
  return { node, price: 4_000n, slots: 4, free: 4, leased: 0, ...changes }
}

/** Numbers that look random and are the same every time (mulberry32). */
function chanceFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const fleet = fc
  .array(
    fc.record({
      price: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      slots: fc.nat(8),
      free: fc.nat(8),
      leased: fc.nat(8),
      excluded: fc.boolean(),
    }),
    { maxLength: 40 },
  )
  .map((nodes) => nodes.map((node, index) => ({ node: `node ${index}`, ...node })))

describe('choosing a node', () => {
  it('never takes an excluded or a full one, and always finds a willing one', () => {
    fc.assert(
      fc.property(fleet, fc.integer(), (nodes, seed) => {
        const exclude = new Set(nodes.filter(({ excluded }) => excluded).map(({ node }) => node))
        const willing = nodes.filter(({ free, leased, excluded }) => free > leased && !excluded)
        const chosen = chooseNode(nodes, exclude, chanceFrom(seed))
        if (willing.length === 0) expect(chosen).toBeUndefined()
        else expect(willing).toContain(chosen)
      }),
      runs(500),
    )
  })

  it('decides the same for the same chance', () => {
    fc.assert(
      fc.property(fleet, fc.integer(), (nodes, seed) => {
        expect(chooseNode(nodes, none, chanceFrom(seed))).toBe(chooseNode(nodes, none, chanceFrom(seed)))
      }),
      runs(100),
    )
  })

  it('finds the one willing node among thousands of full ones, even by the worst chance', () => {
    const nodes = Array.from({ length: 5_000 }, (_, index) => candidate(`full ${index}`, { free: 0 }))
    const only = candidate('free')
    nodes.splice(4_321, 0, only)
    for (const chance of [() => 0, () => 1 - Number.EPSILON, () => 0.5]) {
      expect(chooseNode(nodes, none, chance)).toBe(only)
    }
  })

  it('takes the cheaper of two that are equally free, and the freer of two that cost the same', () => {
    fc.assert(
      fc.property(fc.integer(), fc.boolean(), (seed, turned) => {
        const cheap = candidate('cheap', { price: 1_000n })
        const dear = candidate('dear', { price: 1_500n })
        const free = candidate('free', { free: 4 })
        const busy = candidate('busy', { free: 4, leased: 2 })
        const order = (a: Candidate, b: Candidate): Candidate[] => (turned ? [b, a] : [a, b])
        expect(chooseNode(order(cheap, dear), none, chanceFrom(seed))).toBe(cheap)
        expect(chooseNode(order(free, busy), none, chanceFrom(seed))).toBe(free)
      }),
      runs(100),
    )
  })

  it('leaves a cheap node that is nearly full for a free one at almost its price', () => {
    const cheap = candidate('cheap', { price: 1_000n, slots: 10, free: 1 })
    const free = candidate('free', { price: 1_100n, slots: 10, free: 10 })
    expect(chooseNode([cheap, free], none, chanceFrom(1))).toBe(free)
  })

  it('spreads a thousand jobs evenly over a hundred equal nodes', () => {
    const nodes = Array.from({ length: 100 }, (_, index) => candidate(`${index}`, { slots: 50, free: 50 }))
    const chance = chanceFrom(7)
    for (let job = 0; job < 1_000; job++) {
      const chosen = chooseNode(nodes, none, chance)
      if (chosen) chosen.leased += 1
    }
    const loads = nodes.map(({ leased }) => leased)
    // One random choice instead of two would leave nodes with 2 jobs and with 20.
    expect(Math.min(...loads)).toBeGreaterThanOrEqual(6)
    expect(Math.max(...loads)).toBeLessThanOrEqual(14)
  })
})
