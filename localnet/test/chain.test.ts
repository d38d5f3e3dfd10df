import { Registry } from '@cocoon/contracts'
import { Address, beginCell, Cell, comment } from '@ton/core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { messageCell, normalizedHash } from '../src/chain/index.ts'
import { BEGINNING, ChainWorld, GRAM } from './chain-world.ts'

let world: ChainWorld
beforeAll(async () => {
  world = await ChainWorld.start()
})
afterAll(() => world.stop())
let names = 0
let name = ''
beforeEach(() => {
  name = `wallet ${++names}`
})

describe('a wallet, through TonClient as through toncenter', () => {
  it('is deployed by its first message and pays what it is told to', async () => {
    const alice = await world.wallet(name)
    const bob = await world.wallet(`${name} b`, 0n)
    expect((await world.client.getContractState(alice.address)).state).toBe('uninitialized')
    expect([await alice.seqno(world.client), await world.balance(alice)]).toEqual([0, 10n * GRAM])
    await alice.send(
      world.client,
      [{ to: bob.address, value: 3n * GRAM, bounce: false, body: comment('hi') }],
      world.soon,
    )
    expect(await world.client.isContractDeployed(alice.address)).toBe(true)
    expect(await alice.seqno(world.client)).toBe(1)
    const got = await world.balance(bob)
    expect(got > 2_999_000_000n && got <= 3n * GRAM).toBe(true)
    const fees = 10n * GRAM - 3n * GRAM - (await world.balance(alice))
    // Prices of 2026: with those the sandbox brings, a first transfer would cost six times as much.
    expect(fees > 500_000n && fees < 5_000_000n).toBe(true)
  })

  it('sends as many as a batch of claims has with one signature, and at most 255', async () => {
    const alice = await world.wallet(name, 1000n * GRAM)
    const to = (i: number) => new Address(0, Buffer.alloc(32, i + 1))
    const transfers = Array.from({ length: 100 }, (_, i) => ({ to: to(i), value: GRAM, bounce: false }))
    await alice.send(world.client, transfers, world.soon)
    expect((await world.client.getBalance(to(99))) > 0n).toBe(true)
    expect(() => alice.message([...transfers, ...transfers, ...transfers], 1, world.soon)).toThrow(RangeError)
  }, 60_000)

  it('replayed, forged, out of order or out of date is refused, and nothing changes', async () => {
    const alice = await world.wallet(name)
    const bob = await world.wallet(`${name} b`, 0n)
    const pay = [{ to: bob.address, value: GRAM, bounce: false }]
    const first = await alice.send(world.client, pay, world.soon)
    const forged = alice.message(pay, 1, world.soon)
    const bits = forged.body.bits
    const last = beginCell()
      .storeBits(bits.substring(0, bits.length - 1))
      .storeBit(!bits.at(bits.length - 1))
    for (const ref of forged.body.refs) last.storeRef(ref)
    const before = await world.balance(bob)
    for (const message of [
      first,
      { ...forged, body: last.endCell() },
      alice.message(pay, 2, world.soon),
      alice.message(pay, 1, world.chain.now - 1),
    ]) {
      await expect(world.client.sendMessage(message)).rejects.toThrow('500')
      const { status, body } = await world.rpc('sendBoc', { boc: messageCell(message).toBoc().toString('base64') })
      expect(status).toBe(500)
      expect(body['error']).toMatch(/cannot apply external message.*exitcode=\d+/)
    }
    expect([await world.balance(bob), await alice.seqno(world.client)]).toEqual([before, 1])
  })

  it('is told what a message would cost, and nothing is done', async () => {
    const alice = await world.wallet(name)
    const bob = await world.wallet(`${name} b`, 0n)
    const pay = [{ to: bob.address, value: GRAM, bounce: false }]
    const estimate = async (seqno: number, initial: boolean) => {
      const { body } = alice.message(pay, seqno, world.soon)
      const init = initial ? alice.init : { code: null, data: null }
      const asked = { body, initCode: init.code, initData: init.data, ignoreSignature: true }
      const { source_fees: fees } = await world.client.estimateExternalMessageFee(alice.address, asked)
      return BigInt(fees.in_fwd_fee + fees.storage_fee + fees.gas_fee + fees.fwd_fee)
    }
    const expected = [await estimate(0, true), 0n]
    expect([await world.balance(bob), await alice.seqno(world.client)]).toEqual([0n, 0])
    await alice.send(world.client, pay, world.soon)
    expected[1] = await estimate(1, false)
    const afterFirst = await world.balance(alice)
    await alice.send(world.client, pay, world.soon)
    const spent = [10n * GRAM - afterFirst - GRAM, afterFirst - (await world.balance(alice)) - GRAM]
    expect(spent).toEqual(expected)
  })
})

describe('history', () => {
  it('is paged from the newest to the oldest, each transaction once', async () => {
    const alice = await world.wallet(name, 100n * GRAM)
    for (let i = 0; i < 7; i++) {
      await alice.send(world.client, [{ to: alice.address, value: GRAM, bounce: false }], world.soon)
    }
    const all = await world.client.getTransactions(alice.address, { limit: 100 })
    // One from the faucet, then each message and its arrival.
    expect(all.length).toBe(15)
    expect(all.map(({ lt }) => lt)).toEqual(all.map(({ lt }) => lt).sort((a, b) => (a > b ? -1 : 1)))
    const paged: bigint[] = []
    let from: { lt: string; hash: string } | undefined
    for (;;) {
      const page = await world.client.getTransactions(alice.address, { limit: 4, ...from })
      paged.push(...page.map(({ lt }) => lt))
      const last = page.at(-1)
      if (!last) break
      from = { lt: last.lt.toString(), hash: last.hash().toString('base64') }
    }
    expect(paged).toEqual(all.map(({ lt }) => lt))
    // Asked twice, it is the same: the sandbox's own list turns around each time.
    expect((await world.client.getTransactions(alice.address, { limit: 100 })).map(({ lt }) => lt)).toEqual(paged)
    const newer = await world.client.getTransactions(alice.address, { limit: 100, to_lt: all[4]?.lt.toString() ?? '' })
    expect(newer.length).toBe(4)
  })

  it('finds one transaction, and those at both ends of a message', async () => {
    const alice = await world.wallet(name)
    const bob = await world.wallet(`${name} b`, 0n)
    await alice.send(world.client, [{ to: bob.address, value: GRAM, bounce: false }], world.soon)
    const [sent] = await world.client.getTransactions(alice.address, { limit: 1 })
    const [got] = await world.client.getTransactions(bob.address, { limit: 1 })
    const info = got?.inMessage?.info
    if (!sent || !got || info?.type !== 'internal') throw new Error('no transactions')
    const hash = sent.hash().toString('base64')
    expect((await world.client.getTransaction(alice.address, sent.lt.toString(), hash))?.lt).toBe(sent.lt)
    const created = info.createdLt.toString()
    expect((await world.client.tryLocateResultTx(alice.address, bob.address, created)).lt).toBe(got.lt)
    expect((await world.client.tryLocateSourceTx(alice.address, bob.address, created)).lt).toBe(sent.lt)
    await expect(world.client.tryLocateResultTx(bob.address, alice.address, created)).rejects.toThrow('500')
  })

  it('follows a message of a wallet to its transaction, normalized or not, in hex and base64', async () => {
    const alice = await world.wallet(name)
    const message = await alice.send(world.client, [{ to: alice.address, value: 1n, bounce: false }], world.soon)
    const [, sent] = await world.client.getTransactions(alice.address, { limit: 2 })
    const own = messageCell(message).hash().toString('hex')
    const hashes = [own, normalizedHash(message)]
    for (const hash of [...hashes, ...hashes.map((one) => Buffer.from(one, 'hex').toString('base64'))]) {
      const { body } = await world.raw(`/api/v3/transactionsByMessage?msg_hash=${encodeURIComponent(hash)}`)
      expect(body['transactions']).toMatchObject([
        {
          lt: sent?.lt.toString(),
          account: alice.address.toRawString().toUpperCase(),
          description: { aborted: false },
        },
      ])
    }
    const { body } = await world.raw(`/api/v3/transactionsByMessage?msg_hash=${'00'.repeat(32)}`)
    expect(body['transactions']).toEqual([])
  })
})

describe('get methods', () => {
  it('answer as on a real chain; a method or a contract that is not there has its exit code', async () => {
    const { registry } = await world.control.deployment()
    const at = Address.parse(registry)
    const open = world.client.open(Registry.at(at))
    expect((await open.getRegistry()).delay).toBe(60)
    expect((await world.client.runMethodWithError(at, 'nothing')).exit_code).toBe(11)
    const nobody = new Address(0, Buffer.alloc(32, 0xee))
    expect((await world.client.runMethodWithError(nobody, 'seqno')).exit_code).toBe(-13)
    await expect(world.client.runMethod(nobody, 'seqno')).rejects.toThrow('-13')
  })

  it('take numbers, cells and slices, and refuse what is no stack', async () => {
    const { registry } = await world.control.deployment()
    const boc = Cell.EMPTY.toBoc().toString('base64')
    const ask = async (stack: unknown) => {
      const { status, body } = await world.rpc('runGetMethod', { address: registry, method: 'isAccepted', stack })
      return [status, (body['result'] as { exit_code: number } | undefined)?.exit_code]
    }
    expect(await ask([['num', '0x10']])).toEqual([200, 0])
    expect(await ask([['num', '-5']])).toEqual([200, 0])
    // Not what the method wants, so it fails in the machine, not at the door.
    expect((await ask([['tvm.Cell', boc]]))[0]).toBe(200)
    expect((await ask([['tvm.Slice', boc]]))[0]).toBe(200)
    for (const stack of ['x', [['num']], [['num', 'ten']], [['tvm.Cell', 'junk']], [['tuple', []]]]) {
      expect((await ask(stack))[0]).toBe(422)
    }
  })
})

describe('what is deployed', () => {
  it('is the Registry with the pinned channel code and the broker, and parties with coins', async () => {
    const { registry, channelCode, broker, owner, guardian, network } = await world.control.deployment()
    const state = await world.client.open(Registry.at(Address.parse(registry))).getState()
    expect(network).toBe(-7239)
    expect(state.codes.map((code) => Buffer.from(code).toString('hex'))).toEqual([channelCode])
    expect([state.owner.toRawString(), state.guardian.toRawString()]).toEqual([owner, guardian])
    expect(
      state.brokers.map((one) => [one.account.toRawString(), Buffer.from(one.key).toString('hex'), one.maximumFee]),
    ).toEqual([[broker.address, broker.key, broker.feeBasisPoints]])
    for (const party of [owner, guardian, broker.address, broker.sweep]) {
      expect(await world.client.getBalance(Address.parse(party))).toBe(100n * GRAM)
    }
  })

  it('is the same on every machine', async () => {
    const other = await ChainWorld.start()
    expect(await other.control.deployment()).toEqual(await world.control.deployment())
    await other.stop()
  })
})

it('time begins where the clock is, and advances on demand', async () => {
  const before = (await world.control.status()).now
  expect(before >= BEGINNING).toBe(true)
  await world.control.advance(3600)
  const { body } = await world.rpc('getConsensusBlock', {})
  expect(body['result']).toMatchObject({ timestamp: before + 3600 })
  await expect(world.control.advance(-1)).rejects.toThrow('advance')
})
