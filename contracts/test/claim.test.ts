import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ClaimEntry } from '../src/index.ts'
import { claimEntry, type Terms } from './signed.ts'
import { CHALLENGE, DAY, GRAM, World } from './world.ts'

const CENT = GRAM / 100n
/** What reaches the payee of a claim that pays `sum` on a new lane, at the usual fee of five in a hundred. */
const net = (sum: bigint): bigint => sum - (sum * 500n) / 10_000n

describe('P1 I2 what a claim needs', () => {
  it('is a voucher by the payer key: a forged one throws', async () => {
    const world = await World.opened()
    for (const given of [{ floor: CENT }, { total: CENT }, { total: CENT, settled: true }]) {
      const forged = await world.entry(given, { payer: world.key('thief') })
      expect(await world.claim([forged])).toMatchObject({ exit: 422, bounced: true, change: 0n })
    }
  })

  it('is a countersignature: without one nothing is paid and nothing thrown', async () => {
    const world = await World.opened()
    for (const given of [{ floor: CENT }, { total: CENT }, { total: CENT, settled: true }]) {
      for (const broker of [world.signers.payer, world.signers.node, world.key('thief')]) {
        const lacking = await world.entry(given, { broker })
        expect(await world.claim([lacking])).toMatchObject({ done: true, change: 0n, payees: [] })
      }
    }
  })

  it('is a receipt by the node, above the floor: a forged one throws', async () => {
    const world = await World.opened()
    const honest = await world.entry({ total: CENT })
    const receipt = (await world.entry({ total: 2n * CENT }, { node: world.key('thief') })).receipt
    if (!receipt) throw new Error('no receipt')
    expect(await world.claim([{ ...honest, receipt }])).toMatchObject({ exit: 423, bounced: true, change: 0n })
  })

  it('pays the floor alone where no receipt is carried', async () => {
    const world = await World.opened()
    const paid = await world.claim([await world.entry({ floor: CENT, ceiling: 5n * CENT })])
    expect(paid.paidTo(world.payee)).toBe(net(CENT))
    expect(await world.paidOnLane()).toBe(CENT)
  })
})

describe('P2 I1 R1 the target', () => {
  const cases: { what: string; given: Partial<Terms>; late?: Partial<Terms>; pays: bigint; paysLate: bigint }[] = [
    { what: 'floor alone', given: { floor: 2n, ceiling: 9n }, pays: 2n, paysLate: 2n },
    { what: 'receipt below the ceiling', given: { ceiling: 9n, total: 5n }, pays: 5n, paysLate: 0n },
    { what: 'receipt at the ceiling', given: { ceiling: 9n, total: 9n }, pays: 9n, paysLate: 0n },
    { what: 'receipt above the ceiling', given: { ceiling: 9n, total: 50n }, pays: 9n, paysLate: 0n },
    { what: 'receipt below the floor', given: { floor: 4n, ceiling: 9n, total: 3n }, pays: 4n, paysLate: 4n },
    { what: 'receipt above the floor', given: { floor: 4n, ceiling: 9n, total: 7n }, pays: 7n, paysLate: 4n },
    { what: 'settled below the ceiling', given: { ceiling: 9n, total: 5n, settled: true }, pays: 5n, paysLate: 5n },
    { what: 'settled above the ceiling', given: { ceiling: 9n, total: 50n, settled: true }, pays: 9n, paysLate: 9n },
    {
      what: 'settled above the floor',
      given: { floor: 4n, ceiling: 9n, total: 7n, settled: true },
      pays: 7n,
      paysLate: 7n,
    },
    {
      what: 'settled below the floor',
      given: { floor: 4n, ceiling: 9n, total: 3n, settled: true },
      pays: 3n,
      paysLate: 3n,
    },
    { what: 'nothing at all', given: { ceiling: 9n }, pays: 0n, paysLate: 0n },
  ]
  const inCents = ({ floor, ceiling, total, ...rest }: Partial<Terms>): Partial<Terms> => ({
    ...rest,
    ...(floor === undefined ? {} : { floor: floor * CENT }),
    ...(ceiling === undefined ? {} : { ceiling: ceiling * CENT }),
    ...(total === undefined ? {} : { total: total * CENT }),
  })
  for (const { what, given, pays, paysLate } of cases) {
    it(`is right for ${what}, until the date and after it`, async () => {
      const world = await World.opened()
      const until = world.now + DAY
      for (const [now, expected] of [
        [until, pays],
        [until + 1, paysLate],
      ] as const) {
        const one = world.id(`payee at ${now - until}`)
        const entry = await world.entry({ ...inCents(given), until, payee: one })
        world.now = now
        const outcome = await world.claim([entry])
        expect(outcome).toMatchObject({ done: true, change: -net(expected * CENT) })
        expect(await world.paidOnLane(world.party(`payee at ${now - until}`))).toBe(expected * CENT)
      }
    })
  }

  it('is not raised by a receipt that names another payee, registration or channel', async () => {
    const world = await World.opened()
    const honest = await world.entry({ total: CENT })
    const wrong: Partial<Terms>[] = [
      { payee: world.id('other') },
      { since: (await world.payerKey()).since + 1n },
      { channel: world.id('other channel') },
    ]
    for (const given of wrong) {
      // Its signature is genuine, over a cell that is not the one this voucher asks for.
      const { receipt } = await world.entry({ total: CENT, ...given })
      if (!receipt || !honest.receipt) throw new Error('no receipt')
      const mixed = { ...honest, receipt: { ...honest.receipt, signature: receipt.signature } }
      expect(await world.claim([mixed])).toMatchObject({ exit: 423, change: 0n })
    }
  })
})

describe('R2 a payment', () => {
  it('is the difference to what was paid, and stands in the state', async () => {
    const world = await World.opened()
    await world.claim([await world.entry({ total: 3n * CENT })])
    const second = await world.claim([await world.entry({ total: 5n * CENT })])
    expect(second.paidTo(world.payee)).toBe(net(5n * CENT) - net(3n * CENT))
    expect(await world.payerKey()).toMatchObject({
      spent: 5n * CENT,
      lanes: [{ payee: world.id('payee'), receiptKey: world.signers.node.publicKey, paid: 5n * CENT }],
    })
  })

  it('I5 stops at the limit of the key, over all its lanes, and goes on when that is raised', async () => {
    const world = await World.opened(GRAM)
    const key = world.key('tablet')
    await world.open({ key, limit: 10n * CENT })
    const { since } = await world.payerKey(key)
    const lane = (name: string, total: bigint) => world.entry({ since, total, payee: world.id(name) }, { payer: key })
    expect((await world.claim([await lane('a', 7n * CENT)])).paidTo(world.party('a'))).toBe(net(7n * CENT))
    expect((await world.claim([await lane('b', 7n * CENT)])).paidTo(world.party('b'))).toBe(net(3n * CENT))
    expect(await world.payerKey(key)).toMatchObject({ limit: 10n * CENT, spent: 10n * CENT })
    expect(await world.claim([await lane('b', 7n * CENT)])).toMatchObject({ done: true, change: 0n })
    await world.open({ key, limit: 11n * CENT, value: CENT })
    expect((await world.claim([await lane('b', 7n * CENT)])).paidTo(world.party('b'))).toBe(
      net(4n * CENT) - net(3n * CENT),
    )
  })

  it('stops at what is available: rent reserve and fees stay, and a top up pays the rest', async () => {
    const world = await World.opened(GRAM / 2n)
    await world.open({ limit: 10n * GRAM })
    await world.claim([await world.entry({ floor: 10n * CENT })])
    const { fees } = await world.state()
    const available = await world.available()
    const drained = await world.claim([await world.entry({ floor: GRAM })])
    expect(await world.paidOnLane()).toBe(10n * CENT + available)
    expect(await world.available()).toBe(0n)
    expect(await world.balance()).toBe(GRAM / 50n + (await world.state()).fees)
    expect(drained.paidTo(world.payee)).toBe(available + fees - (await world.state()).fees)
    expect(await world.claim([await world.entry({ floor: GRAM })])).toMatchObject({ done: true, change: 0n })
    await world.topUp(GRAM)
    await world.claim([await world.entry({ floor: GRAM })])
    expect(await world.paidOnLane()).toBe(GRAM)
  })

  it('takes nothing when the balance is below the reserve', async () => {
    const world = await World.opened(GRAM / 5n)
    await world.claim([await world.entry({ floor: GRAM })])
    // Six years of rent.
    world.pass(6 * 365 * DAY)
    await world.topUp(1n)
    expect(await world.available()).toBeLessThan(0n)
    const { expires } = await world.payerKey()
    expect(world.now).toBeGreaterThan(expires + CHALLENGE)
    await world.open({ value: CENT })
    expect(await world.claim([await world.entry({ floor: GRAM })])).toMatchObject({ done: true, change: 0n })
  })

  it('P5 may be carried by anyone, who gets back what was attached less gas', async () => {
    const world = await World.opened()
    for (const [i, from] of [world.owner, world.broker, world.payee, world.stranger].entries()) {
      const outcome = await world.claim([await world.entry({ total: BigInt(i + 1) * CENT })], { from })
      expect(outcome.done).toBe(true)
      expect(outcome.returned).toBeGreaterThan((GRAM * 4n) / 100n)
    }
  })

  it('is carried whole: the payee gets the sum less the fee, to the nanogram', async () => {
    const world = await World.opened(GRAM, { feeBasisPoints: 333 })
    const paid = await world.claim([await world.entry({ floor: 12_345_678n })])
    expect(paid.paidTo(world.payee)).toBe(12_345_678n - (12_345_678n * 333n) / 10_000n)
    expect((await world.state()).fees).toBe((12_345_678n * 333n) / 10_000n)
  })

  it('sends no empty message where the whole sum is a fee', async () => {
    const world = await World.opened(GRAM, { feeBasisPoints: 10_000 })
    expect(await world.claim([await world.entry({ floor: CENT })])).toMatchObject({
      done: true,
      payees: [],
      change: 0n,
    })
    expect((await world.state()).fees).toBe(CENT)
  })
})

describe('R4 the fee', () => {
  it('is collected from nobody at a rate of zero', async () => {
    const world = await World.opened(GRAM, { feeBasisPoints: 0 })
    const paid = await world.claim([await world.entry({ floor: CENT })])
    expect(paid.paidTo(world.payee)).toBe(CENT)
    expect((await world.state()).fees).toBe(0n)
  })

  it('is counted for each lane by itself', async () => {
    const world = await World.opened()
    await world.claim([
      await world.entry({ floor: 19n, payee: world.id('a') }),
      await world.entry({ floor: 19n, payee: world.id('b') }),
      await world.entry({ floor: 20n, payee: world.id('c') }),
    ])
    expect((await world.state()).fees).toBe(1n)
  })
})

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

describe('a claim on another network', () => {
  it('knows the short challenge period of the development chain there alone', async () => {
    for (const [network, challenge] of [
      [-7239, 60],
      [-3, CHALLENGE],
      [-239, CHALLENGE],
    ] as const) {
      const world = await World.opened(GRAM, { network })
      const { expires } = await world.payerKey()
      const entry = await world.entry({ floor: CENT })
      world.now = expires + challenge
      expect(await world.claim([entry])).toMatchObject({ done: true, change: 0n })
      world.pass(-1)
      expect((await world.claim([entry])).change).toBe(-net(CENT))
    }
  })
})
