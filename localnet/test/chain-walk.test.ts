import { afterAll, beforeAll, expect, it } from 'vitest'
import { ChannelWalk } from '../src/chain/index.ts'
import { ChainWorld, GRAM } from './chain-world.ts'

let world: ChainWorld
beforeAll(async () => {
  world = await ChainWorld.start()
})
afterAll(() => world.stop())

it('a channel lives through opening, jobs, claims, release, closing and reopening, each sum as it was signed', async () => {
  await world.control.setPace(10)
  const walk = await ChannelWalk.begin(world.server.origin)
  await walk.open(GRAM / 2n)
  const channel = async () => (await walk.balances()).get('channel') ?? 0n
  expect((await channel()) > 499_000_000n).toBe(true)

  await walk.job({ maximum: 40_000_000n, amount: 31_000_000n, settle: true })
  expect((await walk.job({ maximum: 40_000_000n, amount: 9_000_000n, settle: true })).total).toBe(40_000_000n)
  expect(await walk.claimByBroker()).toBe(38_000_000n)
  expect(await walk.claimByBroker()).toBe(0n)

  await walk.job({ maximum: 50_000_000n, amount: 10_000_000n, settle: false })
  expect(await walk.claimByNode()).toBe(9_500_000n)
  expect(await walk.collectFees()).toBe(2_500_000n)
  expect(await walk.release(GRAM / 10n)).toBe(GRAM / 10n)

  await walk.requestClose()
  await expect(walk.job({ maximum: 1n, amount: 1n, settle: true })).rejects.toThrow('channel-closing')
  await walk.finishClose()
  expect(await channel()).toBe(0n)

  await walk.open((GRAM * 3n) / 10n)
  expect(await walk.claimByNode()).toBe(0n)
  await walk.job({ maximum: 10_000_000n, amount: 9_000_000n, settle: true })
  expect(await walk.claimByBroker()).toBe(8_550_000n)
  expect((await walk.burned()) < GRAM / 20n).toBe(true)
}, 120_000)
