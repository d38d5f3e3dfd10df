import { type Address, beginCell } from '@ton/core'
import {
  ATTACH,
  accountOf,
  type ClaimEntry,
  claimMessage,
  collectFeesMessage,
  finishCloseMessage,
  openMessage,
  releaseMessage,
  requestCloseMessage,
  stateInit,
} from '../src/index.ts'
import { code } from './chain.ts'
import type { Terms } from './signed.ts'
import { Wallet, type WalletMessage } from './wallet.ts'
import { CENT, CHALLENGE, DAY, GRAM, World } from './world.ts'

/** The whole trace: what everybody together has less after one signature in a W5 wallet, to the last excess received. */
export interface Cost {
  /** Nanograms. */
  readonly burned: bigint
  /** Units of gas, the wallet's own included. */
  readonly gas: bigint
  /** Of the signed message from outside, in bytes. */
  readonly size: number
}

export interface Costs {
  readonly each: Readonly<Record<string, Cost>>
  /** A hundred claims in one signed message: whether all were paid, what each burned, bytes of the message. */
  readonly batch: { readonly done: boolean; readonly each: bigint; readonly size: number }
}

/** One life of a channel whose owner, broker and payees all have deployed W5 wallets, in the real TVM at the prices of 2026. */
export async function measureCosts(): Promise<Costs> {
  const costs: Record<string, Cost> = {}
  const { chain, now } = await World.create()
  const wallet = (name: string) => new Wallet(chain, `gas ${name}`).deploy(now)
  const [owner, broker] = [await wallet('owner'), await wallet('broker')]
  const payees = [await wallet('first'), await wallet('second'), await wallet('third')]
  const world = await World.create({ owner: owner.address, broker: broker.address })
  const everybody = [owner, broker, ...payees].map(({ address }) => address).concat(world.channel.address)
  const total = async (accounts: readonly Address[]) => {
    const balances = await Promise.all(accounts.map((account) => world.balance(account)))
    return balances.reduce((sum, balance) => sum + balance, 0n)
  }
  const measure = async (name: string, from: Wallet, message: Omit<WalletMessage, 'to'>): Promise<void> => {
    const before = await total(everybody)
    const { size, gas } = await from.send(world.now, [{ to: world.channel.address, ...message }])
    costs[name] = { burned: before - (await total(everybody)), gas, size }
  }
  const entry = (index: number, given: Partial<Terms>) => {
    const payee = payees[index]
    if (!payee) throw new Error('no such payee')
    return world.entry({ payee: accountOf(payee.address), ...given })
  }
  const claim = (name: string, entries: readonly ClaimEntry[]) =>
    measure(name, broker, { value: ATTACH * BigInt(entries.length), body: claimMessage({ entries }) })

  const key = world.signers.payer.publicKey
  const expires = world.now + 30 * DAY
  await measure('open', owner, {
    value: GRAM,
    init: stateInit(world.initial, code),
    body: openMessage({ key, limit: GRAM, expires }),
  })
  await measure('top up', owner, { value: GRAM, body: openMessage({ key, limit: 2n * GRAM, expires }) })
  await measure('plain top up', owner, { value: GRAM, body: beginCell().endCell() })
  await claim('first claim on a lane', [await entry(0, { total: CENT })])
  await claim('claim by floor', [await entry(0, { floor: 2n * CENT })])
  await claim('claim with receipt', [await entry(0, { total: 3n * CENT })])
  await claim('claim with settled receipt', [await entry(0, { total: 4n * CENT, settled: true })])
  await claim('claim with nothing left to pay', [await entry(0, { total: 4n * CENT })])
  await claim('two first claims', [await entry(1, { total: CENT }), await entry(2, { total: CENT })])
  const three = await Promise.all([0, 1, 2].map((index) => entry(index, { total: 5n * CENT })))
  await claim('three claims with receipts', three)
  await claim('the same three again', three)
  const release = await world.release({ total: CENT })
  await measure('release', broker, { value: ATTACH, body: releaseMessage({ release }) })
  await measure('fee collection', broker, { value: ATTACH, body: collectFeesMessage() })

  const entries = await Promise.all(
    Array.from({ length: 100 }, (_, i) => world.entry({ total: CENT / 10n, payee: world.id(`payee ${i}`) })),
  )
  const reached = [...everybody, ...entries.map((_, i) => world.party(`payee ${i}`))]
  const before = await total(reached)
  const sent = await broker.send(
    world.now,
    entries.map((one) => ({ to: world.channel.address, value: ATTACH, body: claimMessage({ entries: [one] }) })),
  )
  const paid = await Promise.all(entries.map((_, i) => world.balance(world.party(`payee ${i}`))))
  const done = paid.every((sum) => sum === (CENT * 95n) / 1000n)
  const batch = { done, each: (before - (await total(reached))) / 100n, size: sent.size }

  await measure('close request', owner, { value: ATTACH, body: requestCloseMessage() })
  world.pass(CHALLENGE)
  await measure('finish', owner, { value: ATTACH, body: finishCloseMessage() })
  return { each: costs, batch }
}
