import { beginCell } from '@ton/core'
import { describe, expect, it } from 'vitest'
import { compileTolk } from '../scripts/tolk.ts'
import { hash } from '../src/code/registry.ts'
import {
  cancelChangeMessage,
  type Change,
  changeCell,
  parseChange,
  registryAddress,
  registryCode,
  revokeCodeMessage,
  withdrawContentMessage,
} from '../src/registry.ts'
import { bytes, code, content, HOUR, oneOfEach, RegistryWorld, sameAddress } from './registry-world.ts'

expect.addEqualityTesters([sameAddress])

describe('the code', () => {
  it('is what the sources compile to', async () => {
    const compiled = await compileTolk('registry')
    expect(compiled.hash).toBe(hash)
    expect(registryCode.hash().toString('hex')).toBe(hash)
  })

  it('never changes, whatever is sent (G1)', async () => {
    const world = await RegistryWorld.deployed({ delay: 0 })
    for (const change of oneOfEach(world).filter(({ kind }) => kind !== 'set-owner')) await world.make(change)
    expect(await world.codeHash()).toBe(hash)
    expect((await world.state()).changes).toEqual([])
  })
})

describe('the initial state', () => {
  it('is what was deployed, and the address binds all of it', async () => {
    const world = await RegistryWorld.deployed()
    expect(await world.state()).toEqual({
      ...world.initial,
      changes: [],
      digest: null,
      sequence: 0n,
      successor: null,
    })
    const addresses = [
      {},
      { owner: world.stranger },
      { guardian: world.stranger },
      { delay: 1 },
      { codes: [] },
      { brokers: [] },
    ].map((other) => registryAddress({ ...world.initial, ...other }).toString())
    expect(new Set(addresses).size).toBe(6)
    expect(addresses[0]).toBe(world.registry.address.toString())
  })

  it('answers getters', async () => {
    const world = await RegistryWorld.deployed()
    const open = world.open()
    await world.make(content('content', 7n))
    expect(await open.getRegistry()).toEqual({
      owner: world.owner,
      guardian: world.guardian,
      delay: 72 * HOUR,
      digest: bytes('content'),
      sequence: 7n,
      successor: null,
      waiting: 0,
    })
    expect(await open.getIsAccepted(bytes('code'))).toBe(true)
    expect(await open.getIsAccepted(bytes('new code'))).toBe(false)
    expect(await open.getBroker(world.account('broker'))).toEqual({ key: bytes('broker key'), maximumFee: 500 })
    expect(await open.getBroker(world.stranger)).toBeUndefined()
  })
})

describe('a change that adds, loosens or gives power', () => {
  it('waits in public for the delay, to the second (G2), then takes effect by anybody (G3)', async () => {
    const world = await RegistryWorld.deployed()
    for (const change of oneOfEach(world).filter(({ kind }) => !['set-owner', 'set-delay'].includes(kind))) {
      const before = await world.state()
      expect((await world.queue(change)).done).toBe(true)
      const [waiting] = (await world.state()).changes
      expect(waiting).toMatchObject({ ready: world.now + 72 * HOUR, change })
      expect({ ...(await world.state()), changes: [] }).toEqual(before)
      world.pass(72 * HOUR - 1)
      expect((await world.apply()).exit).toBe(505)
      world.pass(1)
      expect((await world.apply()).done).toBe(true)
      expect((await world.state()).changes).toEqual([])
    }
    const other = world.account('other')
    expect(await world.state()).toMatchObject({
      guardian: other,
      digest: bytes('content'),
      sequence: 1n,
      successor: other,
    })
    expect((await world.state()).codes).toContainEqual(bytes('new code'))
    expect((await world.state()).brokers).toContainEqual({ account: other, key: bytes('key'), maximumFee: 10_000 })
  })

  it('is queued by the owner alone (G3)', async () => {
    const world = await RegistryWorld.deployed()
    for (const from of [world.guardian, world.stranger]) {
      for (const change of oneOfEach(world)) expect((await world.queue(change, from)).exit).toBe(501)
    }
    expect((await world.state()).changes).toEqual([])
  })

  it('of the owner gives all power to the next owner and none to the last', async () => {
    const world = await RegistryWorld.deployed()
    const next = world.account('other')
    await world.make({ kind: 'set-owner', owner: next })
    expect((await world.queue(code('a'))).exit).toBe(501)
    expect((await world.send(world.owner, revokeCodeMessage({ hash: bytes('code') }))).exit).toBe(502)
    expect((await world.queue(code('a'), next)).done).toBe(true)
  })

  it.each([
    [
      511,
      (world: RegistryWorld): Change => ({
        kind: 'set-broker',
        account: world.stranger,
        broker: { key: bytes('k'), maximumFee: 10_001 },
      }),
    ],
    [510, (): Change => ({ kind: 'set-delay', delay: 30 * 24 * HOUR + 1 })],
    [512, (): Change => content('content', 0n)],
  ])('that cannot be right is refused today with %i', async (exit, change) => {
    const world = await RegistryWorld.deployed()
    expect((await world.queue(change(world))).exit).toBe(exit)
  })

  it('malformed is refused', async () => {
    const world = await RegistryWorld.deployed()
    const head = () => beginCell().storeUint(0x40000001, 32).storeUint(0, 64)
    for (const cell of [
      beginCell().endCell(),
      beginCell().storeUint(0x41000009, 32).storeUint(0, 256).endCell(),
      beginCell().storeUint(0x41000001, 32).storeUint(0, 255).endCell(),
      beginCell().storeUint(0x41000001, 32).storeUint(0, 257).endCell(),
    ]) {
      expect((await world.send(world.owner, head().storeRef(cell).endCell())).done).toBe(false)
    }
    expect((await world.send(world.owner, head().endCell())).done).toBe(false)
    expect((await world.send(world.owner, beginCell().storeUint(0x40000009, 32).endCell())).exit).toBe(65535)
    expect((await world.state()).changes).toEqual([])
  })
})

describe('the queue', () => {
  it('takes effect in its order, each once (G4)', async () => {
    const world = await RegistryWorld.deployed()
    const account = world.account('other')
    const setBroker = (name: string): Change => ({
      kind: 'set-broker',
      account,
      broker: { key: bytes(name), maximumFee: 1 },
    })
    await world.queue(setBroker('first'))
    world.pass(10)
    await world.queue(setBroker('second'))
    world.pass(72 * HOUR - 10)
    expect((await world.apply()).done).toBe(true)
    expect((await world.apply()).exit).toBe(505)
    expect((await world.state()).brokers).toContainEqual({ account, key: bytes('first'), maximumFee: 1 })
    world.pass(10)
    await world.apply()
    expect((await world.state()).brokers).toContainEqual({ account, key: bytes('second'), maximumFee: 1 })
    expect((await world.apply()).exit).toBe(504)
  })

  it('holds sixteen and not one more (G9); the guardian can cancel all of them', async () => {
    const world = await RegistryWorld.deployed()
    for (let i = 0; i < 16; i++) expect((await world.queue(code(`code ${i}`))).done).toBe(true)
    expect((await world.queue(code('code 16'))).exit).toBe(503)
    for (const { number } of (await world.state()).changes) {
      expect((await world.send(world.guardian, cancelChangeMessage({ number }))).done).toBe(true)
    }
    expect((await world.state()).changes).toEqual([])
    await world.queue(code('code 17'))
    expect((await world.state()).changes.map(({ number }) => number)).toEqual([17])
  })

  it('drops content that another one overtook, and holds nobody up (G4, G8)', async () => {
    const world = await RegistryWorld.deployed()
    await world.queue(content('later', 9n))
    await world.queue(content('earlier', 3n))
    await world.queue(code('behind'))
    world.pass(72 * HOUR)
    for (let i = 0; i < 3; i++) expect((await world.apply()).done).toBe(true)
    expect(await world.state()).toMatchObject({ digest: bytes('later'), sequence: 9n })
    expect((await world.state()).codes).toContainEqual(bytes('behind'))
  })
})

describe('the delay', () => {
  it('changes only through itself; what waits keeps its date (G7)', async () => {
    const world = await RegistryWorld.deployed()
    await world.queue({ kind: 'set-delay', delay: 60 })
    world.pass(HOUR)
    await world.queue(code('old'))
    world.pass(71 * HOUR)
    await world.apply()
    expect((await world.state()).delay).toBe(60)
    await world.queue(code('new'))
    world.pass(60)
    // The shorter delay overtakes nothing: the older change waits until its own date, and the newer one behind it.
    expect((await world.apply()).exit).toBe(505)
    world.pass(HOUR - 60)
    expect([(await world.apply()).done, (await world.apply()).done]).toEqual([true, true])
  })
})

describe('the sequence of the content', () => {
  it('never falls, not even when the content is withdrawn (G8)', async () => {
    const world = await RegistryWorld.deployed()
    await world.make(content('a', 5n))
    await world.send(world.guardian, withdrawContentMessage({ digest: bytes('a') }))
    expect((await world.queue(content('a', 5n))).exit).toBe(512)
    await world.make(content('a', 6n))
    expect(await world.state()).toMatchObject({ digest: bytes('a'), sequence: 6n })
  })
})

describe('coins', () => {
  it('for rent stay, and senders pay all gas (G9)', async () => {
    const world = await RegistryWorld.deployed()
    const number = 1
    for (const answer of [
      await world.queue(code('a')),
      await world.send(world.guardian, cancelChangeMessage({ number })),
      await world.send(world.guardian, revokeCodeMessage({ hash: bytes('code') })),
      await world.send(world.stranger, revokeCodeMessage({ hash: bytes('code') })),
    ]) {
      expect([answer.change, answer.paidToOthers]).toEqual([0n, 0n])
      expect(answer.returned > 0n).toBe(true)
    }
  })

  it('too few for the gas change nothing', async () => {
    const world = await RegistryWorld.deployed()
    const before = await world.state()
    const answer = await world.send(world.owner, cancelChangeMessage({ number: 1 }), 1n)
    expect(answer.done).toBe(false)
    expect(await world.state()).toEqual(before)
    expect(answer.change >= 0n).toBe(true)
  })

  it('come in by plain and commented transfers', async () => {
    const world = await RegistryWorld.deployed()
    const comment = beginCell().storeUint(0, 32).storeStringTail('rent').endCell()
    for (const body of [beginCell().endCell(), comment]) {
      expect((await world.send(world.stranger, body)).change > 0n).toBe(true)
    }
  })
})

it('a change has one cell, and a cell that is no change is refused', async () => {
  const world = await RegistryWorld.deployed()
  for (const change of [...oneOfEach(world), { kind: 'set-successor', account: null } as const]) {
    expect(parseChange(changeCell(change))).toEqual(change)
  }
  expect(() => parseChange(beginCell().storeUint(0x41000009, 32).endCell())).toThrow('no change begins with')
})
