import { describe, expect, it } from 'vitest'
import { CHALLENGE, DAY, GRAM, RENT_RESERVE, TENTH, World } from './world.ts'

describe('R10 a release', () => {
  it('pays the owner, whoever carries it, and costs the deposit nothing more', async () => {
    const world = await World.opened()
    for (const [i, from] of [world.broker, world.stranger, world.owner].entries()) {
      const outcome = await world.carry(await world.release({ total: BigInt(i + 1) * TENTH }), { from })
      expect(outcome).toMatchObject({ done: true, change: -TENTH })
      expect(outcome.paidTo(world.owner)).toBe(TENTH)
      expect(outcome.payees).toHaveLength(1)
    }
    expect(await world.state()).toMatchObject({ released: 3n * TENTH })
  })

  it('is cumulative: the same one again pays nothing', async () => {
    const world = await World.opened()
    const release = await world.release({ total: TENTH })
    await world.carry(release)
    expect(await world.carry(release)).toMatchObject({ exit: 433, bounced: true, change: 0n })
    expect(await world.carry(await world.release({ total: TENTH - 1n }))).toMatchObject({ exit: 433 })
    expect(await world.carry(await world.release({ total: TENTH + 1n }))).toMatchObject({ done: true, change: -1n })
  })

  it('reaches what is available and no further; the rest follows after a top up', async () => {
    const world = await World.opened()
    await world.claim([await world.entry({ floor: TENTH })])
    const available = await world.available()
    const { fees } = await world.state()
    const release = await world.release({ total: 2n * GRAM })
    expect((await world.carry(release)).paidTo(world.owner)).toBe(available)
    expect(await world.balance()).toBe(RENT_RESERVE + fees)
    expect(await world.carry(release)).toMatchObject({ exit: 433 })
    await world.topUp(2n * GRAM)
    await world.carry(release)
    expect(await world.state()).toMatchObject({ released: 2n * GRAM })
  })

  it('needs the current broker key: no other, and not the one before', async () => {
    const world = await World.opened()
    for (const key of [world.signers.payer, world.signers.node, world.key('thief')]) {
      expect(await world.carry(await world.release({ total: TENTH }, key))).toMatchObject({ exit: 430, change: 0n })
    }
    const next = world.key('next')
    await world.rotate(next)
    expect(await world.carry(await world.release({ total: TENTH }))).toMatchObject({ exit: 430, change: 0n })
    expect(await world.carry(await world.release({ total: TENTH }, next))).toMatchObject({ done: true })
  })

  it('counts until its date, to the second', async () => {
    const world = await World.opened()
    const until = world.now + DAY
    const [first, second] = [
      await world.release({ total: TENTH, until }),
      await world.release({ total: 2n * TENTH, until }),
    ]
    world.now = until
    expect(await world.carry(first)).toMatchObject({ done: true })
    world.pass(1)
    expect(await world.carry(second)).toMatchObject({ exit: 432, bounced: true, change: 0n })
  })

  it('works while the channel is closing, so that a user need not wait for what nobody claims', async () => {
    const world = await World.opened()
    await world.requestClose()
    world.pass(CHALLENGE + 1)
    expect(await world.carry(await world.release({ total: TENTH }))).toMatchObject({ done: true, change: -TENTH })
  })

  it('is of one opening: neither before, nor after, nor of none', async () => {
    const world = await World.create()
    await world.topUp(GRAM)
    expect(await world.carry(await world.release({ total: TENTH, opened: 0n }))).toMatchObject({
      exit: 431,
      change: 0n,
    })
    await world.open({ value: GRAM })
    const { opened } = await world.state()
    for (const other of [opened - 1n, opened + 1n, 0n]) {
      expect(await world.carry(await world.release({ total: TENTH, opened: other }))).toMatchObject({ exit: 431 })
    }
  })

  it('is of one channel', async () => {
    const world = await World.opened()
    const release = await world.release({ total: TENTH, channel: world.id('another channel') })
    expect(await world.carry(release)).toMatchObject({ exit: 430, change: 0n })
  })
})

describe('P3 I10 the fee', () => {
  it('goes to the broker address alone, whoever collects it', async () => {
    const world = await World.opened()
    for (const [i, from] of [world.stranger, world.owner, world.broker].entries()) {
      await world.claim([await world.entry({ floor: BigInt(i + 1) * TENTH })])
      const collected = await world.collect(from)
      expect(collected).toMatchObject({ done: true, change: -TENTH / 20n })
      expect(collected.paidTo(world.broker)).toBe(TENTH / 20n)
      expect(collected.payees).toHaveLength(1)
      expect((await world.state()).fees).toBe(0n)
    }
  })

  it('throws when there is none, so that nobody pays gas for nothing twice', async () => {
    const world = await World.opened()
    expect(await world.collect()).toMatchObject({ exit: 440, bounced: true, change: 0n })
  })

  it('is out of reach for claims and releases', async () => {
    const world = await World.opened()
    await world.claim([await world.entry({ floor: TENTH })])
    await world.claim([await world.entry({ floor: 10n * GRAM })])
    await world.carry(await world.release({ total: 10n * GRAM }))
    const { fees } = await world.state()
    expect(await world.balance()).toBe(RENT_RESERVE + fees)
    expect((await world.collect()).paidTo(world.broker)).toBe(fees)
  })

  it('is paid as far as it is there when rent has eaten into it', async () => {
    const world = await World.opened(GRAM / 5n)
    await world.claim([await world.entry({ floor: GRAM })])
    const { fees } = await world.state()
    // The reserve lasts some years; then rent comes out of what accrued.
    while ((await world.balance()) >= fees) {
      world.pass(365 * DAY)
      await world.topUp(1n)
    }
    const left = await world.balance()
    expect(left).toBeGreaterThan(0n)
    const collected = await world.collect()
    expect(collected.paidTo(world.broker)).toBe(left - collected.rent)
    expect((await world.state()).fees).toBe(fees - left + collected.rent)
    expect(await world.balance()).toBe(0n)
  })
})
