import { Address, beginCell, Cell, loadStateInit, storeStateInit } from '@ton/core'
import { type DataToSign, dataHash, proofHash } from './ton-connect.ts'
import { messageCell, type Transfer, type Wallet, type WalletChain } from './w5.ts'

/** What the person does with the wallet app when it asks. `close` is the app closed after it sent: no answer arrives. */
export type Mood = 'approve' | 'decline' | 'close'

export interface WalletAppOptions {
  readonly wallet: Wallet
  readonly chain: WalletChain
  /** TON's global id, as text in TON Connect. */
  readonly network: number
  /** Unix seconds. */
  readonly clock?: () => number
}

/** TON Connect's numbers for what went wrong. */
const codes = {
  unknown: 0,
  badRequest: 1,
  noManifest: 2,
  badManifest: 3,
  unknownApp: 100,
  declined: 300,
  unsupported: 400,
}

class Refusal extends Error {
  readonly code: number

  constructor(code: keyof typeof codes, message: string) {
    super(message)
    this.code = codes[code]
  }
}

interface ConnectRequest {
  readonly manifestUrl: string
  readonly items: readonly { readonly name: string; readonly payload?: string }[]
}
interface AppRequest {
  readonly id: string
  readonly method: string
  readonly params: readonly string[]
}

const device = {
  platform: 'browser',
  appName: 'testwallet',
  appVersion: '1.0.0',
  maxProtocolVersion: 2,
  features: [
    'SendTransaction',
    { name: 'SendTransaction', maxMessages: 255 },
    { name: 'SignData', types: ['text', 'binary', 'cell'] },
  ],
}

/**
 * The wallet app that a person has beside the page: keys and decisions are here, in this process, and the page reaches
 * them through the bridge of wallet.ts alone. Speaks TON Connect 2; signs W5 transfers, proofs and data for real.
 */
export class WalletApp {
  mood: Mood = 'approve'
  readonly #options: WalletAppOptions
  readonly #clock: () => number
  /** The page it is connected with. */
  #domain: string | undefined
  #events = 0

  constructor(options: WalletAppOptions) {
    this.#options = options
    this.#clock = options.clock ?? (() => Math.floor(Date.now() / 1000))
  }

  get address(): Address {
    return this.#options.wallet.address
  }

  /** The one door the bridge has: `connect`, `restore`, `send` or `disconnect`. Never rejects but for a mistake of the bridge. */
  async call(door: string, argument: unknown): Promise<unknown> {
    switch (door) {
      case 'connect':
        return this.#event(() => this.#connect(argument as ConnectRequest))
      case 'restore':
        return this.#event(async () => this.#restore())
      case 'send':
        return this.#answer(argument as AppRequest)
      case 'disconnect':
        this.#domain = undefined
        return null
      default:
        throw new RangeError(`the wallet has no door ${door}`)
    }
  }

  async #event(run: () => Promise<object>): Promise<object> {
    const id = ++this.#events
    try {
      return { event: 'connect', id, payload: await run() }
    } catch (error) {
      return { event: 'connect_error', id, payload: errorOf(error) }
    }
  }

  async #connect({ manifestUrl, items }: ConnectRequest): Promise<object> {
    this.#ask()
    const domain = await domainOf(manifestUrl)
    this.#domain = domain
    const reply = items.map(({ name, payload }) => {
      if (name === 'ton_addr') return this.#addressItem()
      if (name === 'ton_proof' && payload !== undefined) return this.#proofItem(domain, payload)
      return { name, error: { code: codes.unsupported, message: `no item ${name}` } }
    })
    return { items: reply, device }
  }

  #restore(): object {
    if (this.#domain === undefined) throw new Refusal('unknownApp', 'not connected with this page')
    return { items: [this.#addressItem()], device }
  }

  #addressItem(): object {
    const { wallet, network } = this.#options
    return {
      name: 'ton_addr',
      address: wallet.address.toRawString(),
      network: String(network),
      publicKey: Buffer.from(wallet.publicKey).toString('hex'),
      walletStateInit: beginCell().store(storeStateInit(wallet.init)).endCell().toBoc().toString('base64'),
    }
  }

  #proofItem(domain: string, payload: string): object {
    const timestamp = this.#clock()
    const hash = new Uint8Array(proofHash(this.address, domain, timestamp, payload))
    const signature = Buffer.from(this.#options.wallet.sign(hash)).toString('base64')
    const named = { lengthBytes: Buffer.byteLength(domain), value: domain }
    return { name: 'ton_proof', proof: { timestamp, domain: named, payload, signature } }
  }

  async #answer(request: AppRequest): Promise<unknown> {
    try {
      const result = await this.#do(request)
      // A page that waits for an app which was closed waits for ever; the bridge leaves the promise open.
      return this.mood === 'close' ? undefined : { id: request.id, result }
    } catch (error) {
      return { id: request.id, error: errorOf(error) }
    }
  }

  async #do({ method, params }: AppRequest): Promise<unknown> {
    switch (method) {
      case 'sendTransaction':
        return this.#sendTransaction(readJson(params[0]))
      case 'signData':
        return this.#signData(readJson(params[0]) as unknown as DataToSign)
      case 'disconnect':
        this.#domain = undefined
        return {}
      default:
        throw new Refusal('unsupported', `no method ${method}`)
    }
  }

  async #sendTransaction(asked: Readonly<Record<string, unknown>>): Promise<string> {
    this.#connected()
    const { wallet, chain, network } = this.#options
    if (asked['network'] !== undefined && asked['network'] !== String(network)) {
      throw new Refusal('badRequest', `the wallet is on network ${network}`)
    }
    if (typeof asked['from'] === 'string' && !Address.parse(asked['from']).equals(wallet.address)) {
      throw new Refusal('badRequest', 'the wallet has another address')
    }
    const until = asked['valid_until'] === undefined ? this.#clock() + 300 : Number(asked['valid_until'])
    if (!(until > this.#clock())) throw new Refusal('badRequest', 'the request is out of date')
    if (!Array.isArray(asked['messages'])) throw new Refusal('badRequest', 'no messages')
    const transfers = asked['messages'].map((one: Record<string, string>) => transferFrom(one))
    this.#ask()
    const message = await wallet.send(chain, transfers, until)
    return messageCell(message).toBoc().toString('base64')
  }

  async #signData(data: DataToSign): Promise<object> {
    const domain = this.#connected()
    this.#ask()
    const timestamp = this.#clock()
    const hash = new Uint8Array(dataHash(this.address, domain, timestamp, data))
    const signature = Buffer.from(this.#options.wallet.sign(hash)).toString('base64')
    return { signature, address: this.address.toRawString(), timestamp, domain, payload: data }
  }

  #connected(): string {
    if (this.#domain === undefined) throw new Refusal('unknownApp', 'not connected with this page')
    return this.#domain
  }

  /** The person looks at the screen. */
  #ask(): void {
    if (this.mood === 'decline') throw new Refusal('declined', 'the person declined')
  }
}

function errorOf(error: unknown): { code: number; message: string } {
  if (error instanceof Refusal) return { code: error.code, message: error.message }
  return { code: codes.unknown, message: error instanceof Error ? error.message : String(error) }
}

/** As wallets do, the domain comes from the manifest, and never from what the page says of itself. */
async function domainOf(manifestUrl: string): Promise<string> {
  let manifest: unknown
  try {
    const response = await fetch(manifestUrl)
    if (!response.ok) throw new Error(`status ${response.status}`)
    manifest = await response.json()
  } catch (cause) {
    throw new Refusal('noManifest', `no manifest at ${manifestUrl}: ${String(cause)}`)
  }
  try {
    return new URL((manifest as { url: string }).url).host
  } catch {
    throw new Refusal('badManifest', 'the manifest names no url')
  }
}

function readJson(text: string | undefined): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(text ?? '') as Readonly<Record<string, unknown>>
  } catch {
    throw new Refusal('badRequest', 'the parameter is no JSON')
  }
}

function transferFrom(one: Readonly<Record<string, string>>): Transfer {
  const { address = '', amount = '', payload, stateInit } = one
  if (!/^\d{1,20}$/.test(amount)) throw new Refusal('badRequest', 'an amount is decimal nanograms')
  try {
    return {
      to: Address.parse(address),
      value: BigInt(amount),
      bounce: Address.isFriendly(address) ? Address.parseFriendly(address).isBounceable : true,
      ...(payload ? { body: Cell.fromBase64(payload) } : {}),
      ...(stateInit ? { init: loadStateInit(Cell.fromBase64(stateInit).beginParse()) } : {}),
    }
  } catch (cause) {
    throw new Refusal('badRequest', `a message cannot be read: ${String(cause)}`)
  }
}
