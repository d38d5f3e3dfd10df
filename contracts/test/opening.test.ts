import { networks } from '@cocoon/protocol'
import { beginCell } from '@ton/core'
import { describe, expect, it } from 'vitest'
import { exitCodes, openMessage, type StoredState } from '../src/index.ts'
import { code } from './chain.ts'
import { CHALLENGE, DAY, GRAM, World } from './world.ts'

const MINIMUM = GRAM / 5n

const exitNamed = (name: string): number =>
  Number(Object.entries(exitCodes).find(([, exit]) => exit.name === name)?.[0] ?? -1)

describe('P9 opening', () => {
  it('takes one message that deploys, deposits and registers a key', async () => {
    const world = await World.create()
    const opened = await world.open({ value: GRAM, limit: GRAM / 2n })
    expect(opened).toMatchObject({ done: true, payees: [], returned: 0n })
    const state = await world.state()
    expect(state.opened).toBe(opened.transaction.lt)
    expect(state.payerKeys).toEqual([
      {
        since: opened.transaction.lt,
        key: world.signers.payer.publicKey,
        limit: GRAM / 2n,
        spent: 0n,
        expires: world.now + 30 * DAY,
        revoked: false,
        lanes: [],
      },
    ])
    expect(await world.balance()).toBe(GRAM - opened.transaction.totalFees.coins)
  })

  it('R7 works from 0.2 GRAM and not from a nanogram less', async () => {
    const below = await World.create()
    expect(await below.open({ value: MINIMUM - 1n })).toMatchObject({ exit: 404, bounced: true })
    const world = await World.create()
    expect(await world.open({ value: MINIMUM })).toMatchObject({ done: true })
  })

  it('R7 counts the coins that lie there already', async () => {
    const world = await World.create()
    await world.send(world.stranger, beginCell().endCell(), { value: MINIMUM, bounce: false, deploy: true })
    expect(await world.open({ value: GRAM / 50n })).toMatchObject({ done: true })
  })

  it('R7 loses nothing when too little came in a message that may not bounce', async () => {
    const world = await World.create()
    const value = GRAM / 10n
    const refused = await world.open({ value, bounce: false })
    expect(refused).toMatchObject({ exit: 404, returned: 0n })
    expect(refused.change).toBe(value - refused.transaction.totalFees.coins + refused.rent)
    expect(await world.open({ value })).toMatchObject({ exit: 404 })
    expect(await world.open({ value: value + GRAM / 100n })).toMatchObject({ done: true })
  })

  it('is the owner alone, whatever is attached', async () => {
    const world = await World.create()
    for (const from of [world.stranger, world.broker]) {
      expect(await world.open({ from, value: GRAM })).toMatchObject({ exit: 401, bounced: true })
    }
    await world.open({ value: GRAM })
    expect(await world.open({ from: world.stranger, key: world.key('thief') })).toMatchObject({ exit: 401 })
    expect((await world.state()).payerKeys).toHaveLength(1)
  })

  it('registers the key and the opening at the same logical time only when it opens', async () => {
    const world = await World.opened()
    const { opened } = await world.state()
    const second = await world.open({ key: world.key('tablet') })
    expect((await world.payerKey(world.key('tablet'))).since).toBe(second.transaction.lt)
    expect((await world.state()).opened).toBe(opened)
  })

  it('P8 fixes owner, network, broker and fee in the address', async () => {
    const world = await World.create()
    const addresses = [
      world.channel,
      world.twin({ owner: world.stranger }),
      world.twin({ broker: world.stranger }),
      world.twin({ feeBasisPoints: 501 }),
      world.twin({ network: networks.testnet }),
      world.twin({ network: networks.localnet }),
      world.twin({ brokerKey: world.key('another').publicKey }),
    ].map(({ address }) => address.toRawString())
    expect(new Set(addresses).size).toBe(addresses.length)
  })

  it('P8 keeps terms and code through everything that can happen', async () => {
    const world = await World.opened()
    const terms = ({ owner, broker, feeBasisPoints, network }: StoredState) => ({
      owner,
      broker,
      feeBasisPoints,
      network,
    })
    const before = terms(await world.state())
    await world.claim([await world.entry({ floor: GRAM / 10n })])
    await world.closeAndFinish()
    await world.open({ value: GRAM })
    expect(terms(await world.state())).toEqual(before)
    const { accountState } = await world.chain.getContract(world.channel.address)
    expect(accountState?.type === 'active' && accountState.state.code?.equals(code)).toBe(true)
  })
})

describe('a top up', () => {
  it('R8 is a plain transfer by anyone, in every state', async () => {
    const world = await World.create()
    const transfer = (body = beginCell().endCell()) => world.send(world.stranger, body, { value: GRAM, deploy: true })
    const comment = beginCell().storeUint(0, 32).storeStringTail('for you, with a long comment').endCell()
    const states = [
      async () => {},
      async () => void (await world.open({ value: GRAM })),
      async () => void (await world.requestClose()),
      async () => world.pass(CHALLENGE),
      async () => void (await world.finishClose()),
    ]
    for (const enter of states) {
      await enter()
      for (const body of [beginCell().endCell(), comment]) {
        const before = await world.stored()
        const arrived = await transfer(body)
        expect(arrived).toMatchObject({ done: true, returned: 0n })
        expect(arrived.change).toBe(GRAM - arrived.transaction.totalFees.coins + arrived.rent)
        if (before) expect(await world.stored()).toEqual(before)
      }
    }
  })

  it('raises what claims can reach by what arrives', async () => {
    const world = await World.opened(GRAM, {})
    const before = await world.available()
    const arrived = await world.send(world.stranger, beginCell().endCell(), { value: GRAM })
    expect(await world.available()).toBe(before + arrived.change - arrived.rent)
  })

  it('bounces what is no message of the channel', async () => {
    const world = await World.opened()
    const unknown = [
      beginCell().storeUint(0x2000000a, 32).storeUint(0, 64).endCell(),
      beginCell().storeUint(0xd53276db, 32).storeUint(0, 64).endCell(),
      beginCell().storeUint(0, 31).endCell(),
      beginCell().storeUint(1, 1).endCell(),
      beginCell().storeRef(beginCell().endCell()).endCell(),
    ]
    for (const body of unknown) {
      const outcome = await world.send(world.owner, body)
      expect(outcome).toMatchObject({ exit: exitNamed('unknown-message'), bounced: true, change: 0n })
    }
  })
})

describe('R6 registering and raising', () => {
  it('raises limit and end of a live key, and keeps its registration', async () => {
    const world = await World.opened(GRAM)
    const before = await world.payerKey()
    await world.open({ limit: 2n * GRAM, expires: before.expires + DAY })
    expect(await world.payerKey()).toEqual({ ...before, limit: 2n * GRAM, expires: before.expires + DAY })
  })

  it('never lowers either', async () => {
    const world = await World.opened(GRAM)
    const before = await world.payerKey()
    expect(await world.open({ limit: 1n, expires: 1 })).toMatchObject({ done: true })
    expect(await world.payerKey()).toEqual(before)
  })

  it('raises an expired key until it is over, then registers it anew', async () => {
    const world = await World.opened(GRAM)
    const first = await world.payerKey()
    world.now = first.expires + CHALLENGE - 1
    expect(await world.open({ limit: 1n })).toMatchObject({ done: true })
    const raised = await world.payerKey()
    expect(raised).toEqual({ ...first, expires: world.now + 30 * DAY })
    world.now = raised.expires + CHALLENGE
    await world.open({ limit: 1n })
    const second = await world.payerKey()
    expect(second).toMatchObject({ limit: 1n, spent: 0n, lanes: [] })
    expect(second.since).toBeGreaterThan(first.since)
  })

  it('refuses a key that would not be live afterwards', async () => {
    const world = await World.opened(GRAM)
    const key = world.key('tablet')
    expect(await world.open({ key, expires: world.now })).toMatchObject({ exit: 408 })
    expect(await world.open({ key, expires: world.now + 1 })).toMatchObject({ done: true })
    world.pass(1)
    expect(await world.open({ key, expires: world.now })).toMatchObject({ exit: 408 })
  })

  it('takes eight live keys and no ninth; raising one of the eight still works', async () => {
    const world = await World.opened(GRAM)
    for (let i = 2; i <= 8; i++) expect(await world.open({ key: world.key(`${i}`) })).toMatchObject({ done: true })
    expect(await world.open({ key: world.key('9') })).toMatchObject({ exit: 409 })
    expect(await world.open({ key: world.key('8'), limit: 5n * GRAM })).toMatchObject({ done: true })
    await world.revoke(world.key('3'))
    expect(await world.open({ key: world.key('9') })).toMatchObject({ done: true })
  })

  it('does not let an expired key come back as a ninth', async () => {
    const world = await World.opened(GRAM)
    await world.open({ key: world.key('short'), expires: world.now + DAY })
    world.pass(DAY)
    for (let i = 2; i <= 8; i++) await world.open({ key: world.key(`${i}`) })
    expect(await world.open({ key: world.key('short') })).toMatchObject({ exit: 409 })
  })

  it('stores sixteen keys and no seventeenth until one is over', async () => {
    const world = await World.opened(GRAM)
    const keys = Array.from({ length: 16 }, (_, i) => world.key(`${i}`))
    await world.revoke(world.signers.payer)
    for (const key of keys.slice(1)) {
      expect(await world.open({ key })).toMatchObject({ done: true })
      await world.revoke(key)
    }
    expect((await world.state()).payerKeys).toHaveLength(16)
    expect(await world.open({ key: world.key('17') })).toMatchObject({ exit: 410 })
    world.pass(CHALLENGE)
    expect(await world.open({ key: world.key('17') })).toMatchObject({ done: true })
    expect((await world.state()).payerKeys).toHaveLength(1)
  })

  it('raises one of sixteen stored keys', async () => {
    const world = await World.opened(GRAM)
    for (let i = 2; i <= 16; i++) {
      await world.open({ key: world.key(`${i}`) })
      if (i < 16) await world.revoke(world.key(`${i}`))
    }
    expect((await world.state()).payerKeys).toHaveLength(16)
    expect(await world.open({ key: world.key('16'), limit: 3n * GRAM })).toMatchObject({ done: true })
  })

  it('throws while a closing date is set, past or future', async () => {
    const world = await World.opened(GRAM)
    await world.requestClose()
    expect(await world.open({ value: GRAM })).toMatchObject({ exit: 405, bounced: true })
    world.pass(CHALLENGE)
    expect(await world.open({ value: GRAM })).toMatchObject({ exit: 405, bounced: true })
    await world.cancelClose()
    expect(await world.open({ value: GRAM })).toMatchObject({ done: true })
  })

  it('reads a limit and an end as large as they can be written', async () => {
    const world = await World.opened(GRAM)
    const key = world.key('tablet')
    const body = openMessage({ key: key.publicKey, limit: 2n ** 64n - 1n, expires: 2 ** 32 - 1 })
    expect(await world.send(world.owner, body)).toMatchObject({ done: true })
    expect(await world.payerKey(key)).toMatchObject({ limit: 2n ** 64n - 1n, expires: 2 ** 32 - 1 })
    world.now = 2 ** 32 - 2
    expect(
      await world.claim([await world.entry({ since: (await world.payerKey(key)).since, floor: 1n }, { payer: key })]),
    ).toMatchObject({ done: true, change: -1n })
  })
})
