import { beginCell, type Cell } from '@ton/core'
import { createShardAccount, internal } from '@ton/sandbox'
import { describe, expect, it } from 'vitest'
import {
  ATTACH,
  cancelCloseMessage,
  claimMessage,
  collectFeesMessage,
  finishCloseMessage,
  openMessage,
  releaseMessage,
  requestCloseMessage,
  revokeMessage,
  rotateBrokerKeyMessage,
} from '../src/index.ts'
import type { Outcome } from './chain.ts'
import { CENT, CHALLENGE, DAY, GRAM, HOUR, World } from './world.ts'

/** A channel in which every message does as much as it ever can: sixteen keys, a rotated broker key, forty lanes, fees. */
async function burdened(): Promise<World> {
  const world = await World.opened(20n * GRAM)
  for (let i = 0; i < 40; i += 2) {
    const entry = (n: number) => world.entry({ floor: CENT, payee: world.id(`lane ${n}`) })
    await world.claim([await entry(i), await entry(i + 1)])
  }
  for (let i = 1; i < 16; i++) {
    await world.open({ key: world.key(`${i}`) })
    if (i >= 8) await world.revoke(world.key(`${i}`))
  }
  return world
}

interface Step {
  readonly from: 'owner' | 'broker' | 'stranger'
  readonly body: Cell
  /** Of the channel's balance, when the message succeeds; null for deposits, which raise it. */
  readonly change: bigint | null
  readonly attach?: bigint
}

const steps: Record<string, (world: World) => Promise<Step>> = {
  'opening message': async (world) => {
    await world.revoke(world.key('1'))
    world.pass(CHALLENGE)
    const body = openMessage({ key: world.key('new').publicKey, limit: GRAM, expires: world.now + 30 * DAY })
    return { from: 'owner', body, change: null }
  },
  raise: async (world) => {
    const body = openMessage({ key: world.key('7').publicKey, limit: 9n * GRAM, expires: world.now + 31 * DAY })
    return { from: 'owner', body, change: null }
  },
  revocation: async (world) => ({
    from: 'owner',
    body: revokeMessage({ key: world.key('7').publicKey }),
    change: 0n,
  }),
  'claim of a floor': async (world) => {
    const entries = [await world.entry({ floor: CENT })]
    return { from: 'stranger', body: claimMessage({ entries }), change: (-CENT * 95n) / 100n }
  },
  'claim of three receipts under the broker key before': async (world) => {
    await world.rotate(world.key('next broker'))
    const entries = await Promise.all(
      ['a', 'b', 'c'].map((name) => world.entry({ total: CENT, payee: world.id(name) })),
    )
    return { from: 'stranger', body: claimMessage({ entries }), change: (-3n * CENT * 95n) / 100n, attach: 3n * ATTACH }
  },
  'stale claim': async (world) => {
    const entries = [await world.entry({ total: CENT, payee: world.id('lane 7') })]
    return { from: 'stranger', body: claimMessage({ entries }), change: 0n }
  },
  release: async (world) => {
    const release = await world.release({ total: GRAM })
    return { from: 'stranger', body: releaseMessage({ release }), change: -GRAM }
  },
  'fee collection': async (world) => ({
    from: 'stranger',
    body: collectFeesMessage(),
    change: -(await world.state()).fees,
  }),
  rotation: async (world) => ({
    from: 'broker',
    body: rotateBrokerKeyMessage({ key: world.key('next broker').publicKey }),
    change: 0n,
  }),
  'close request': async () => ({ from: 'owner', body: requestCloseMessage(), change: 0n }),
  'close cancellation': async (world) => {
    await world.requestClose()
    return { from: 'owner', body: cancelCloseMessage(), change: 0n }
  },
  finish: async (world) => {
    await world.requestClose()
    world.pass(CHALLENGE)
    // Brought up to date, so that the rent of the next messages is nothing and the change is known to the nanogram.
    await world.topUp(1n)
    return { from: 'stranger', body: finishCloseMessage(), change: -(await world.balance()) }
  },
}

describe('A18 I12 with too little attached', () => {
  for (const [name, prepare] of Object.entries(steps)) {
    it(`a ${name} does everything or nothing, and the deposit pays for neither`, async () => {
      const world = await burdened()
      const { from, body, change, attach = ATTACH } = await prepare(world)
      const contract = await world.chain.getContract(world.channel.address)
      const here = contract.snapshot()
      const before = await world.state()
      const attempt = async (value: bigint, bounce: boolean): Promise<Outcome> => {
        contract.loadFrom(here)
        const outcome = await world.send(world[from], body, { value, bounce })
        if (outcome.done) {
          // Beyond what the message is to do, the channel may keep an excess too small to be sent, never lose anything.
          if (change === null) expect(outcome.change).toBe(value - outcome.transaction.totalFees.coins + outcome.rent)
          else if (outcome.returned > 0n) expect(outcome.change).toBe(change)
          else expect(outcome.change >= change && outcome.change < change + CENT / 10n).toBe(true)
        } else {
          expect(await world.state()).toEqual(before)
          expect(outcome.payees).toEqual([])
          expect(outcome.change).toBeGreaterThanOrEqual(0n)
        }
        return outcome
      }

      // Where it begins to be enough, to within the little by which the gas changes with the logical time of an attempt.
      let [tooLittle, enough] = [0n, attach]
      while (enough - tooLittle > 1n) {
        const middle = (tooLittle + enough) / 2n
        if ((await attempt(middle, true)).done) enough = middle
        else tooLittle = middle
      }
      // What one is told to attach is at least twice what is needed, in the worst state there is.
      expect(enough * 2n).toBeLessThan(attach)
      const near = [enough - 1n, enough, enough + 1n, enough + CENT / 50n]
      const far = [1n, enough / 3n, (enough * 9n) / 10n, (enough * 11n) / 10n, attach]
      for (const bounce of [true, false]) {
        for (const value of near) {
          const { done, returned } = await attempt(value, bounce)
          // R12: an excess too small to be sent is no reason to fail.
          if (change !== null && value === enough) expect({ done, returned }).toEqual({ done: true, returned: 0n })
        }
        for (const value of far) expect((await attempt(value, bounce)).done).toBe(value > enough)
      }
    })
  }
})

describe('R12 a message whose payouts cannot be sent', () => {
  const several = ['claim of three receipts under the broker key before', 'finish']
  for (const name of several) {
    it(`returns what is left of a ${name} to the carrier`, async () => {
      const world = await burdened()
      const { from, body } = (await steps[name]?.(world)) ?? { from: 'stranger', body: beginCell().endCell() }
      const contract = await world.chain.getContract(world.channel.address)
      const here = contract.snapshot()
      let returned = 0
      for (let value = 0n; value < ATTACH / 2n; value += 20_000n) {
        contract.loadFrom(here)
        const outcome = await world.send(world[from], body, { value })
        if (outcome.done) break
        if (outcome.action === 0) continue
        expect(outcome.change).toBeGreaterThanOrEqual(0n)
        if (outcome.bounced) returned++
      }
      // From where the value covers gas and a way back on, until it covers the ways of all payouts.
      expect(returned).toBeGreaterThan(1)
    })
  }
})

describe('I6 the balance', () => {
  it('A15 survives fifty dust claims by a stranger to the nanogram', async () => {
    const world = await World.opened(GRAM, { feeBasisPoints: 0 })
    const before = await world.balance()
    let rent = 0n
    for (let i = 1n; i <= 1000n; i += 20n) {
      const outcome = await world.claim([await world.entry({ floor: i })], { value: 3_000_000n })
      expect(outcome.done).toBe(true)
      rent += outcome.rent
      world.pass(60)
    }
    const { spent } = await world.payerKey()
    expect(await world.balance()).toBe(before - spent - rent)
  })

  it('is the sum of what came less what went, through a whole life', async () => {
    const world = await World.opened(GRAM)
    let expected = await world.balance()
    const after = async (outcome: Promise<Outcome>, change: bigint) => {
      const { change: measured, rent, done } = await outcome
      expect(done).toBe(true)
      expect(measured).toBe(change)
      expected += change - rent
      expect(await world.balance()).toBe(expected)
      world.pass(HOUR)
    }
    await after(world.claim([await world.entry({ total: 20n * CENT })]), -19n * CENT)
    await after(world.carry(await world.release({ total: 5n * CENT })), -5n * CENT)
    await after(world.collect(), -CENT)
    await after(world.rotate(world.key('next')), 0n)
    await after(world.claim([await world.entry({ total: 30n * CENT })]), (-95n * CENT) / 10n)
    await after(world.revoke(), 0n)
    await after(world.requestClose(), 0n)
    await after(world.cancelClose(), 0n)
    await after(world.requestClose(), 0n)
    world.pass(CHALLENGE)
    const balance = await world.balance()
    const finished = await world.finishClose()
    expect(finished.paidTo(world.broker)).toBe(CENT / 2n)
    expect(finished.paidTo(world.owner)).toBe(balance - CENT / 2n - finished.rent)
  })
})

describe('A14 a payee', () => {
  /** SETCP0, THROW 31. */
  const throwing = beginCell().storeUint(0xff00_f21f, 32).endCell()

  it('I12 that fails keeps its coins and hurts nobody', async () => {
    const world = await World.opened()
    const failing = world.party('failing')
    const account = createShardAccount({ address: failing, code: throwing, data: beginCell().endCell(), balance: GRAM })
    await world.chain.setShardAccount(failing, account)
    const entries = await Promise.all(
      ['failing', 'fine', 'also fine'].map((name) => world.entry({ floor: CENT, payee: world.id(name) })),
    )
    const before = await world.balance()
    world.chain.now = world.now
    const { transactions } = await world.chain.sendMessage(
      internal({
        from: world.stranger,
        to: world.channel.address,
        value: 3n * ATTACH,
        body: claimMessage({ entries }),
        bounce: true,
      }),
    )
    // One transaction of the channel: nothing came back to it.
    const own = BigInt(`0x${world.channel.address.hash.toString('hex')}`)
    expect(transactions.filter(({ address }) => address === own)).toHaveLength(1)
    expect(await world.balance(failing)).toBeGreaterThan(GRAM)
    for (const name of ['fine', 'also fine']) expect(await world.balance(world.party(name))).toBe((CENT * 95n) / 100n)
    expect(before - (await world.balance())).toBe((3n * CENT * 95n) / 100n)
  })

  it('is in the basechain, always', async () => {
    const world = await World.opened()
    const outcome = await world.claim([await world.entry({ floor: CENT })])
    for (const { info } of outcome.transaction.outMessages.values()) {
      expect(info.type === 'internal' && info.dest.workChain).toBe(0)
    }
  })
})

describe('A19 storage debt', () => {
  it('of a finished channel is paid by the owner who opens it again after thirty years', async () => {
    for (const bounce of [true, false]) {
      const world = await World.opened()
      await world.closeAndFinish()
      expect(await world.balance()).toBe(0n)
      world.pass(30 * 365 * DAY)
      // A message of nothing makes the chain book the debt.
      await world.topUp(0n)
      const opened = await world.open({ value: GRAM, bounce })
      expect(opened.done).toBe(true)
      expect(await world.balance()).toBeLessThan(GRAM)
      expect(await world.balance()).toBeGreaterThan((GRAM * 9n) / 10n)
      const claimed = await world.claim([await world.entry({ floor: CENT })])
      expect(claimed).toMatchObject({ done: true, change: (-CENT * 95n) / 100n })
    }
  })

  it('never makes a message pay out what is not there', async () => {
    for (const bounce of [true, false]) {
      const world = await World.opened(GRAM / 5n)
      await world.claim([await world.entry({ floor: GRAM })])
      await world.collect()
      world.pass(20 * 365 * DAY)
      await world.topUp(0n)
      expect(await world.balance()).toBe(0n)
      expect(await world.send(world.owner, requestCloseMessage(), { bounce, value: GRAM / 10n })).toMatchObject({
        done: true,
      })
      world.pass(CHALLENGE)
      const finished = await world.send(world.owner, finishCloseMessage(), { bounce })
      expect(finished).toMatchObject({ done: true, payees: [] })
      expect(await world.balance()).toBe(0n)
    }
  })

  it('comes out of the rent reserve for years before it touches a fee', async () => {
    const world = await World.opened(GRAM / 5n)
    await world.claim([await world.entry({ floor: GRAM })])
    const { fees } = await world.state()
    world.pass(5 * 365 * DAY)
    await world.topUp(0n)
    expect(await world.balance()).toBeGreaterThan(fees)
  })
})
