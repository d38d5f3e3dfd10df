import { networks } from '@cocoon/protocol'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ClaimEntry } from '../src/index.ts'
import { claimEntry } from './signed.ts'
import { CENT, CHALLENGE, GRAM, net, World } from './world.ts'

describe('R3 in one message', () => {
  it('three entries are paid, in any mixture of keys, lanes and kinds', async () => {
    const world = await World.opened()
    const tablet = world.key('tablet')
    await world.open({ key: tablet })
    const { since } = await world.payerKey(tablet)
    const paid = await world.claim([
      await world.entry({ floor: CENT }),
      await world.entry({ total: CENT, payee: world.id('a') }),
      await world.entry({ since, total: CENT, settled: true }, { payer: tablet }),
    ])
    expect(paid).toMatchObject({ done: true, change: -3n * net(CENT) })
    expect(await world.payerKey()).toMatchObject({ spent: 2n * CENT })
    expect(await world.payerKey(tablet)).toMatchObject({ spent: CENT })
  })

  it('entries of one lane build on one another', async () => {
    const world = await World.opened()
    const entries = [
      await world.entry({ floor: CENT }),
      await world.entry({ floor: 3n * CENT }),
      await world.entry({ floor: 2n * CENT }),
    ]
    const paid = await world.claim(entries)
    expect(paid.change).toBe(-net(3n * CENT))
    expect(paid.payees).toHaveLength(2)
  })

  it('a fourth entry throws', async () => {
    const world = await World.opened()
    const entry = await world.entry({ floor: CENT })
    expect(await world.claimRaw([entry, entry, entry, entry])).toMatchObject({ exit: 420, bounced: true, change: 0n })
    expect(await world.claimRaw([])).toMatchObject({ done: true, change: 0n })
  })

  it('I12 stale entries are skipped and the others paid, in every position', async () => {
    const world = await World.opened()
    const over = world.key('over')
    await world.open({ key: over, expires: world.now + 1 })
    const { since: overSince } = await world.payerKey(over)
    await world.claim([await world.entry({ floor: CENT, payee: world.id('paid already') })])
    world.pass(CHALLENGE + 1)
    const stale: ClaimEntry[] = [
      await world.entry({ since: 12_345n, floor: CENT }),
      await world.entry({ since: overSince, floor: CENT }, { payer: over }),
      await world.entry({ floor: CENT, payee: world.id('paid already') }),
      await world.entry({ floor: CENT }, { broker: world.key('rotated away') }),
      await world.entry({ total: CENT, until: world.now - 1 }),
    ]
    let expected = 0n
    for (const [i, entry] of stale.entries()) {
      for (const position of [0, 1, 2]) {
        const name = `good ${i} ${position}`
        const good = await world.entry({ floor: CENT, payee: world.id(name) })
        const another = await world.entry({ floor: CENT, payee: world.id(`${name} too`) })
        const entries = [good, another]
        entries.splice(position, 0, entry)
        const outcome = await world.claim(entries)
        expect(outcome).toMatchObject({ done: true, change: -2n * net(CENT) })
        expected += 2n * CENT
      }
    }
    expect(await world.payerKey()).toMatchObject({ spent: expected + CENT })
  })

  it('a forged entry throws and nothing is paid, in every position', async () => {
    const world = await World.opened()
    const good = await world.entry({ floor: CENT })
    const forged = await world.entry({ floor: CENT, payee: world.id('a') }, { payer: world.key('thief') })
    for (const entries of [
      [forged, good],
      [good, forged],
      [good, good, forged],
    ]) {
      expect(await world.claim(entries)).toMatchObject({ exit: 422, bounced: true, change: 0n })
    }
  })
})

describe('I4 claims', () => {
  const lanes = ['a', 'b', 'c']
  const amount = fc.bigInt({ min: 0n, max: 5n * CENT })
  const entry = fc.record({
    lane: fc.constantFrom(...lanes),
    floor: amount,
    ceiling: amount,
    total: fc.option(amount, { nil: undefined }),
    settled: fc.boolean(),
  })
  const plan = fc.array(entry, { minLength: 2, maxLength: 9 }).chain((entries) =>
    fc.record({
      entries: fc.constant(entries),
      orders: fc.tuple(order(entries.length), order(entries.length)),
      sizes: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
    }),
  )
  const order = (length: number) =>
    fc
      .tuple(
        fc.shuffledSubarray([...Array(length).keys()], { minLength: length }),
        fc.array(fc.nat({ max: length - 1 }), { maxLength: 4 }),
      )
      .map(([all, again]) => [...all, ...again])

  it('end in the same state in any order, repetition and splitting', async () => {
    await fc.assert(
      fc.asyncProperty(plan, async ({ entries, orders, sizes }) => {
        const ends = []
        for (const [run, sequence] of orders.entries()) {
          const world = await World.opened(2n * GRAM)
          const { since } = await world.payerKey()
          const signed = entries.map(({ lane, total, ...rest }) =>
            claimEntry(
              {
                channel: world.account,
                since,
                payee: world.id(lane),
                ...rest,
                ...(total === undefined ? {} : { total }),
              },
              world.signers,
            ),
          )
          const before = await world.balance()
          const size = sizes[run as 0 | 1]
          for (let at = 0; at < sequence.length; at += size) {
            const chosen = sequence.slice(at, at + size).map((index) => signed[index]!)
            expect(await world.claim(chosen)).toMatchObject({ done: true })
          }
          const paid = await Promise.all(lanes.map((lane) => world.paidOnLane(world.party(lane))))
          const { spent } = await world.payerKey()
          const { fees } = await world.state()
          ends.push({ paid, spent, fees, left: before - (await world.balance()) })
          expect(spent).toBe(paid.reduce((sum, one) => sum + one, 0n))
          expect(fees).toBe(paid.reduce((sum, one) => sum + (one * 500n) / 10_000n, 0n))
          expect(before - (await world.balance())).toBe(spent - fees)
        }
        expect(ends[0]).toEqual(ends[1])
      }),
      { numRuns: 12, seed: 20_261_122 },
    )
  })
})

describe('the challenge period', () => {
  for (const [name, challenge] of [
    ['localnet', 60],
    ['testnet', CHALLENGE],
    ['mainnet', CHALLENGE],
  ] as const) {
    it(`is ${challenge} seconds on ${name}`, async () => {
      const world = await World.opened(GRAM, { network: networks[name] })
      const { expires } = await world.payerKey()
      world.now = expires + challenge - 1
      expect((await world.claim([await world.entry({ floor: CENT })])).change).toBe(-net(CENT))
      const late = await world.entry({ floor: 2n * CENT })
      world.pass(1)
      expect(await world.claim([late])).toMatchObject({ done: true, change: 0n })
      await world.requestClose()
      await world.rotate(world.key('next'))
      const state = await world.state()
      expect(state.closesAt).toBe(world.now + challenge)
      expect(state.previousBrokerKey?.until).toBe(world.now + challenge)
    })
  }
})
