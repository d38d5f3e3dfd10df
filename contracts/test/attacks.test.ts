import { createEmptyShardAccount } from '@ton/sandbox'
import { describe, expect, it } from 'vitest'
import { accountOf } from '../src/index.ts'
import { claimEntry, signedReceipt } from './signed.ts'
import { CENT, CHALLENGE, DAY, GRAM, HOUR, net, TENTH, World } from './world.ts'

describe('A1 the owner pays himself', () => {
  it('with his own voucher: nothing moves without the broker', async () => {
    const world = await World.opened()
    const self = { payee: accountOf(world.owner) }
    const attempts = [
      await world.entry({ ...self, floor: GRAM }, { broker: world.signers.payer, node: world.signers.payer }),
      await world.entry({ ...self, total: GRAM }, { broker: world.signers.payer, node: world.signers.payer }),
      await world.entry({ ...self, total: GRAM, settled: true }, { broker: world.signers.payer }),
    ]
    for (const entry of attempts) {
      expect(await world.claim([entry], { from: world.owner })).toMatchObject({ done: true, payees: [], change: 0n })
    }
  })
})

describe('A2 a refused job', () => {
  it('is not billed after the hold was freed, however the receipt is dressed', async () => {
    const world = await World.opened()
    const until = world.now + DAY
    const kept = await world.terms({ ceiling: 40n * CENT, until })
    world.now = until + 1
    const late = claimEntry({ ...kept, total: 40n * CENT }, world.signers)
    expect(await world.claim([late])).toMatchObject({ done: true, change: 0n })
    // Calling the receipt settled asks for a signature that the broker never gave.
    const dressed = { ...late, countersigned: 'receipt' as const }
    expect(await world.claim([dressed])).toMatchObject({ done: true, change: 0n })
    // The coins went to an honest node meanwhile, and it gets them whole.
    const honest = await world.entry({ payee: world.id('honest'), total: 40n * CENT })
    expect((await world.claim([honest])).paidTo(world.party('honest'))).toBe(net(40n * CENT))
  })
})

describe('A3 a release in a drawer', () => {
  it('is worth nothing once its date has passed', async () => {
    const world = await World.opened(GRAM / 2n)
    const drawer = await world.release({ total: 45n * CENT, until: world.now + HOUR })
    world.pass(HOUR + 1)
    expect(await world.carry(drawer, { from: world.owner })).toMatchObject({ exit: 432, change: 0n })
    const claimed = await world.claim([await world.entry({ total: 30n * CENT })])
    expect(claimed.paidTo(world.payee)).toBe(net(30n * CENT))
  })
})

describe('A4 a machine that boots again', () => {
  it('has a lane of its own, so that its totals hide behind none', async () => {
    const world = await World.opened()
    const rebooted = world.key('rebooted node')
    await world.claim([await world.entry({ total: TENTH })])
    const second = await world.claim([await world.entry({ total: TENTH }, { node: rebooted })])
    expect(second.paidTo(world.payee)).toBe(net(TENTH))
    expect(await world.paidOnLane(world.payee, rebooted)).toBe(TENTH)
    expect(await world.payerKey()).toMatchObject({ spent: 2n * TENTH })
  })

  it('cannot write receipts for the other lane', async () => {
    const world = await World.opened()
    const honest = await world.entry({ total: TENTH })
    const receipt = signedReceipt({ ...(await world.terms()), total: TENTH }, world.key('rebooted node'))
    expect(await world.claim([{ ...honest, receipt }])).toMatchObject({ exit: 423, change: 0n })
  })
})

describe('A5 rotation', () => {
  it('voids no countersignature within a challenge period, not even two rotations', async () => {
    const world = await World.opened()
    await world.rotate(world.key('second'))
    expect(await world.rotate(world.key('third'))).toMatchObject({ exit: 450 })
    world.pass(CHALLENGE - 1)
    expect(await world.rotate(world.key('third'))).toMatchObject({ exit: 450 })
    expect((await world.claim([await world.entry({ total: TENTH })])).paidTo(world.payee)).toBe(net(TENTH))
  })

  it('is not undone by the key that was rotated away', async () => {
    const world = await World.opened()
    await world.rotate(world.key('second'))
    const thief = await world.release({ total: GRAM }, world.signers.broker)
    expect(await world.carry(thief, { from: world.owner })).toMatchObject({ exit: 430, change: 0n })
  })
})

describe('A6 a close that was armed', () => {
  it('cannot be topped up and used by an opening message, before or after its date', async () => {
    const world = await World.opened()
    await world.requestClose()
    for (const wait of [0, CHALLENGE, 30 * DAY]) {
      world.pass(wait)
      expect(await world.open({ value: GRAM })).toMatchObject({ exit: 405, bounced: true, change: 0n })
      expect(await world.open({ value: GRAM, key: world.key('new') })).toMatchObject({ exit: 405 })
    }
  })

  it('is still seen after a plain transfer', async () => {
    const world = await World.opened()
    await world.requestClose()
    const { closesAt } = await world.state()
    await world.topUp(GRAM)
    expect(await world.state()).toMatchObject({ closesAt })
  })
})

describe('A7 a revoked key', () => {
  it('is not revived by raising it, as long as it is stored', async () => {
    const world = await World.opened()
    await world.revoke()
    for (const wait of [0, CHALLENGE - 1]) {
      world.pass(wait)
      expect(await world.open({ limit: 9n * GRAM, value: GRAM })).toMatchObject({ exit: 407, bounced: true })
    }
  })
})

describe('A8 a key that is added again', () => {
  it('starts from nothing: what it signed before counts no more', async () => {
    const world = await World.opened()
    const old = [await world.entry({ floor: TENTH }), await world.entry({ total: TENTH, payee: world.id('other') })]
    await world.revoke()
    world.pass(CHALLENGE)
    await world.open({ value: GRAM })
    expect(await world.claim(old)).toMatchObject({ done: true, change: 0n })
    expect(await world.payerKey()).toMatchObject({ spent: 0n, lanes: [] })
    // A new number on an old signature is a forgery.
    const { since } = await world.payerKey()
    const renumbered = old.map((entry) => ({
      ...entry,
      voucher: { ...entry.voucher, object: { ...entry.voucher.object, since } },
    }))
    const [first] = renumbered
    if (!first) throw new Error('no entry')
    expect(await world.claim([first])).toMatchObject({ exit: 422, change: 0n })
  })
})

describe('A9 a channel that is opened again', () => {
  it('pays no voucher and no release of the time before', async () => {
    const world = await World.opened()
    const old = await world.entry({ floor: TENTH })
    const release = await world.release({ total: TENTH })
    await world.closeAndFinish()
    await world.topUp(GRAM)
    expect(await world.claim([old])).toMatchObject({ done: true, change: 0n })
    expect(await world.carry(release)).toMatchObject({ exit: 431, change: 0n })
    await world.open({ value: GRAM })
    expect(await world.claim([old])).toMatchObject({ done: true, change: 0n })
    expect(await world.carry(release)).toMatchObject({ exit: 431, change: 0n })
  })
})

describe('A10 a contract that is deployed again', () => {
  it('is not had by finishing: the contract stays, with its state', async () => {
    const world = await World.opened()
    await world.closeAndFinish()
    expect(await world.stored()).toBeDefined()
  })

  it('pays nothing signed before, even when the chain forgot the account', async () => {
    const world = await World.opened()
    const old = await world.entry({ floor: TENTH })
    const release = await world.release({ total: TENTH })
    await world.chain.setShardAccount(world.channel.address, createEmptyShardAccount(world.channel.address))
    expect(await world.stored()).toBeUndefined()
    expect(await world.open({ value: GRAM })).toMatchObject({ done: true })
    expect(await world.claim([old])).toMatchObject({ done: true, change: 0n })
    expect(await world.carry(release)).toMatchObject({ exit: 431, change: 0n })
  })
})
