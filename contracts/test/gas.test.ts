import { beforeAll, describe, expect, it } from 'vitest'
import { code } from './chain.ts'
import { type Costs, measureCosts } from './costs.ts'
import { CENT, DAY, GRAM, RENT_RESERVE, World } from './world.ts'

let costs: Costs['each']
let batch: Costs['batch']
beforeAll(async () => {
  const measured = await measureCosts()
  costs = measured.each
  batch = measured.batch
}, 60_000)

describe('P9 the gas', () => {
  it('is what it was, in nanograms for the whole trace and bytes of the message from outside', () => {
    const table = Object.entries(costs).map(([name, { burned, size }]) => `${name}: ${burned}, ${size} bytes`)
    expect(table).toMatchInlineSnapshot(`
      [
        "open: 4137405, 2893 bytes",
        "top up: 1012471, 254 bytes",
        "plain top up: 623871, 198 bytes",
        "first claim on a lane: 1980007, 553 bytes",
        "claim by floor: 1772341, 437 bytes",
        "claim with receipt: 1988874, 553 bytes",
        "claim with settled receipt: 1974541, 553 bytes",
        "claim with nothing left to pay: 1652273, 553 bytes",
        "two first claims: 3177409, 897 bytes",
        "three claims with receipts: 4225877, 1240 bytes",
        "the same three again: 3026073, 1240 bytes",
        "release: 1304340, 297 bytes",
        "fee collection: 1121806, 209 bytes",
        "close request: 1070805, 209 bytes",
        "finish: 1479282, 209 bytes",
      ]
    `)
  })

  it('stays below what the design counts on', () => {
    const burned = (name: string): bigint => costs[name]?.burned ?? GRAM
    expect(burned('open')).toBeLessThan(CENT)
    expect(burned('three claims with receipts') / 3n).toBeLessThan(1_500_000n)
    // The design hoped for 0.0019.
    expect(burned('claim with receipt')).toBeLessThan(2_000_000n)
    expect(burned('claim by floor')).toBeLessThan(1_800_000n)
  })

  it('of rent lets the reserve last for years, in nanograms a year', async () => {
    const rents: string[] = []
    for (const lanes of [0, 1, 20]) {
      const world = await World.opened(GRAM)
      for (let i = 0; i < lanes; i++)
        await world.claim([await world.entry({ floor: 1n, payee: world.id(`lane ${i}`) })])
      world.pass(365 * DAY)
      const { rent } = await world.topUp(0n)
      rents.push(`${lanes} lanes: ${rent}`)
      expect(3n * rent).toBeLessThan(RENT_RESERVE)
    }
    expect(rents).toMatchInlineSnapshot(`
      [
        "0 lanes: 2598487",
        "1 lanes: 2663449",
        "20 lanes: 5132011",
      ]
    `)
  })

  it('is kept low by the code, in bytes', () => {
    expect(code.toBoc().length).toMatchInlineSnapshot(`2522`)
  })

  it('lets a sweep of a hundred claims fit one message from outside, of at most 64 KiB', () => {
    expect(batch).toMatchInlineSnapshot(`
      {
        "done": true,
        "each": 1865685n,
        "size": 42341,
      }
    `)
    expect(batch.done).toBe(true)
    expect(batch.size).toBeLessThan(65_536)
  })
})
