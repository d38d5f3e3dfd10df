import { describe, expect, it } from 'vitest'
import { CHALLENGE, DAY, GRAM, HOUR, TENTH, World } from './world.ts'

describe('R5 the end of a payer key', () => {
  it('comes one challenge period after it expires, to the second', async () => {
    const world = await World.opened()
    const { expires } = await world.payerKey()
    world.now = expires + CHALLENGE - 1
    expect(await world.claim([await world.entry({ floor: TENTH })])).toMatchObject({ change: -(TENTH * 95n) / 100n })
    const late = await world.entry({ floor: 2n * TENTH })
    world.pass(1)
    expect(await world.claim([late])).toMatchObject({ done: true, change: 0n, payees: [] })
    expect(await world.payerKey()).toMatchObject({ spent: TENTH })
  })

  it('I8 comes one challenge period after it is revoked, to the second', async () => {
    const world = await World.opened()
    world.pass(DAY)
    await world.revoke()
    const revokedAt = world.now
    expect(await world.payerKey()).toMatchObject({ revoked: true, expires: revokedAt })
    world.now = revokedAt + CHALLENGE - 1
    expect((await world.claim([await world.entry({ floor: TENTH })])).change).toBe(-(TENTH * 95n) / 100n)
    const late = await world.entry({ floor: 2n * TENTH })
    world.pass(1)
    expect(await world.claim([late])).toMatchObject({ done: true, change: 0n })
  })

  it('is not put off by revoking again, nor by revoking what has expired', async () => {
    const world = await World.opened()
    await world.revoke()
    const first = await world.payerKey()
    world.pass(HOUR)
    expect(await world.revoke()).toMatchObject({ done: true })
    expect(await world.payerKey()).toEqual(first)

    const expired = await World.opened()
    const { expires } = await expired.payerKey()
    expired.now = expires + HOUR
    await expired.revoke()
    expect(await expired.payerKey()).toMatchObject({ revoked: true, expires })
  })

  it('P7 leaves what the other keys signed alone', async () => {
    const world = await World.opened()
    const tablet = world.key('tablet')
    await world.open({ key: tablet })
    await world.revoke()
    world.pass(CHALLENGE)
    const { since } = await world.payerKey(tablet)
    expect((await world.claim([await world.entry({ since, floor: TENTH }, { payer: tablet })])).change).toBeLessThan(0n)
  })

  it('is the owner alone', async () => {
    const world = await World.opened()
    for (const from of [world.stranger, world.broker]) {
      expect(await world.revoke(undefined, from)).toMatchObject({ exit: 401, bounced: true })
    }
    expect(await world.revoke(world.key('never registered'))).toMatchObject({ exit: 411 })
    expect(await world.payerKey()).toMatchObject({ revoked: false })
  })
})

describe('R5 pruning', () => {
  const over = async (): Promise<World> => {
    const world = await World.opened()
    const { expires } = await world.payerKey()
    await world.open({ key: world.key('tablet'), expires: expires + 90 * DAY })
    world.now = expires + CHALLENGE
    return world
  }
  const actions: Record<string, (world: World) => Promise<unknown>> = {
    'opening message': (world) => world.open({ key: world.key('third') }),
    revocation: (world) => world.revoke(world.key('tablet')),
    'close request': (world) => world.requestClose(),
    'close cancellation': (world) => world.cancelClose(),
    rotation: (world) => world.rotate(world.key('next broker')),
  }
  for (const [name, act] of Object.entries(actions)) {
    it(`forgets keys that are over at any ${name}, and none a second earlier`, async () => {
      const world = await over()
      world.pass(-1)
      await act(world)
      expect(await world.findPayerKey()).toBeDefined()
      const later = await over()
      await act(later)
      expect(await later.findPayerKey()).toBeUndefined()
      expect(await later.findPayerKey(later.key('tablet'))).toBeDefined()
    })
  }

  it('forgets several at once, first, last and between', async () => {
    const world = await World.opened()
    const ends = [1, 9, 1, 9, 9, 1, 1]
    for (const [i, days] of ends.entries()) {
      await world.open({ key: world.key(`${i}`), expires: world.now + days * DAY })
    }
    world.pass(DAY + CHALLENGE)
    await world.cancelClose()
    const left = (await world.state()).payerKeys.map(({ key }) => key)
    expect(left).toEqual(
      [world.signers.payer, ...[1, 3, 4].map((i) => world.key(`${i}`))].map(({ publicKey }) => publicKey),
    )
  })

  it('answers a revocation of what is over as unknown, and then forgets nothing', async () => {
    const world = await over()
    expect(await world.revoke()).toMatchObject({ exit: 411, bounced: true })
    expect(await world.findPayerKey()).toBeDefined()
  })
})

describe('R11 rotation', () => {
  it('is the broker address alone', async () => {
    const world = await World.opened()
    for (const from of [world.owner, world.stranger]) {
      expect(await world.rotate(world.key('next'), from)).toMatchObject({ exit: 402, bounced: true })
    }
    expect(await world.rotate(world.key('next'))).toMatchObject({ done: true, change: 0n })
    expect(await world.state()).toMatchObject({
      brokerKey: world.key('next').publicKey,
      previousBrokerKey: { key: world.signers.broker.publicKey, until: world.now + CHALLENGE },
    })
  })

  it('I8 lets the key before serve claims for one challenge period, to the second', async () => {
    const world = await World.opened()
    const next = world.key('next')
    await world.rotate(next)
    const rotatedAt = world.now
    const both = async (floor: bigint) => [
      await world.entry({ floor }),
      await world.entry({ floor, payee: world.id('second') }, { broker: next }),
    ]
    world.now = rotatedAt + CHALLENGE - 1
    expect((await world.claim(await both(TENTH))).change).toBe((-2n * TENTH * 95n) / 100n)
    world.pass(1)
    expect((await world.claim(await both(2n * TENTH))).change).toBe(-(TENTH * 95n) / 100n)
  })

  it('lets neither serve what it did not sign', async () => {
    const world = await World.opened()
    await world.rotate(world.key('next'))
    const nobody = await world.entry({ floor: TENTH }, { broker: world.key('nobody') })
    expect(await world.claim([nobody])).toMatchObject({ done: true, change: 0n })
  })

  it('waits for the key before to end', async () => {
    const world = await World.opened()
    await world.rotate(world.key('second'))
    world.pass(CHALLENGE - 1)
    expect(await world.rotate(world.key('third'))).toMatchObject({ exit: 450, bounced: true })
    world.pass(1)
    expect(await world.rotate(world.key('third'))).toMatchObject({ done: true })
    expect(await world.state()).toMatchObject({
      brokerKey: world.key('third').publicKey,
      previousBrokerKey: { key: world.key('second').publicKey, until: world.now + CHALLENGE },
    })
  })

  it('works before the channel is open and after it was finished', async () => {
    const world = await World.create()
    await world.topUp(GRAM)
    expect(await world.rotate(world.key('second'))).toMatchObject({ done: true })
    await world.open({ value: GRAM })
    await world.closeAndFinish()
    expect(await world.rotate(world.key('third'))).toMatchObject({ done: true })
    await world.open({ value: GRAM })
    expect(
      (await world.claim([await world.entry({ floor: TENTH }, { broker: world.key('third') })])).change,
    ).toBeLessThan(0n)
  })
})
