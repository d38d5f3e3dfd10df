import { describe, expect, it } from 'vitest'
import { type Terms } from './signed.ts'
import { CENT, CHALLENGE, DAY, GRAM, net, World } from './world.ts'

describe('P1 I2 what a claim needs', () => {
  it('is a voucher by the payer key: a forged one throws', async () => {
    const world = await World.opened()
    for (const given of [{ floor: CENT }, { total: CENT }, { total: CENT, settled: true }]) {
      const forged = await world.entry(given, { payer: world.key('thief') })
      expect(await world.claim([forged])).toMatchObject({ exit: 422, bounced: true, change: 0n })
    }
  })

  it('is a countersignature: without one nothing is paid, nothing thrown, and no lane begun', async () => {
    const world = await World.opened()
    const before = await world.state()
    for (const given of [{ floor: CENT }, { total: CENT }, { total: CENT, settled: true }]) {
      for (const broker of [world.signers.payer, world.signers.node, world.key('thief')]) {
        const lacking = await world.entry(given, { broker })
        expect(await world.claim([lacking])).toMatchObject({ done: true, change: 0n, payees: [] })
      }
    }
    expect(await world.state()).toEqual(before)
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

  it('P7 I5 stops at the limit of the key, over all its lanes, and goes on when that is raised', async () => {
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

  it("P4 takes nothing from another user's channel with the same broker, nor from another channel of the same user", async () => {
    const world = await World.opened()
    const others = [
      await World.opened(GRAM, { broker: world.broker, brokerKey: world.signers.broker.publicKey }),
      await World.opened(GRAM, { owner: world.owner }),
    ]
    const before = await Promise.all(others.map((other) => other.balance()))
    await world.claim([await world.entry({ floor: GRAM })])
    expect(await world.available()).toBe(0n)
    expect(await Promise.all(others.map((other) => other.balance()))).toEqual(before)
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
