import { beginCell, Address } from '@ton/core'
import { expect, it } from 'vitest'
import {
  claimMessage,
  openMessage,
  stateInit,
  releaseMessage,
  collectFeesMessage,
  requestCloseMessage,
  finishCloseMessage,
  accountOf,
  type ClaimEntry,
} from '../src/index.ts'
import { DAY, GRAM, World, CHALLENGE, code } from './world.ts'
import { Wallet, type WalletMessage } from './wallet.ts'
import { signedRelease, NEVER } from './signed.ts'

it('costs', async () => {
  const base = await World.create()
  const chain = base.chain
  const owner = await new Wallet(chain, 'w owner').deploy(base.now)
  const broker = await new Wallet(chain, 'w broker').deploy(base.now)
  const payees = await Promise.all(['a', 'b', 'c'].map((n) => new Wallet(chain, 'w' + n).deploy(base.now)))
  const world = await World.create({ owner: owner.address, broker: broker.address })
  const all = [owner, broker, ...payees].map((w) => w.address).concat(world.channel.address)
  const sum = async () => {
    let s = 0n
    for (const a of all) s += await world.balance(a)
    return s
  }
  const cost = async (name: string, from: Wallet, m: Omit<WalletMessage, 'to'>) => {
    const before = await sum()
    const { external } = await from.send(world.now, [{ to: world.channel.address, ...m }])
    console.log(name.padEnd(20), Number(before - (await sum())) / 1e9, external.toBoc().length)
  }
  const g = GRAM / 100n
  await cost('open', owner, {
    value: GRAM,
    init: stateInit(world.initial, code),
    body: openMessage({ key: world.signers.payer.publicKey, limit: GRAM, expires: world.now + 30 * DAY }),
  })
  await cost('top up', owner, {
    value: GRAM,
    body: openMessage({ key: world.signers.payer.publicKey, limit: 2n * GRAM, expires: world.now + 30 * DAY }),
  })
  const e = (i: number, t: bigint | undefined, floor = 0n) =>
    world.entry({ payee: accountOf(payees[i]!.address), ...(t ? { total: t } : {}), floor })
  const claim = async (n: string, es: ClaimEntry[]) =>
    cost(n, broker, { value: g * BigInt(es.length), body: claimMessage({ entries: es }) })
  await claim('first floor', [await e(0, undefined, g)])
  await claim('floor', [await e(0, undefined, 2n * g)])
  await claim('receipt', [await e(0, 3n * g)])
  await claim('two first', [await e(1, 3n * g), await e(2, 3n * g)])
  await claim('three', [await e(0, 4n * g), await e(1, 4n * g), await e(2, 4n * g)])
  await claim('three again', [await e(0, 4n * g), await e(1, 4n * g), await e(2, 4n * g)])
  const { opened } = await world.state()
  await cost('release', broker, {
    value: g,
    body: releaseMessage({
      release: signedRelease({ channel: world.account, opened, total: g, until: NEVER }, world.signers.broker),
    }),
  })
  await cost('collect', broker, { value: g, body: collectFeesMessage() })
  await claim('receipt', [await e(0, 8n * g)])
  await cost('request', owner, { value: g, body: requestCloseMessage() })
  world.pass(CHALLENGE)
  await cost('finish', owner, { value: g, body: finishCloseMessage() })
  console.log(await world.balance())
  expect(1).toBe(1)
})
