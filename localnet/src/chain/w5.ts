import { type Bytes, networks } from '@cocoon/protocol'
import {
  type Address,
  beginCell,
  Cell,
  external,
  internal,
  type Message,
  type MessageRelaxed,
  SendMode,
  type StateInit,
  storeMessage,
} from '@ton/core'
import { type KeyPair, keyPairFromSeed, sign } from '@ton/crypto'
import { WalletContractV5R1 } from '@ton/ton'

/** What a wallet is asked to send. */
export interface Transfer {
  readonly to: Address
  /** Nanograms. */
  readonly value: bigint
  readonly body?: Cell
  readonly init?: StateInit
  readonly bounce?: boolean
}

/** As many as a W5 wallet sends with one signature. */
export const MOST_TRANSFERS = 255

/** Where a wallet sends its messages and asks for its number: a `TonClient` fits. */
export interface WalletChain {
  runMethodWithError(address: Address, name: string): Promise<{ exit_code: number; stack: { readNumber(): number } }>
  sendFile(boc: Buffer): Promise<void>
}

/** A W5 wallet with real signatures, made of a seed of 32 bytes. */
export class Wallet {
  readonly address: Address
  readonly init: { readonly code: Cell; readonly data: Cell }
  readonly #contract: WalletContractV5R1
  readonly #keys: KeyPair

  constructor(seed: Bytes, network: number = networks.localnet) {
    this.#keys = keyPairFromSeed(Buffer.from(seed))
    this.#contract = WalletContractV5R1.create({
      publicKey: this.#keys.publicKey,
      walletId: { networkGlobalId: network },
    })
    this.address = this.#contract.address
    this.init = this.#contract.init
  }

  get publicKey(): Bytes {
    return new Uint8Array(this.#keys.publicKey)
  }

  /** Ed25519 over `hash`, as wallets sign `ton_proof` and data. */
  sign(hash: Bytes): Bytes {
    return new Uint8Array(sign(Buffer.from(hash), this.#keys.secretKey))
  }

  /**
   * One signed external message, with the wallet's code while `seqno` is 0. `until`: Unix seconds after which the chain
   * takes it no more.
   * @throws RangeError for more than 255 transfers
   */
  message(transfers: readonly Transfer[], seqno: number, until: number): Message {
    if (transfers.length > MOST_TRANSFERS) throw new RangeError(`a wallet sends at most ${MOST_TRANSFERS} at once`)
    const body = this.#contract.createTransfer({
      seqno,
      secretKey: this.#keys.secretKey,
      timeout: until,
      sendMode: SendMode.PAY_GAS_SEPARATELY | SendMode.IGNORE_ERRORS,
      messages: transfers.map(relaxed),
    })
    return external({ to: this.address, body, ...(seqno === 0 ? { init: this.init } : {}) })
  }

  /** The number of the next message; 0 while the wallet is not deployed. */
  async seqno(chain: WalletChain): Promise<number> {
    const { exit_code: exitCode, stack } = await chain.runMethodWithError(this.address, 'seqno')
    return exitCode === 0 ? stack.readNumber() : 0
  }

  /** Signs, sends, and returns the message. What came of it is for the caller to see. */
  async send(chain: WalletChain, transfers: readonly Transfer[], until: number): Promise<Message> {
    const message = this.message(transfers, await this.seqno(chain), until)
    await chain.sendFile(messageCell(message).toBoc())
    return message
  }
}

export function messageCell(message: Message): Cell {
  return beginCell().store(storeMessage(message)).endCell()
}

function relaxed({ to, value, body, init, bounce = true }: Transfer): MessageRelaxed {
  return internal({ to, value, bounce, body: body ?? Cell.EMPTY, ...(init ? { init } : {}) })
}
