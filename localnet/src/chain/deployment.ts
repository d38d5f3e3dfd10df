import { createHash } from 'node:crypto'
import {
  accountOf,
  applyChangeMessage,
  channelCode,
  type InitialRegistry,
  queueChangeMessage,
  Registry,
} from '@cocoon/contracts'
import { type Bytes, createSigner, hex, networks, type Signer } from '@cocoon/protocol'
import { challengeSeconds, rawAddress } from '@cocoon/protocol/money'
import type { Address, Cell } from '@ton/core'
import type { Chain } from './chain.ts'
import { Wallet } from './w5.ts'

/** The people of a development chain. Everybody knows their seeds, so nothing they hold is worth anything. */
export type Party = 'owner' | 'guardian' | 'broker' | 'broker sweep'

/** 32 bytes of one name, the same on every machine. */
export function developmentSeed(name: string): Bytes {
  return new Uint8Array(createHash('sha256').update(`cocoon localnet ${name}`).digest())
}

/** Wallets of the parties; each has coins once `deploy` ran, and is deployed with its first message. */
export function partyWallet(party: Party): Wallet {
  return new Wallet(developmentSeed(`${party} wallet`))
}

/** The broker's key that countersigns vouchers and receipts. */
export function brokerSigner(): Promise<Signer> {
  return createSigner(developmentSeed('broker key'))
}

/** Everything a program needs to know of a fresh development chain. Addresses raw, keys and hashes in hex, times in seconds. */
export interface Deployment {
  readonly network: number
  readonly registry: string
  readonly registryDelay: number
  readonly channelCode: string
  readonly challenge: number
  readonly broker: {
    /** The cold wallet that a channel's initial state names: receives fees, rotates the key. */
    readonly address: string
    /** The wallet that carries claims. */
    readonly sweep: string
    readonly key: string
    readonly feeBasisPoints: number
  }
  readonly owner: string
  readonly guardian: string
}

const FEE = 500
const PARTY_COINS = 100_000_000_000n
const REGISTRY_COINS = 1_000_000_000n

/** A registry statement, as a Registry announces it. */
export interface Announcement {
  readonly digest: Bytes
  readonly sequence: bigint
}

/** Of a development chain; the same on every machine. The owner changes it through a timelock. */
async function initialRegistry(): Promise<InitialRegistry> {
  const { publicKey: key } = await brokerSigner()
  return {
    owner: partyWallet('owner').address,
    guardian: partyWallet('guardian').address,
    delay: challengeSeconds.localnet,
    codes: [new Uint8Array(channelCode.hash())],
    brokers: [{ account: partyWallet('broker').address, key, maximumFee: FEE }],
  }
}

/** Where every development chain has its Registry, raw. */
export async function developmentRegistry(): Promise<string> {
  return rawAddress(accountOf(Registry.of(await initialRegistry()).address))
}

/**
 * Deploys the Registry with the pinned channel code and one broker, and funds the parties. Announces the registry
 * statement, if there is one, as its owner does: queued, waited for, applied.
 */
export async function deploy(chain: Chain, announcement?: Announcement): Promise<Deployment> {
  const [owner, guardian, broker, sweep] = [
    partyWallet('owner').address,
    partyWallet('guardian').address,
    partyWallet('broker').address,
    partyWallet('broker sweep').address,
  ]
  const initial = await initialRegistry()
  const registry = Registry.of(initial)
  const pace = chain.pace
  chain.setPace('instant')
  await chain.give(registry.address, REGISTRY_COINS, registry.init)
  for (const party of [owner, guardian, broker, sweep]) await chain.give(party, PARTY_COINS)
  if (announcement) await announce(chain, registry.address, initial.delay, announcement)
  chain.setPace(pace)
  const { publicKey: key } = await brokerSigner()
  return {
    network: networks.localnet,
    registry: rawAddress(accountOf(registry.address)),
    registryDelay: initial.delay,
    channelCode: channelCode.hash().toString('hex'),
    challenge: challengeSeconds.localnet,
    broker: {
      address: rawAddress(accountOf(broker)),
      sweep: rawAddress(accountOf(sweep)),
      key: hex(key),
      feeBasisPoints: FEE,
    },
    owner: rawAddress(accountOf(owner)),
    guardian: rawAddress(accountOf(guardian)),
  }
}

const CHANGE_COINS = 100_000_000n

async function announce(chain: Chain, registry: Address, delay: number, content: Announcement): Promise<void> {
  const wallet = partyWallet('owner')
  const send = (body: Cell, seqno: number) =>
    chain.send(wallet.message([{ to: registry, value: CHANGE_COINS, body }], seqno, chain.now + 60))
  await send(queueChangeMessage({ change: { kind: 'set-content', ...content } }), 0)
  await chain.advance(delay + 1)
  await send(applyChangeMessage(), 1)
}
