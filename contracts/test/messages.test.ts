import { networks, type NetworkId } from '@cocoon/protocol'
import { Address } from '@ton/core'
import { describe, expect, it } from 'vitest'
import {
  accountOf,
  addressOf,
  type ClaimEntry,
  channelAddress,
  claimMessage,
  initialData,
  type InitialState,
  openMessage,
  releaseMessage,
  revokeMessage,
  rotateBrokerKeyMessage,
} from '../src/index.ts'
import { claimEntry, digest, Key, NEVER, signedReceipt } from './signed.ts'

const initial: InitialState = {
  owner: addressOf(digest('owner')),
  broker: addressOf(digest('broker')),
  feeBasisPoints: 500,
  network: networks.mainnet,
  brokerKey: digest('broker key'),
}
const signers = { payer: new Key('payer'), node: new Key('node'), broker: new Key('broker') }
const terms = { channel: accountOf(channelAddress(initial)), since: 5n, payee: digest('payee'), ceiling: 9n }
const entry = claimEntry(terms, signers)

describe('an initial state', () => {
  it('binds what it is given, in a cell the contract reads', () => {
    expect(channelAddress(initial).workChain).toBe(0)
    expect(initialData(initial).refs).toHaveLength(1)
  })

  const elsewhere = new Address(-1, Buffer.alloc(32, 1))
  const wrong: [string, Partial<InitialState>][] = [
    ['only accounts in the basechain', { owner: elsewhere }],
    ['only accounts in the basechain', { broker: elsewhere }],
    ['0 to 10000 basis points', { feeBasisPoints: 10_001 }],
    ['0 to 10000 basis points', { feeBasisPoints: -1 }],
    ['0 to 10000 basis points', { feeBasisPoints: 0.5 }],
    ['no network id', { network: 0 as NetworkId }],
    ['32 bytes', { brokerKey: new Uint8Array(31) }],
  ]
  for (const [words, part] of wrong) {
    it(`says "${words}" for ${Object.keys(part).join()} ${String(Object.values(part)[0])}`, () => {
      expect(() => initialData({ ...initial, ...part })).toThrow(RangeError)
      expect(() => initialData({ ...initial, ...part })).toThrow(words)
    })
  }
})

describe('a message', () => {
  it('is not made of keys, signatures or amounts that are none', () => {
    const short = new Uint8Array(31)
    expect(() => openMessage({ key: short, limit: 1n, expires: 1 })).toThrow('32 bytes')
    expect(() => openMessage({ key: digest('key'), limit: 2n ** 64n, expires: 1 })).toThrow()
    expect(() => openMessage({ key: digest('key'), limit: -1n, expires: 1 })).toThrow()
    expect(() => openMessage({ key: digest('key'), limit: 1n, expires: 2 ** 32 })).toThrow()
    expect(() => revokeMessage({ key: short })).toThrow('32 bytes')
    expect(() => rotateBrokerKeyMessage({ key: short })).toThrow('32 bytes')
    const object = { channel: terms.channel, opened: 1n, total: 1n, until: NEVER }
    expect(() => releaseMessage({ release: { object, signature: short } })).toThrow('64 bytes')
    expect(() => claimMessage({ entries: [{ ...entry, countersignature: short }] })).toThrow('64 bytes')
  })

  it('carries one to three entries', () => {
    expect(() => claimMessage({ entries: [] })).toThrow('one to three')
    expect(() => claimMessage({ entries: [entry, entry, entry, entry] })).toThrow('one to three')
    expect(claimMessage({ entries: [entry, entry, entry] }).refs).toHaveLength(3)
  })

  it('puts no receipt beside a voucher it does not belong to', () => {
    const settled: ClaimEntry = { ...entry, countersigned: 'receipt' }
    expect(() => claimMessage({ entries: [settled] })).toThrow('carries the receipt')
    const others = [{ since: 6n }, { payee: digest('other') }, { channel: digest('other') }]
    for (const other of others) {
      const receipt = signedReceipt({ ...terms, ...other, total: 1n }, signers.node)
      expect(() => claimMessage({ entries: [{ ...entry, receipt }] })).toThrow('another lane')
    }
  })

  it('names its query', () => {
    const at = (queryId: bigint) => openMessage({ key: digest('key'), limit: 1n, expires: 1, queryId }).beginParse()
    const slice = at(77n).skip(32)
    expect(slice.loadUintBig(64)).toBe(77n)
  })
})

describe('an account', () => {
  it('becomes an address and back', () => {
    const account = digest('account')
    expect(accountOf(addressOf(account))).toEqual(account)
    expect(() => addressOf(new Uint8Array(20))).toThrow('32 bytes')
  })
})
