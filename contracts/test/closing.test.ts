import { describe, expect, it } from 'vitest'
import { CHALLENGE, DAY, GRAM, HOUR, TENTH, World } from './world.ts'

describe('P6 I9 leaving', () => {
  it('takes the owner, one challenge period, and nobody else', async () => {
    const world = await World.opened()
    await world.claim([await world.entry({ floor: TENTH })])
    expect(await world.requestClose()).toMatchObject({ done: true, change: 0n, payees: [] })
    expect(await world.state()).toMatchObject({ closesAt: world.now + CHALLENGE })
    world.pass(CHALLENGE)
    const balance = await world.balance()
    const { fees } = await world.state()
    const finished = await world.finishClose(world.owner)
    expect(finished.paidTo(world.owner)).toBe(balance - fees - finished.rent)
    expect(finished.paidTo(world.broker)).toBe(fees)
    expect(await world.balance()).toBe(0n)
  })

  it('R13 is finished by anyone, who gets his excess back, from the date on and not a second earlier', async () => {
    const world = await World.opened()
    await world.requestClose()
    world.pass(CHALLENGE - 1)
    expect(await world.finishClose()).toMatchObject({ exit: 461, bounced: true, change: 0n })
    world.pass(1)
    const balance = await world.balance()
    const finished = await world.finishClose()
    expect(finished.paidTo(world.owner)).toBe(balance - finished.rent)
    expect(finished.returned).toBeGreaterThan((GRAM * 4n) / 100n)
    expect(finished.payees).toHaveLength(1)
  })

  it('R13 clears keys, opening, releases, fees and date, keeps the contract', async () => {
    const world = await World.opened()
    await world.claim([await world.entry({ floor: TENTH })])
    await world.carry(await world.release({ total: TENTH }))
    const before = await world.state()
    await world.closeAndFinish()
    expect(await world.state()).toEqual({
      ...before,
      opened: 0n,
      released: 0n,
      fees: 0n,
      closesAt: null,
      payerKeys: [],
    })
    expect(await world.finishClose()).toMatchObject({ exit: 460, bounced: true })
  })

  it('cannot be finished unless it was requested', async () => {
    const world = await World.opened()
    expect(await world.finishClose(world.owner)).toMatchObject({ exit: 460, bounced: true, change: 0n })
  })

  it('is requested and cancelled by the owner alone', async () => {
    const world = await World.opened()
    for (const from of [world.broker, world.stranger]) {
      expect(await world.requestClose(from)).toMatchObject({ exit: 401, bounced: true })
    }
    await world.requestClose()
    for (const from of [world.broker, world.stranger]) {
      expect(await world.cancelClose(from)).toMatchObject({ exit: 401, bounced: true })
    }
    expect((await world.state()).closesAt).not.toBeNull()
  })

  it('is cancelled before and after the date, and then starts from the beginning', async () => {
    const world = await World.opened()
    for (const wait of [HOUR, CHALLENGE, CHALLENGE + DAY]) {
      await world.requestClose()
      world.pass(wait)
      expect(await world.cancelClose()).toMatchObject({ done: true, change: 0n })
      expect(await world.finishClose()).toMatchObject({ exit: 460 })
    }
    await world.requestClose()
    expect(await world.state()).toMatchObject({ closesAt: world.now + CHALLENGE })
  })

  it('I8 leaves nodes the whole challenge period, and until somebody finishes', async () => {
    const world = await World.opened()
    await world.requestClose()
    world.pass(CHALLENGE - 1)
    expect((await world.claim([await world.entry({ floor: TENTH })])).change).toBeLessThan(0n)
    world.pass(DAY)
    expect((await world.claim([await world.entry({ floor: 2n * TENTH })])).change).toBeLessThan(0n)
  })

  it('opens again naturally, with keys registered anew', async () => {
    const world = await World.opened()
    const first = await world.state()
    await world.closeAndFinish()
    expect(await world.open({ value: GRAM / 5n - 1n })).toMatchObject({ exit: 404 })
    expect(await world.open({ value: GRAM / 5n })).toMatchObject({ done: true })
    const second = await world.state()
    expect(second.opened).toBeGreaterThan(first.opened)
    expect((await world.payerKey()).since).toBe(second.opened)
    expect((await world.claim([await world.entry({ floor: TENTH })])).change).toBeLessThan(0n)
  })

  it('R9 gets back what was sent to a channel that is not open', async () => {
    const world = await World.create()
    const sent = await world.topUp(GRAM)
    await world.requestClose()
    world.pass(CHALLENGE)
    const finished = await world.finishClose()
    expect(finished.paidTo(world.owner)).toBe(sent.change - sent.rent - finished.rent)
  })

  it('pays the broker what is there, when rent has eaten into the fees, and the owner nothing', async () => {
    const world = await World.opened(GRAM / 5n)
    await world.claim([await world.entry({ floor: GRAM })])
    const { fees } = await world.state()
    while ((await world.balance()) >= fees) {
      world.pass(365 * DAY)
      await world.topUp(1n)
    }
    await world.requestClose()
    world.pass(CHALLENGE)
    const left = await world.balance()
    const finished = await world.finishClose()
    expect(finished).toMatchObject({ done: true, payees: [world.broker.toString()] })
    expect(finished.paidTo(world.broker)).toBe(left - finished.rent)
  })
})
