import { readFileSync } from 'node:fs'
import { networks } from '@cocoon/protocol'
import { challengeSeconds, receipt, release, terms, voucher } from '@cocoon/protocol/money'
import { describe, expect, it } from 'vitest'
import { compileTolk, contracts, codeModule, readSource } from '../scripts/tolk.ts'
import { accountOf, Channel, channelState, exitCode, exitCodes, parseStoredState } from '../src/index.ts'
import { code } from './chain.ts'
import { NEVER, receiptCell, releaseCell, voucherCell } from './signed.ts'
import { CENT, CHALLENGE, DAY, GRAM, World } from './world.ts'

describe('I15 the committed code', () => {
  for (const contract of contracts()) {
    it(`of ${contract} is what its sources compile to`, async () => {
      const committed = readFileSync(new URL(`../src/code/${contract}.ts`, import.meta.url), 'utf8')
      expect(committed).toBe(codeModule(contract, await compileTolk(contract)))
    })
  }

  it('cannot set its code, send to the Registry, or take a message from outside', () => {
    const files = ['channel', 'channel/claim', 'channel/coins', 'channel/keys', 'channel/state', 'channel/getters']
    const source = files.map((file) => readSource(`${file}.tolk`)).join('\n')
    expect(source).not.toMatch(/setCodePostponed|onExternalMessage|acceptExternalMessage|sendRawMessage/)
    // The two ways in which coins leave: a payout, and the excess to whoever carried the message.
    expect(source.match(/createMessage\(/g)).toHaveLength(2)
  })
})

describe('the signed objects of the protocol', () => {
  const bytes = (fill: number) => new Uint8Array(32).fill(fill)
  const hash = (cell: { hash(): Buffer }) => new Uint8Array(cell.hash())

  it('hash as the cells of TESTING.md do', async () => {
    const extremes = [0n, 1n, 2n ** 32n, 2n ** 64n - 1n]
    for (const [i, amount] of extremes.entries()) {
      const common = { channel: bytes(i + 1), since: amount, payee: bytes(i + 10) }
      const aVoucher = {
        ...common,
        receiptKey: bytes(i + 20),
        floor: amount,
        ceiling: 2n ** 64n - 1n,
        until: NEVER - i,
      }
      const aReceipt = { ...common, total: 2n ** 64n - 1n, amount, job: bytes(255) }
      const aRelease = {
        channel: bytes(i),
        opened: amount + 1n > 2n ** 64n - 1n ? amount : amount + 1n,
        total: amount,
        until: i,
      }
      expect(await voucher.hash(aVoucher)).toEqual(hash(voucherCell(aVoucher)))
      expect(await receipt.hash(aReceipt)).toEqual(hash(receiptCell(aReceipt)))
      expect(await release.hash(aRelease)).toEqual(hash(releaseCell(aRelease)))
    }
    expect([voucher.bits, receipt.bits, release.bits]).toEqual([1008, 976, 432])
  })
})

describe('the constants', () => {
  const rules = readSource('channel/rules.tolk')
  const constant = (name: string): bigint => {
    const [, value = ''] = new RegExp(`^const ${name} = (.+)$`, 'm').exec(rules) ?? []
    const coins = /^ton\("([\d.]+)"\)$/.exec(value)?.[1]
    if (coins !== undefined) return BigInt(Math.round(Number(coins) * 1e9))
    return value.split('*').reduce((product, factor) => product * BigInt(factor.trim()), 1n)
  }

  it('are the same on chain and off', () => {
    expect(constant('MINIMUM_OPENING')).toBe(terms.minimumOpening)
    expect(constant('RENT_RESERVE')).toBe(terms.rentReserve)
    expect(constant('CHALLENGE_PERIOD')).toBe(BigInt(challengeSeconds.mainnet))
    expect(constant('CHALLENGE_PERIOD')).toBe(BigInt(challengeSeconds.testnet))
    expect(constant('CHALLENGE_PERIOD_LOCALNET')).toBe(BigInt(challengeSeconds.localnet))
    expect(constant('LOCALNET')).toBe(BigInt(networks.localnet))
    expect(constant('MAXIMUM_LIVE_KEYS')).toBe(BigInt(terms.liveKeys))
    expect(constant('MAXIMUM_STORED_KEYS')).toBe(BigInt(terms.storedKeys))
    expect(constant('MAXIMUM_CLAIM_ENTRIES')).toBe(BigInt(terms.entriesPerClaim))
  })

  it('name every exit code, and no other', () => {
    const [, body = ''] = /enum Exit \{([^}]*)\}/.exec(rules) ?? []
    const kebab = (name: string) => name.replace(/(?<!^)[A-Z]/g, (letter) => `-${letter}`).toLowerCase()
    const onChain = [...body.matchAll(/(\w+) = (\w+)/g)].map(([, name = '', number]) => [Number(number), kebab(name)])
    const offChain = Object.entries(exitCodes).map(([number, { name }]) => [Number(number), name])
    expect(offChain).toEqual(onChain)
    expect(exitCode(401)?.name).toBe('not-owner')
    expect(exitCode(13)).toBeUndefined()
  })
})

describe('the getters', () => {
  it('say what the stored state says', async () => {
    const world = await World.opened(GRAM, { feeBasisPoints: 250, network: networks.testnet })
    const [tablet, nobody, next] = [world.key('tablet'), world.key('nobody'), world.key('next')]
    await world.open({ key: tablet, limit: 2n * GRAM, expires: world.now + DAY })
    await world.revoke(tablet)
    await world.claim([await world.entry({ floor: 4n * CENT })])
    await world.carry(await world.release({ total: CENT }))
    const asked = world.chain.openContract(world.channel)

    const before = await asked.getChannel()
    const stored = await world.state()
    expect(before).toMatchObject({
      feeBasisPoints: 250,
      network: networks.testnet,
      challengePeriod: CHALLENGE,
      closesAt: null,
      opened: stored.opened,
      released: CENT,
      fees: CENT / 10n,
      available: await world.available(),
      brokerKey: world.signers.broker.publicKey,
      previousBrokerKey: null,
    })
    expect(before.owner.equals(world.owner) && before.broker.equals(world.broker)).toBe(true)
    await world.rotate(next)
    await world.requestClose()
    expect(await asked.getChannel()).toMatchObject({
      closesAt: world.now + CHALLENGE,
      brokerKey: next.publicKey,
      previousBrokerKey: { key: world.signers.broker.publicKey, until: world.now + CHALLENGE },
    })

    for (const key of [world.signers.payer, tablet]) {
      const { since, limit, spent, expires, revoked } = await world.payerKey(key)
      expect(await asked.getPayerKey(key.publicKey)).toEqual({ since, limit, spent, expires, revoked })
    }
    expect(await asked.getPayerKey(nobody.publicKey)).toBeUndefined()
    const lane = { since: stored.opened, payee: world.id('payee'), receiptKey: world.signers.node.publicKey }
    expect(await asked.getPaid(lane)).toBe(4n * CENT)
    expect(await asked.getPaid({ ...lane, receiptKey: nobody.publicKey })).toBe(0n)
    expect(await asked.getPaid({ ...lane, since: 1n })).toBe(0n)
  })

  it('say that nothing is available where rent has eaten the reserve', async () => {
    const world = await World.create()
    await world.topUp(CENT)
    expect((await world.chain.openContract(world.channel).getChannel()).available).toBe(0n)
  })

  it('are asked by address too', async () => {
    const world = await World.opened()
    const view = await world.chain.openContract(Channel.at(world.channel.address)).getChannel()
    expect(view.opened).toBe((await world.state()).opened)
  })
})

describe('the stored state', () => {
  it('becomes the channel state of the protocol', async () => {
    const world = await World.opened()
    const stored = await world.state()
    const balance = await world.balance()
    const state = channelState({ account: world.account, time: world.now, balance, stored })
    const { since, limit, spent, expires, revoked } = await world.payerKey()
    expect(state).toEqual({
      channel: accountOf(world.channel.address),
      time: world.now,
      balance,
      fees: 0n,
      opened: stored.opened,
      released: 0n,
      closesAt: null,
      brokerKey: world.signers.broker.publicKey,
      keys: new Map([
        [Buffer.from(world.signers.payer.publicKey).toString('hex'), { since, limit, spent, expires, revoked }],
      ]),
    })
  })

  it('is refused when it is no channel state', () => {
    expect(() => parseStoredState(code)).toThrow()
  })
})
