import { Address, beginCell, type Message } from '@ton/core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { normalizedHash, type Order, ordered, type Wallet } from '../src/chain/index.ts'
import { ChainWorld, GRAM } from './chain-world.ts'

let world: ChainWorld
beforeAll(async () => {
  world = await ChainWorld.start()
})
afterAll(() => world.stop())
let names = 0
let alice: Wallet
let bob: Wallet
beforeEach(async () => {
  alice = await world.wallet(`alice ${++names}`)
  bob = await world.wallet(`bob ${names}`, 0n)
  await alice.send(world.client, [], world.soon)
})
afterEach(async () => {
  await world.control.setPace('instant')
  await world.control.setOrder('as-sent')
  await world.control.setLag(0)
  await world.control.settle()
})

const pay = (value = GRAM, to: { address: Address } = bob) => [{ to: to.address, value, bounce: false }]
const seqno = () => alice.seqno(world.client)

describe('with a block delay, a message', () => {
  it('waits for the next block, and what it sends for the one after', async () => {
    await world.control.setPace('manual')
    await alice.send(world.client, pay(), world.soon)
    expect(await world.control.status()).toMatchObject({ waiting: 1, moving: 0 })
    expect([await seqno(), await world.balance(bob)]).toEqual([1, 0n])
    await world.control.blocks(1)
    expect(await world.control.status()).toMatchObject({ waiting: 0, moving: 1 })
    expect([await seqno(), await world.balance(bob)]).toEqual([2, 0n])
    await world.control.blocks(1)
    expect(await world.control.status()).toMatchObject({ waiting: 0, moving: 0 })
    expect((await world.balance(bob)) > 0n).toBe(true)
  })

  it('is not sent twice by being sent twice, nor is a second one taken before the first is in a block', async () => {
    await world.control.setPace('manual')
    const first = await alice.send(world.client, pay(), world.soon)
    await world.client.sendMessage(first)
    expect((await world.control.status()).waiting).toBe(1)
    await expect(world.client.sendMessage(alice.message(pay(), 2, world.soon))).rejects.toThrow('500')
    await world.control.blocks(2)
    await world.client.sendMessage(alice.message(pay(), 2, world.soon))
    await world.control.blocks(2)
    expect(await seqno()).toBe(3)
  })

  it('of two with one number, one is executed and the other is gone without a trace', async () => {
    await world.control.setPace('manual')
    const [one, other] = [pay(GRAM), pay(2n * GRAM)].map((transfers) => alice.message(transfers, 1, world.soon))
    if (!one || !other) throw new Error('no messages')
    await world.client.sendMessage(one)
    await world.client.sendMessage(other)
    await world.control.blocks(2)
    expect(await seqno()).toBe(2)
    const got = await world.balance(bob)
    expect(got > 0n && got <= GRAM).toBe(true)
    expect(await world.control.status()).toMatchObject({ waiting: 0, moving: 0 })
  })

  it('that became out of date while it waited is gone', async () => {
    await world.control.setPace('manual')
    await alice.send(world.client, pay(), world.chain.now + 60)
    await world.control.advance(61)
    await world.control.blocks(2)
    expect([await seqno(), await world.balance(bob)]).toEqual([1, 0n])
  })

  it('is found by its hash once it is in a block, and final two blocks later', async () => {
    await world.control.setPace('manual')
    const message = await alice.send(world.client, pay(), world.soon)
    const finality = async () => {
      const { body } = await world.raw(`/api/v3/transactionsByMessage?msg_hash=${normalizedHash(message)}`)
      return (body['transactions'] as { finality: string }[]).map((one) => one.finality)
    }
    const seen = [await finality()]
    for (let i = 0; i < 3; i++) {
      await world.control.blocks(1)
      seen.push(await finality())
    }
    expect(seen).toEqual([[], ['pending'], ['pending'], ['finalized']])
  })
})

describe('blocks', () => {
  it('come by themselves at the pace asked for', async () => {
    const before = (await world.client.getMasterchainInfo()).latestSeqno
    await world.control.setPace(10)
    await alice.send(world.client, pay(), world.soon)
    while ((await world.balance(bob)) === 0n) await new Promise((resolve) => setTimeout(resolve, 5))
    expect((await world.client.getMasterchainInfo()).latestSeqno).toBeGreaterThan(before + 1)
    await expect(world.control.setPace(1)).rejects.toThrow('pace')
    // Also when it is changed in the middle of a block.
    await world.control.setPace('manual')
    const { seqno: last } = await world.control.status()
    await new Promise((resolve) => setTimeout(resolve, 60))
    expect((await world.control.status()).seqno).toBe(last)
  })

  it('are dated, never backwards, and can be looked up with what is in them', async () => {
    await world.control.setPace('manual')
    await alice.send(world.client, pay(), world.soon)
    await world.control.advance(30)
    await world.control.blocks(1)
    const last = (await world.client.getMasterchainInfo()).latestSeqno
    const header = async (block: number) => {
      const { body } = await world.rpc('getBlockHeader', { workchain: -1, seqno: block })
      return (body['result'] as { gen_utime: number }).gen_utime
    }
    expect((await header(last)) - (await header(last - 1))).toBe(30)
    const [shard] = await world.client.getWorkchainShards(last)
    const inBlock = await world.client.getShardTransactions(0, shard?.seqno ?? 0, shard?.shard ?? '')
    expect(inBlock.map(({ account }) => account.toRawString())).toEqual([alice.address.toRawString()])
    const { body } = await world.rpc('lookupBlock', { workchain: 0, unixtime: await header(last) })
    expect(body['result']).toMatchObject({ seqno: last })
    expect((await world.rpc('getBlockHeader', { workchain: -1, seqno: last + 1 })).status).toBe(500)
  })

  it('let an account be read as it was', async () => {
    const read = async (block: number) => {
      const { body } = await world.rpc('getAddressBalance', { address: bob.address.toString(), seqno: block })
      return BigInt(String(body['result']))
    }
    const number = async (block: number) => {
      const asked = { address: alice.address.toString(), method: 'seqno', stack: [], seqno: block }
      const { body } = await world.rpc('runGetMethod', asked)
      return (body['result'] as { stack: [string, string][] }).stack[0]?.[1]
    }
    const before = (await world.client.getMasterchainInfo()).latestSeqno
    await alice.send(world.client, pay(), world.soon)
    const after = (await world.client.getMasterchainInfo()).latestSeqno
    expect([await read(before), (await read(after)) > 0n]).toEqual([0n, true])
    expect([await number(before), await number(after)]).toEqual(['0x1', '0x2'])
  })
})

describe('a server that lags', () => {
  it('answers from some blocks ago, the same in every method', async () => {
    await world.control.setPace('manual')
    await alice.send(world.client, pay(), world.soon)
    await world.control.blocks(2)
    await world.control.setLag(2)
    expect([await seqno(), await world.balance(bob)]).toEqual([1, 0n])
    expect(await world.client.getTransactions(bob.address, { limit: 10 })).toEqual([])
    await world.control.setLag(1)
    expect([await seqno(), await world.balance(bob)]).toEqual([2, 0n])
    await world.control.setLag(0)
    expect((await world.balance(bob)) > 0n).toBe(true)
  })
})

describe('a snapshot', () => {
  it('brings back accounts, history, time and what was on its way, more than once', async () => {
    await world.control.setPace('manual')
    await alice.send(world.client, pay(), world.soon)
    await world.control.blocks(1)
    const id = await world.control.snapshot()
    const state = async () => ({
      balances: [await world.balance(alice), await world.balance(bob)],
      seqno: await seqno(),
      status: await world.control.status(),
      history: (await world.client.getTransactions(alice.address, { limit: 10 })).map(({ lt }) => lt),
    })
    const before = await state()
    for (let i = 0; i < 2; i++) {
      await world.control.advance(86_400)
      await world.control.settle()
      await alice.send(world.client, pay(), world.soon)
      await world.control.settle()
      expect(await state()).not.toEqual(before)
      await world.control.revert(id)
      expect(await state()).toEqual(before)
    }
    await world.control.settle()
    expect((await world.balance(bob)) > 0n).toBe(true)
    await expect(world.control.revert(99_999)).rejects.toThrow('no snapshot')
  })
})

describe('the order within a block', () => {
  const from = (i: number, to: number, lt: number): Message => ({
    info: {
      type: 'internal',
      ihrDisabled: true,
      bounce: false,
      bounced: false,
      src: new Address(0, Buffer.alloc(32, i)),
      dest: new Address(0, Buffer.alloc(32, to)),
      value: { coins: 1n },
      ihrFee: 0n,
      forwardFee: 0n,
      createdAt: 0,
      createdLt: BigInt(lt),
    },
    body: beginCell().endCell(),
  })
  const list = [from(1, 9, 1), from(2, 9, 2), from(1, 9, 3), from(1, 8, 4), from(2, 9, 5), from(3, 9, 6)]
  const lts = (order: Order) =>
    ordered(list, order).map(({ info }) => (info.type === 'internal' ? Number(info.createdLt) : 0))

  it('can be turned around or shuffled, but never from one account to another', () => {
    expect(lts('as-sent')).toEqual([1, 2, 3, 4, 5, 6])
    expect(lts('reversed')).toEqual([6, 4, 2, 5, 1, 3])
    const seen = new Set<string>()
    for (let seed = 0; seed < 50; seed++) {
      const shuffled = lts({ seed })
      expect([...shuffled].sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6])
      expect(shuffled.indexOf(1) < shuffled.indexOf(3) && shuffled.indexOf(2) < shuffled.indexOf(5)).toBe(true)
      seen.add(shuffled.join(' '))
      expect(lts({ seed })).toEqual(shuffled)
    }
    expect(seen.size).toBeGreaterThan(10)
  })

  it('decides who comes first on the chain', async () => {
    const arrivals = async (order: Order) => {
      const carol = await world.wallet(`carol ${++names}`)
      await carol.send(world.client, [], world.soon)
      const to = { address: new Address(0, Buffer.alloc(32, names)) }
      await world.control.setPace('manual')
      await world.control.setOrder(order)
      for (const wallet of [alice, carol]) await wallet.send(world.client, pay(GRAM, to), world.soon)
      await world.control.blocks(1)
      await world.control.setOrder('as-sent')
      await world.control.blocks(1)
      await world.control.setPace('instant')
      const came = await world.client.getTransactions(to.address, { limit: 10 })
      return came.map(({ inMessage }) =>
        inMessage?.info.src?.toString() === alice.address.toString() ? 'alice' : 'carol',
      )
    }
    expect(await arrivals('as-sent')).toEqual(['carol', 'alice'])
    expect(await arrivals('reversed')).toEqual(['alice', 'carol'])
    await expect(world.control.setOrder({ seed: 'x' } as unknown as Order)).rejects.toThrow('order')
  })
})
