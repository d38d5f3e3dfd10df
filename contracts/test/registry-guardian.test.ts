import { describe, expect, it } from 'vitest'
import {
  cancelChangeMessage,
  lowerFeeMessage,
  revokeBrokerMessage,
  revokeCodeMessage,
  withdrawContentMessage,
  withdrawSuccessorMessage,
} from '../src/registry.ts'
import { bytes, code, content, HOUR, oneOfEach, RegistryWorld, sameAddress } from './registry-world.ts'

expect.addEqualityTesters([sameAddress])

describe('the guardian', () => {
  it('takes away at once, as the owner may, and nobody else (G5)', async () => {
    const messages = (world: RegistryWorld) => [
      revokeCodeMessage({ hash: bytes('code') }),
      lowerFeeMessage({ account: world.account('broker'), maximumFee: 499 }),
      revokeBrokerMessage({ account: world.account('broker') }),
      withdrawContentMessage({ digest: bytes('content') }),
      withdrawSuccessorMessage({ account: world.account('next') }),
    ]
    for (const who of ['guardian', 'owner'] as const) {
      const world = await RegistryWorld.deployed()
      await world.make(content('content', 4n))
      await world.make({ kind: 'set-successor', account: world.account('next') })
      for (const message of messages(world)) {
        expect((await world.send(world.stranger, message)).exit).toBe(502)
        expect((await world.send(world[who], message)).done).toBe(true)
      }
      expect(await world.state()).toMatchObject({ codes: [], brokers: [], digest: null, sequence: 4n, successor: null })
    }
  })

  it('lowers a fee and never raises one (G5)', async () => {
    const world = await RegistryWorld.deployed()
    const account = world.account('broker')
    for (const maximumFee of [500, 501, 10_000]) {
      expect((await world.send(world.guardian, lowerFeeMessage({ account, maximumFee }))).exit).toBe(509)
    }
    expect((await world.send(world.guardian, lowerFeeMessage({ account: world.stranger, maximumFee: 0 }))).exit).toBe(
      508,
    )
  })

  it('cancels anything that waits but its own replacement, which only the owner can (G6)', async () => {
    const world = await RegistryWorld.deployed()
    for (const change of oneOfEach(world)) await world.queue(change)
    for (const { number, change } of (await world.state()).changes) {
      expect((await world.send(world.stranger, cancelChangeMessage({ number }))).exit).toBe(502)
      const { exit } = await world.send(world.guardian, cancelChangeMessage({ number }))
      expect(exit).toBe(change.kind === 'set-guardian' ? 507 : 0)
    }
    const [left, ...others] = (await world.state()).changes
    expect([left?.change.kind, others.length]).toEqual(['set-guardian', 0])
    expect((await world.send(world.owner, cancelChangeMessage({ number: left?.number ?? 0 }))).done).toBe(true)
    expect((await world.send(world.owner, cancelChangeMessage({ number: left?.number ?? 0 }))).exit).toBe(506)
  })

  it('what it took away comes back after a full delay at the earliest (G5)', async () => {
    const world = await RegistryWorld.deployed()
    const account = world.account('broker')
    const broker = { key: bytes('broker key'), maximumFee: 900 }
    await world.make(content('content', 1n))
    await world.make({ kind: 'set-successor', account: world.account('next') })
    await world.queue(code('code'))
    await world.queue(code('bystander'))
    await world.queue({ kind: 'set-broker', account, broker })
    await world.queue(content('content', 2n))
    await world.queue({ kind: 'set-successor', account: world.account('next') })
    world.pass(72 * HOUR - 1)
    for (const message of [
      revokeCodeMessage({ hash: bytes('code') }),
      revokeBrokerMessage({ account }),
      withdrawContentMessage({ digest: bytes('content') }),
      withdrawSuccessorMessage({ account: world.account('next') }),
    ]) {
      expect((await world.send(world.guardian, message)).done).toBe(true)
    }
    expect((await world.state()).changes.map(({ change }) => change)).toEqual([code('bystander')])
    await world.queue(code('code'))
    world.pass(1)
    await world.apply()
    expect((await world.apply()).exit).toBe(505)
    expect((await world.state()).codes).toEqual([bytes('bystander')])
  })

  it('that lowers a fee also forgets the waiting change that would raise it again (G5)', async () => {
    const world = await RegistryWorld.deployed()
    const account = world.account('broker')
    await world.queue({ kind: 'set-broker', account, broker: { key: bytes('k'), maximumFee: 900 } })
    await world.send(world.guardian, lowerFeeMessage({ account, maximumFee: 100 }))
    expect(await world.state()).toMatchObject({ changes: [], brokers: [{ account, maximumFee: 100 }] })
  })

  it('revokes also what only waits, and is told when there is nothing to revoke', async () => {
    const world = await RegistryWorld.deployed()
    await world.queue(code('waiting'))
    expect((await world.send(world.guardian, revokeCodeMessage({ hash: bytes('waiting') }))).done).toBe(true)
    for (const message of [
      revokeCodeMessage({ hash: bytes('waiting') }),
      revokeBrokerMessage({ account: world.stranger }),
      withdrawContentMessage({ digest: bytes('content') }),
      withdrawContentMessage({ digest: new Uint8Array(32) }),
      withdrawSuccessorMessage({ account: world.stranger }),
    ]) {
      expect((await world.send(world.guardian, message)).exit).toBe(508)
    }
  })

  it('loses everything to its successor', async () => {
    const world = await RegistryWorld.deployed()
    await world.make({ kind: 'set-guardian', guardian: world.account('next') })
    expect((await world.send(world.guardian, revokeCodeMessage({ hash: bytes('code') }))).exit).toBe(502)
    expect((await world.send(world.account('next'), revokeCodeMessage({ hash: bytes('code') }))).done).toBe(true)
  })
})
