import { networks } from '@cocoon/protocol'
import { Address, beginCell, contractAddress } from '@ton/core'
import { internal } from '@ton/sandbox'
import { describe, expect, it } from 'vitest'
import {
  accountOf,
  Channel,
  cancelCloseMessage,
  claimMessage,
  initialData,
  openMessage,
  requestCloseMessage,
  stateInit,
} from '../src/index.ts'
import { code } from './chain.ts'
import { claimEntry, type Key, receiptCell, releaseCell, signedReceipt, voucherCell } from './signed.ts'
import { AMPLE, CENT, CHALLENGE, DAY, GRAM, HOUR, net, TENTH, World } from './world.ts'

describe('A11 signatures of another channel', () => {
  const variants = (world: World) => ({
    network: world.twin({ network: networks.localnet }),
    owner: world.twin({ owner: world.stranger }),
    broker: world.twin({ broker: world.stranger }),
    fee: world.twin({ feeBasisPoints: 0 }),
  })
  for (const what of ['network', 'owner', 'broker', 'fee'] as const) {
    it(`are forgeries here: another ${what}`, async () => {
      const world = await World.opened()
      const channel = accountOf(variants(world)[what].address)
      expect(await world.claim([await world.entry({ channel, floor: TENTH })])).toMatchObject({ exit: 422, change: 0n })
      expect(await world.carry(await world.release({ channel, total: TENTH }))).toMatchObject({ exit: 430, change: 0n })
    })
  }

  it('are not had from a twin in another workchain: it never opens', async () => {
    const world = await World.opened()
    const address = contractAddress(-1, stateInit(world.initial, code))
    const twin = Channel.at(address)
    expect(accountOf(world.channel.address)).toEqual(new Uint8Array(address.hash))
    world.chain.now = world.now
    const contract = await world.chain.getContract(twin.address)
    const transaction = await contract.receiveMessage(
      internal({
        from: world.owner,
        to: address,
        value: GRAM,
        bounce: true,
        stateInit: stateInit(world.initial, code),
        body: openMessage({ key: world.signers.payer.publicKey, limit: GRAM, expires: world.now + DAY }),
      }),
    )
    const { description } = transaction
    expect(
      description.type === 'generic' && description.computePhase.type === 'vm' && description.computePhase.exitCode,
    ).toBe(403)
  })
})

describe('A12 a look-alike', () => {
  it('has another address, whatever it answers', async () => {
    const world = await World.create()
    const other = beginCell().storeUint(0xff00, 16).endCell()
    const data = initialData(world.initial)
    expect(contractAddress(0, { code: other, data }).equals(Channel.of(world.initial).address)).toBe(false)
    expect(contractAddress(0, { code, data }).equals(Channel.of(world.initial, code).address)).toBe(true)
  })
})

describe('A13 one key in two roles', () => {
  it('is refused as a payer key when it is the broker key, current or before', async () => {
    const world = await World.opened()
    const next = world.key('next')
    expect(await world.open({ key: world.signers.broker })).toMatchObject({ exit: 406, bounced: true })
    await world.rotate(next)
    for (const key of [next, world.signers.broker]) {
      expect(await world.open({ key })).toMatchObject({ exit: 406, bounced: true })
    }
  })

  it('is refused as the broker key when it is a payer key, revoked and expired ones included', async () => {
    const world = await World.opened()
    const [expired, revoked] = [world.key('expired'), world.key('revoked')]
    await world.open({ key: expired, expires: world.now + 1 })
    await world.open({ key: revoked })
    await world.revoke(revoked)
    world.pass(1)
    for (const key of [world.signers.payer, expired, revoked]) {
      expect(await world.rotate(key)).toMatchObject({ exit: 406, bounced: true })
    }
    world.pass(CHALLENGE)
    expect(await world.rotate(revoked)).toMatchObject({ done: true })
  })

  it('gives a payer nothing as a receipt key of his own: the broker still has to sign', async () => {
    const world = await World.opened()
    const self = { node: world.signers.payer }
    expect((await world.claim([await world.entry({ total: CENT }, self)])).change).toBe(-net(CENT))
    const alone = { ...self, broker: world.signers.payer }
    expect(await world.claim([await world.entry({ total: TENTH }, alone)])).toMatchObject({ done: true, change: 0n })
  })
})

describe('A14 a payee', () => {
  it('cannot be the channel', async () => {
    const world = await World.opened()
    for (const given of [{ floor: CENT }, { total: CENT }, { floor: CENT, since: 1n }]) {
      const entry = await world.entry({ ...given, payee: world.account })
      expect(await world.claim([entry])).toMatchObject({ exit: 421, bounced: true, change: 0n })
    }
  })

  it('cannot be written down in another workchain', () => {
    expect(() => accountOf(new Address(-1, Buffer.alloc(32)))).toThrow('only accounts in the basechain')
  })
})

describe('A15 dust', () => {
  it('drains nothing: whoever carries it pays for all of it', async () => {
    const world = await World.opened()
    const before = await world.balance()
    let paid = 0n
    for (let i = 1n; i <= 30n; i++) {
      const outcome = await world.claim([await world.entry({ floor: i })], { value: 2_000_000n })
      expect(outcome.done).toBe(true)
      paid -= outcome.change
    }
    const { spent } = await world.payerKey()
    expect(paid).toBe(spent - (await world.state()).fees)
    expect(before - (await world.balance())).toBe(paid)
  })
})

describe('A16 splitting', () => {
  it('dodges no fee', async () => {
    const world = await World.opened()
    for (let i = 1n; i <= 30n; i++) await world.claim([await world.entry({ floor: 19n * i })])
    expect((await world.state()).fees).toBe((570n * 500n) / 10_000n)
  })
})

describe('A17 repeating the close request', () => {
  it('does not move the date', async () => {
    const world = await World.opened()
    await world.requestClose()
    const { closesAt } = await world.state()
    for (const wait of [HOUR, CHALLENGE, DAY]) {
      world.pass(wait)
      expect(await world.requestClose()).toMatchObject({ done: true })
      expect(await world.state()).toMatchObject({ closesAt })
    }
  })
})

describe('A20 a signature of another kind', () => {
  it('does not pass: a receipt for a voucher, a voucher for a receipt, either for a release', async () => {
    const world = await World.opened()
    const terms = await world.terms({ floor: CENT })
    const { voucher } = claimEntry(terms, world.signers)
    const receipt = signedReceipt({ ...terms, total: CENT }, world.signers.node)
    const { object: release } = await world.release({ total: CENT })
    const by = (key: Key) =>
      [voucherCell(voucher.object), receiptCell(receipt.object), releaseCell(release)].map((cell) => key.sign(cell))
    const [overVoucher, overReceipt, overRelease] = by(world.signers.payer)
    const [brokerVoucher, brokerReceipt, brokerRelease] = by(world.signers.broker)
    const [nodeVoucher, , nodeRelease] = by(world.signers.node)
    if (!overVoucher || !overReceipt || !overRelease || !brokerVoucher || !brokerReceipt || !brokerRelease)
      throw new Error()
    if (!nodeVoucher || !nodeRelease) throw new Error()

    const good = { voucher, countersigned: 'voucher' as const, countersignature: brokerVoucher }
    for (const signature of [overReceipt, overRelease]) {
      const entry = { ...good, voucher: { ...voucher, signature } }
      expect(await world.claim([entry])).toMatchObject({ exit: 422, change: 0n })
    }
    for (const signature of [nodeVoucher, nodeRelease]) {
      const entry = { ...good, receipt: { ...receipt, signature } }
      expect(await world.claim([entry])).toMatchObject({ exit: 423, change: 0n })
    }
    for (const countersignature of [brokerReceipt, brokerRelease]) {
      expect(await world.claim([{ ...good, countersignature }])).toMatchObject({ done: true, change: 0n })
    }
    for (const countersignature of [brokerVoucher, brokerRelease]) {
      const settled = { ...good, receipt, countersigned: 'receipt' as const, countersignature }
      expect(await world.claim([settled])).toMatchObject({ done: true, change: 0n })
    }
    for (const signature of [brokerVoucher, brokerReceipt]) {
      expect(await world.carry({ object: release, signature })).toMatchObject({ exit: 430, change: 0n })
    }
    expect(await world.claim([good])).toMatchObject({ done: true, change: -net(CENT) })
  })
})

describe('A21 a voucher nobody countersigned', () => {
  it('brings its floor to nothing when it rides on a settled receipt', async () => {
    const world = await World.opened()
    const entry = await world.entry({ floor: GRAM / 2n, ceiling: GRAM / 2n, total: CENT, settled: true })
    expect((await world.claim([entry])).paidTo(world.payee)).toBe(net(CENT))
    expect(await world.paidOnLane()).toBe(CENT)
  })
})

describe('A22 I11 a stranger', () => {
  it('can deploy and top up, and nothing else', async () => {
    const world = await World.create()
    await world.topUp(GRAM)
    expect(await world.open({ from: world.stranger, value: GRAM })).toMatchObject({ exit: 401 })
    await world.open({ value: GRAM })
    const before = await world.state()
    const attempts = [
      [world.revoke(undefined, world.stranger), 401],
      [world.rotate(world.key('next'), world.stranger), 402],
      [world.send(world.stranger, requestCloseMessage()), 401],
      [world.send(world.stranger, cancelCloseMessage()), 401],
      [world.finishClose(world.stranger), 460],
      [world.collect(world.stranger), 440],
      [world.carry(await world.release({ total: TENTH }, world.key('stranger'))), 430],
      [world.claim([await world.entry({ floor: TENTH }, { payer: world.key('stranger') })]), 422],
    ] as const
    for (const [attempt, exit] of attempts) expect(await attempt).toMatchObject({ exit, bounced: true, change: 0n })
    expect(await world.state()).toEqual(before)
  })

  it('loses what it attached to a message that may not bounce, to the channel', async () => {
    const world = await World.opened()
    const body = claimMessage({ entries: [await world.entry({ floor: CENT }, { payer: world.key('thief') })] })
    const outcome = await world.send(world.stranger, body, { bounce: false })
    expect(outcome).toMatchObject({ exit: 422, returned: 0n })
    expect(outcome.change).toBe(AMPLE - outcome.transaction.totalFees.coins + outcome.rent)
  })
})
